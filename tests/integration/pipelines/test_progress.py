"""How far a job is, as its display asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

import pytest

from rapray.config import Settings
from rapray.embedded import Endpoints
from rapray.pipelines import job
from rapray.pipelines.job import JobContext
from rapray.pipelines.progress import RunProgress
from rapray.store import runs
from rapray.store.pool import connect


def test_progress_survives_database_restart(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of PostgreSQL ends no display: workers outlive it, and so does what shows their work."""
    seen: list[RunProgress | None] = []

    with connect(database_url, application_name="test") as connection, ExitStack() as stack:

        @contextmanager
        def progress(
            name: str, total: int, so_far: Callable[[], RunProgress | None], interval_s: float
        ) -> Generator[None]:
            del name, total, interval_s
            seen.append(so_far())
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'rapray progress' AND datname = current_database()"
            )
            seen.append(so_far())
            yield

        monkeypatch.setattr("rapray.pipelines.job.progress", progress)
        run_id = runs.start(connection, "test", {})
        endpoints = Endpoints(database_url, None, False, False)
        context = JobContext("test", Settings(), endpoints, connection, run_id, time.monotonic(), stack)
        with job._ledger_progress(context, 1):
            pass
    assert seen == [RunProgress(done=0, failed=0)] * 2
