"""Carries domain records through Ray Data blocks: a key to look at, and the record itself.

Does not know what a record means. A record travels pickled, because Arrow would infer a schema a block and two
blocks with differing empty lists or absent dates would no longer concatenate.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

KEY, RECORD = "key", "record"
SCHEMA = pa.schema([(KEY, pa.string()), (RECORD, pa.binary())])


def to_table(records: Sequence[tuple[str, object]]) -> pa.Table:
    """A block of (key, record) pairs."""
    keys = [key for key, _ in records]
    pickled = [pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL) for _, record in records]
    return pa.table({KEY: keys, RECORD: pickled}, schema=SCHEMA)


def from_table(table: pa.Table) -> list[Any]:
    """The records of a block, in order."""
    return [pickle.loads(value.as_py()) for value in table[RECORD]]  # noqa: S301 (made by to_table in this job)


def from_blocks(blocks: Iterable[pa.Table]) -> list[Any]:
    """The records of several blocks, in order."""
    return [record for block in blocks for record in from_table(block)]
