"""Runs and the lock of a job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from psycopg import Connection

from rapray.errors import JobAlreadyRunning
from rapray.store import runs


def test_run_listed_with_counts(conn: Connection) -> None:
    """The latest run comes first, with what it did."""
    first = runs.start(conn, "collect", {"artists": ["A\x00"]})
    runs.finish(conn, first, "partial", {"new": 3}, "broke\x00")
    second = runs.start(conn, "embed", {})
    newest, oldest = runs.list_(conn)
    assert (newest.id, newest.state, newest.finished_at) == (second, "running", None)
    assert (oldest.id, oldest.state, oldest.counts) == (first, "partial", {"new": 3})


def test_job_lock_is_exclusive(database_url: str) -> None:
    """Two runs of a job never overlap; different jobs may."""
    with runs.job_lock(database_url, "collect"):
        with runs.job_lock(database_url, "embed"):
            pass
        with pytest.raises(JobAlreadyRunning, match="collect"), runs.job_lock(database_url, "collect"):
            pass
    with runs.job_lock(database_url, "collect"):
        pass


def test_job_lock_names_conflicts(database_url: str) -> None:
    """Runs that share no analyzer stand side by side; the one that is taken is named, and nothing else is kept."""
    with runs.job_lock(database_url, "analyze", ("analyzers", ["qwen", "emotion"])):
        with runs.job_lock(database_url, "analyze", ("analyzers", ["algorithmic"])):
            pass
        taken = runs.job_lock(database_url, "analyze", ("analyzers", ["gemma", "algorithmic", "qwen"]))
        with pytest.raises(JobAlreadyRunning, match="analyze/qwen"), taken:
            pass
        with runs.job_lock(database_url, "analyze", ("analyzers", ["gemma", "algorithmic"])):
            pass


def test_job_lock_dead_runs(database_url: str, conn: Connection) -> None:
    """Who holds an analyzer's lock knows that its former run is dead, and nothing of a run of others."""
    shared = runs.start(conn, "analyze", {"analyzers": ["algorithmic", "emotion"]})
    other = runs.start(conn, "analyze", {"analyzers": ["qwen"]})
    with runs.job_lock(database_url, "analyze", ("analyzers", ["emotion", "gemma"])):
        states = {run.id: run.state for run in runs.list_(conn)}
    assert states == {shared: "interrupted", other: "running"}


def test_job_lock_release_immediate(database_url: str) -> None:
    """A job may start the moment after another of its kind has ended, however busy the server is."""
    for _ in range(200):
        with runs.job_lock(database_url, "collect"):
            pass


def test_job_lock_killed_driver(database_url: str, conn: Connection) -> None:
    """SIGKILL of the driver gives the lock back, and the next run marks what was left open."""
    program = (
        "import sys, time; from rapray.store import runs; from rapray.store.pool import connect\n"
        "with runs.job_lock(sys.argv[1], 'collect'), connect(sys.argv[1], application_name='x') as c:\n"
        "    print(runs.start(c, 'collect', {}), flush=True); time.sleep(600)\n"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert driver.stdout is not None
    assert driver.stdout.readline()
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    deadline = time.monotonic() + 60
    while True:
        try:
            with runs.job_lock(database_url, "collect"):
                break
        except JobAlreadyRunning:
            assert time.monotonic() < deadline
    assert [run.state for run in runs.list_(conn)] == ["interrupted"]
