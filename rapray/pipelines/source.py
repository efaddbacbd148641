"""Reads what is due from PostgreSQL by key range: one Ray Data read task a range, one block a task.

Not `ray.data.read_sql`, which on PostgreSQL becomes a single task. Does not know which table it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from psycopg import Connection
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from rapray.pipelines.records import SCHEMA, to_table
from rapray.store.retry import RetryingConnection

# (connection, range) -> lists of (key, record)
RangeReader = Callable[[Connection, Any], Iterable[Sequence[tuple[str, object]]]]


@dataclass(frozen=True)
class _ReadRange:
    """What one read task runs on a worker: opens its own connection, because none can be pickled.

    The range is read before its first block is handed on, so that a lost connection can be tried again.
    """

    database_url: str
    reader: RangeReader
    key_range: Any

    def __call__(self) -> Iterator[pa.Table]:
        with RetryingConnection(self.database_url, application_name="rapray read") as connection:
            lists = connection.run(lambda conn: list(self.reader(conn, self.key_range)))
        yield from map(to_table, lists)


class KeyRangeSource(Datasource):
    """A Ray Data source over key ranges that the driver has planned."""

    def __init__(self, database_url: str, reader: RangeReader, key_ranges: Sequence[Any]) -> None:
        super().__init__()
        self._database_url = database_url
        self._reader = reader
        self._key_ranges = list(key_ranges)

    def get_name(self) -> str:
        """The name in the plan and in the progress bar."""
        return "DueRows"

    def estimate_inmemory_data_size(self) -> int | None:
        """Not known before the read."""
        return None

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
    ) -> list[ReadTask]:
        """One task a range; `parallelism` is ignored, because the ranges are the plan."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
        return [
            ReadTask(
                _ReadRange(self._database_url, self._reader, key_range),
                unknown,
                schema=SCHEMA,
                per_task_row_limit=per_task_row_limit,
            )
            for key_range in self._key_ranges
        ]
