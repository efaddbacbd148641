"""A range of keys: what one reading task of a job is given, and how such ranges are read.

Does not know which table it is of.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from psycopg import Connection

Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class KeyRange(Generic[Key]):
    """The due rows with lo ≤ key ≤ hi; there were `rows` of them when the range was made.

    Text keys are ordered as their column is, so only the database may compare them.
    """

    lo: Key
    hi: Key
    rows: int


@contextmanager
def by_index(conn: Connection) -> Generator[None]:
    """A transaction whose reads go by indexes.

    A job reads tables that it has just filled, and the planner still believes them empty: it would walk
    through a whole table for each row of another.
    """
    with conn.transaction():
        conn.execute("SET LOCAL enable_seqscan = off")
        yield
