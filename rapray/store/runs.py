"""What each job did: one row a run, and the locks that keep two runs of a job apart.

Does not know what a job is: only its name, its parameters and its counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4
from zlib import crc32

import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from rapray import __version__
from rapray.errors import JobAlreadyRunning
from rapray.store import queries
from rapray.store.pool import address_of, connect, map_errors
from rapray.store.values import storable_or_none, to_jsonb

RunState = Literal["succeeded", "partial", "failed", "interrupted"]
_SQL = queries.load("runs")
_LOCK_CLASS = 0x7261_7079  # "rapy": the first of the two keys of every job's lock


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is stored; `finished_at` is None while `state` is "running"."""

    id: UUID
    job: str
    parameters: Mapping[str, Any]
    program: str
    state: str
    counts: Mapping[str, int]
    error: str | None
    started_at: datetime
    finished_at: datetime | None


def start(conn: Connection, job: str, parameters: Mapping[str, Any]) -> UUID:
    """Opens a run, and returns the id that every batch of it is written under."""
    run_id = uuid4()
    conn.execute(
        _SQL["start"],
        {"id": run_id, "job": job, "parameters": to_jsonb(parameters), "program": __version__},
    )
    return run_id


def finish(
    conn: Connection, run_id: UUID, state: RunState, counts: Mapping[str, int], error: str | None = None
) -> None:
    """Closes a run with what it counted."""
    conn.execute(
        _SQL["finish"],
        {"id": run_id, "state": state, "counts": to_jsonb(counts), "error": storable_or_none(error)},
    )


def written(conn: Connection, run_id: UUID) -> Counter[str]:
    """What all batches of a run counted so far, by the names that the write functions give."""
    return Counter(dict(conn.execute(_SQL["written"], {"id": run_id}).fetchall()))


def list_(conn: Connection, limit: int = 20) -> list[Run]:
    """The latest runs, the newest first."""
    with conn.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(_SQL["list"], {"limit": limit}).fetchall()


@contextmanager
def job_lock(database_url: str, job: str, shares: tuple[str, Sequence[str]] | None = None) -> Generator[None]:
    """Holds the only right to run a job on this database, or the right to its share of it.

    The lock belongs to a session of its own, so the server gives it back when the driver dies, however it
    dies. What died in the middle before is marked as interrupted here: nobody else can be running it.

    Args:
        database_url: of the collection.
        job: its name.
        shares: a parameter of the runs of this job, a list, and this run's values of it: two runs without a value in
            common may stand side by side.

    Raises:
        JobAlreadyRunning: where another process holds it, or one of the values.
        DatabaseUnavailable: where the server cannot be reached.
    """
    address = address_of(database_url)
    parameter, values = shares or (None, ())
    wanted = [f"{job}/{value}" for value in sorted(set(values))] if shares else [job]
    conn = connect(database_url, application_name=f"rapray {job} (lock)")
    try:
        with map_errors(address):
            # A driver whose host vanished would hold the lock for hours with the server's own keepalives.
            conn.execute(
                "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6"
            )
            for name in wanted:
                if not _try_lock(conn, name):
                    raise JobAlreadyRunning(job=name)
            conn.execute(_SQL["interrupt"], {"job": job, "parameter": parameter, "values": list(values)})
        yield
    finally:
        # Closing gives the lock back too, but when the server comes to it: a run right after this one would be refused.
        with suppress(psycopg.Error):
            conn.execute("SELECT pg_advisory_unlock_all()")
        conn.close()  # never fails, even where the server is gone


def _try_lock(conn: psycopg.Connection, name: str) -> bool:
    key = crc32(name.encode()) - 2**31  # a signed 32-bit key
    row = conn.execute("SELECT pg_try_advisory_lock(%s::int, %s::int)", (_LOCK_CLASS, key)).fetchone()
    return bool(row and row[0])
