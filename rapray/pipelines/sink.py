"""Writes records to PostgreSQL: a bounded number of tasks, one connection each, every batch once.

Not `write_sql`, which duplicates rows when a task is retried after its commit. Does not know which table it writes:
the store's write functions do, and they keep the ledger that makes a second delivery of a batch a no-op.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import pyarrow as pa
from psycopg import Connection
from ray.data import Datasink

from rapray.pipelines.records import from_blocks
from rapray.store.retry import RetryingConnection

# (connection, run id, records) -> counts, which the ledger keeps
BatchWriter = Callable[[Connection, UUID, Sequence[Any]], object]


class PostgresSink(Datasink[None]):
    """A Ray Data sink over one store write function."""

    def __init__(self, database_url: str, run_id: UUID, writer: BatchWriter) -> None:
        self._database_url = database_url
        self._run_id = run_id
        self._writer = writer

    def get_name(self) -> str:
        """The name in the plan."""
        return "PostgreSQL"

    def write(self, blocks: Iterable[pa.Table], ctx: Any) -> None:
        """Write all blocks of one task as one batch; again on another connection where the first is lost."""
        del ctx
        records = from_blocks(blocks)
        if not records:
            return
        with RetryingConnection(self._database_url, application_name="rapray write") as connection:
            connection.run(lambda conn: self._writer(conn, self._run_id, records))
