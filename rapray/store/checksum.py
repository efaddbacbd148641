"""A checksum over what jobs have stored, to compare two databases that were filled in different ways.

Does not see times, ids that a sequence gave, seconds, attempts, prose, or what a model computed: only what must be
equal to the last byte. A model's figures differ in their last digits between processors and batches.
"""

from __future__ import annotations

from psycopg import Connection

from rapray.store import queries

_SQL = queries.load("checksum")
TABLES = ("artists", "tracks", "crawl", "lyric_embeddings", "analysis_results", "dead_letters")


def checksum(conn: Connection) -> dict[str, str]:
    """A table's number of rows and the MD5 of all of them, in order of their natural keys, as text."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        conn.execute("SET LOCAL TIME ZONE 'UTC'")
        found: dict[str, str] = {}
        for table in TABLES:
            row = conn.execute(_SQL[table]).fetchone()
            assert row is not None
            found[table] = f"{row[0]} {row[1]}"
    return found
