"""A checksum over what jobs have stored, to compare two databases that were filled in different ways.

Covers only what must be equal to the last byte: no times, ids from a sequence, seconds, attempts or prose,
and nothing that a model computed. A model's figures differ in their last digits between processors and
batches.
"""

from __future__ import annotations

from psycopg import Connection

from rapray.store import queries

_SQL = queries.load("checksum")
TABLES = ("artists", "tracks", "crawl", "lyric_embeddings", "analysis_results", "dead_letters")


def checksum(conn: Connection) -> dict[str, str]:
    """Return each table's number of rows and one MD5 over all of them, whatever their order, as text."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        conn.execute("SET LOCAL TIME ZONE 'UTC'")
        sums: dict[str, str] = {}
        for table in TABLES:
            row = conn.execute(_SQL[table]).fetchone()
            assert row is not None
            sums[table] = f"{row[0]} {row[1]}"
    return sums
