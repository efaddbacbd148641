"""The exactly-once write path."""

from __future__ import annotations

import threading
from collections import Counter
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from rapray.store import runs
from rapray.store.ledger import stage, write_once
from rapray.store.pool import connect


def test_write_once_remembers_counts(conn: Connection, run_id: UUID) -> None:
    """The remembered counts come back."""
    calls: list[int] = []

    def write(_: Connection) -> dict[str, int]:
        calls.append(1)
        return {"new": 2}

    assert [write_once(conn, run_id, "b", write) for _ in range(2)] == [Counter(new=2)] * 2
    assert len(calls) == 1


def test_write_once_rolls_back(conn: Connection, run_id: UUID) -> None:
    """The ledger's row and the batch's rows are in one transaction: neither without the other."""

    def broken(inside: Connection) -> dict[str, int]:
        inside.execute(
            "INSERT INTO artists (source, source_id, name, name_normalized) VALUES ('s', '1', 'n', 'n')"
        )
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_once(conn, run_id, "b", broken)
    assert conn.execute(
        "SELECT (SELECT count(*) FROM run_batches), (SELECT count(*) FROM artists)"
    ).fetchone() == (0, 0)


def test_write_once_concurrent_writers(database_url: str, conn: Connection, run_id: UUID) -> None:
    """A duplicate of a running task waits for it and then finds its batch written."""
    first_is_inside, calls, found = threading.Event(), [], []

    def write(inside: Connection) -> dict[str, int]:
        calls.append(inside)
        first_is_inside.set()
        # The other is waiting for our row as soon as the server says so.
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        deadline = threading.Event()
        for _ in range(200):
            if conn.execute(waiting).fetchone() == (1,):
                break
            deadline.wait(0.05)
        return {"new": 1}

    def one() -> None:
        with connect(database_url, application_name="writer") as own:
            found.append(write_once(own, run_id, "b", write))

    first, second = threading.Thread(target=one), threading.Thread(target=one)
    first.start()
    assert first_is_inside.wait(10)
    second.start()
    first.join(30)
    second.join(30)
    assert found == [Counter(new=1)] * 2
    assert len(calls) == 1


def test_stage_twice_replaces_batch(conn: Connection) -> None:
    """A caller may write two batches in a transaction of his own."""
    with conn.transaction():
        for rows in ([(1, ["a", None])], [(2, ["b"])]):
            stage(conn, "staged", {"number": "int8", "names": "text[]"}, rows)
        assert conn.execute("SELECT * FROM staged").fetchall() == [(2, ["b"])]
    with pytest.raises(psycopg.errors.UndefinedTable):
        conn.execute("SELECT * FROM staged")


def test_written_sums_batches(conn: Connection, run_id: UUID) -> None:
    """A run's progress can be read from the ledger while it goes on."""
    write_once(conn, run_id, "a", lambda _: {"new": 2, "failed": 1})
    write_once(conn, run_id, "b", lambda _: {"new": 3})
    assert runs.written(conn, run_id) == {"new": 5, "failed": 1}
