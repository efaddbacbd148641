"""Builds and describes the HNSW index over a model's vectors.

Does not search, and is never part of a migration: it is built after a bulk load, by a command with progress.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql

from rapray.store import queries
from rapray.store.models import dimension_of, partition_of, vector_type

Progress = Callable[[str, float], None]
_SQL = queries.load("vector_index")
_POLL_S = 0.2
_MEMORY_KB = 1_000_000  # beyond it the graph is built on disk, slower, and the server says so
_LEAST_MEMORY_KB = 64_000


@dataclass(frozen=True, slots=True)
class IndexState:
    """The index of a model's vectors; `is_usable` is False while there is none or a build was broken off."""

    name: str
    exists: bool
    is_usable: bool
    rows: int
    bytes: int


def index_state(conn: Connection, model_id: int) -> IndexState:
    """What there is of a model's index now; `rows` is the number of its vectors."""
    name = f"lyric_embeddings_m{model_id}_hnsw"
    row = conn.execute(_SQL["state"], {"name": name}).fetchone()
    count = conn.execute(_SQL["rows"].format(partition=partition_of(model_id))).fetchone()
    rows = count[0] if count else 0
    if row is None:
        return IndexState(name, exists=False, is_usable=False, rows=rows, bytes=0)
    return IndexState(name, exists=True, is_usable=row[0], rows=rows, bytes=row[1])


def build_index(conn: Connection, model_id: int, progress: Progress | None = None) -> IndexState:
    """Builds the index where there is none, without keeping anybody from reading or writing meanwhile.

    What a broken-off build left is replaced; an index that is there stays as it is.

    Args:
        conn: in autocommit mode and in no transaction.
        model_id: from `models.register_model`.
        progress: called with the phase and the fraction done in it, some times a second, from another thread.
    """
    dimension = dimension_of(conn, model_id)
    state = index_state(conn, model_id)
    if state.is_usable:
        return state
    names = {
        "index": sql.Identifier(state.name),
        "partition": partition_of(model_id),
        "type": vector_type(dimension),
    }
    _use_memory(conn, state.rows, dimension)
    try:
        with _watched(conn, progress):
            _create(conn, names)
    finally:
        if not conn.closed:
            conn.execute("RESET maintenance_work_mem; RESET max_parallel_maintenance_workers")
    conn.execute(_SQL["analyze"].format(**names))
    return index_state(conn, model_id)


def _use_memory(conn: Connection, rows: int, dimension: int) -> None:
    needed_kb = rows * (2 * dimension + 8 + 296) // 1000  # pgvector's own figure for a halfvec graph, m = 16
    memory = min(max(int(needed_kb * 1.2), _LEAST_MEMORY_KB), _MEMORY_KB)
    conn.execute("SELECT set_config('maintenance_work_mem', %s, false)", (f"{memory}kB",))


def _create(conn: Connection, names: Mapping[str, sql.Composable]) -> None:
    conn.execute(_SQL["drop"].format(**names))
    try:
        conn.execute(_SQL["create"].format(**names))
    except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory):
        # Parallel workers share the graph in /dev/shm, and a container has 64 MB of it.
        conn.execute("SET max_parallel_maintenance_workers = 0")
        conn.execute(_SQL["drop"].format(**names))
        conn.execute(_SQL["create"].format(**names))


@contextmanager
def _watched(conn: Connection, progress: Progress | None) -> Generator[None]:
    """Reports the build on a second connection, because the first is busy with it."""
    if progress is None:
        yield
        return
    done = threading.Event()
    same: dict[str, Any] = conn.info.get_parameters() | {"password": conn.info.password}
    with psycopg.connect(autocommit=True, **same) as second:
        watch = threading.Thread(
            target=_report, args=(second, conn.info.backend_pid, progress, done), daemon=True
        )
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()


def _report(conn: Connection, build_pid: int, progress: Progress, done: threading.Event) -> None:
    while not done.wait(_POLL_S):
        try:
            row = conn.execute(_SQL["progress"], {"pid": build_pid}).fetchone()
        except psycopg.Error:  # the build says what happened to the server
            return
        if row is not None:
            progress(row[0], float(row[1]))
