"""Writes a batch exactly once: one transaction holds the rows and the ledger's entry for them.

Does not know which tables a batch goes to, nor how it is retried (`retry.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from rapray.store import queries

_SQL = queries.load("ledger")


def batch_id(keys: Iterable[str]) -> str:
    """A name for what a batch holds, whatever the order: 32 hex digits.

    Keys should carry everything that makes two batches differ, e.g. the content hash or the outcome.
    """
    digest = blake2b(digest_size=16)
    for key in sorted(keys):
        encoded = key.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def write_once(
    conn: Connection, run_id: UUID, batch: str, write: Callable[[Connection], Mapping[str, int]]
) -> Counter[str]:
    """Calls `write` in a transaction that the ledger remembers; returns its counts, or the remembered ones.

    A second writer of the same batch waits for the first, and writes only if the first rolled back.
    """
    with conn.transaction():
        if conn.execute(_SQL["claim"], {"run_id": run_id, "batch_id": batch}).fetchone() is None:
            row = conn.execute(_SQL["counts"], {"run_id": run_id, "batch_id": batch}).fetchone()
            return Counter(row[0] if row else {})
        counts = Counter(write(conn))
        conn.execute(_SQL["settle"], {"run_id": run_id, "batch_id": batch, "counts": Jsonb(dict(counts))})
        return counts


def stage(conn: Connection, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Copies rows in binary form into a temporary table that ends with the transaction.

    Args:
        conn: inside a transaction.
        table: the temporary table's name.
        columns: name and type of each column, in the order of the rows' values.
        rows: one value a column.
    """
    create_stage(conn, table, columns)
    with conn.cursor() as cursor, cursor.copy(copy_statement(table, columns)) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def create_stage(conn: Connection, table: str, columns: Mapping[str, str]) -> None:
    """An empty temporary table; `stage` also fills it."""
    definitions = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), _type(kind)) for name, kind in columns.items()
    )
    # A call may run twice in one transaction, e.g. from a caller that writes two batches in his own.
    conn.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(table)))
    conn.execute(
        sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(table), definitions)
    )


def copy_statement(table: str, columns: Iterable[str]) -> sql.Composed:
    """The binary COPY into these columns of a table."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table), names)


def _type(kind: str) -> sql.Composable:
    element = kind.removesuffix("[]")
    return sql.Identifier(element) + sql.SQL("[]") if element != kind else sql.Identifier(element)
