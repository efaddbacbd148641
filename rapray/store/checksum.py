"""A checksum over what jobs have stored, to compare two databases that were filled in different ways.

Does not see times, ids that a sequence gave, seconds, attempts, or prose: only what must be the same.
"""

from __future__ import annotations

from psycopg import Connection

from rapray.store import queries

_SQL = queries.load("checksum")
TABLES = ("artists", "tracks", "crawl", "lyric_embeddings", "analysis_results", "dead_letters")


def checksum(conn: Connection, *, vectors: bool = False) -> dict[str, str]:
    """A table's number of rows and the MD5 of all of them, in order of their natural keys, as text.

    Args:
        conn: any connection.
        vectors: also compare the values of vectors. A model gives values that differ in their last bits when
            a text meets others in its batch, so two runs agree in them only with the same batches.
    """
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        conn.execute("SET LOCAL TIME ZONE 'UTC'")
        found: dict[str, str] = {}
        for table in TABLES:
            row = conn.execute(_SQL[table], {"vectors": vectors}).fetchone()
            assert row is not None
            found[table] = f"{row[0]} {row[1]}"
    return found
