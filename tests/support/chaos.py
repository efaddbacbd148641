"""A data directory with its servers, one database a case, and jobs as processes that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg
import pytest

from rapray import embedded
from rapray.config import EmbeddingSettings, EmotionSettings, Settings
from rapray.samples.corpus import artists
from rapray.samples.site import SampleSite
from rapray.store.checksum import checksum
from rapray.store.pool import connect
from tests.support.collection import results_of, vectors_of
from tests.support.model_results import assert_same_result, assert_same_vectors, dtype_of
from tests.support.waiting import wait_for

JOB_DEADLINE_S = 180
Killer = Callable[["Chaos", subprocess.Popen[bytes]], list[int]]


@dataclass(frozen=True)
class Contents:
    """What a database holds: checksums of all that must be equal, and what models computed, by key."""

    sums: dict[str, str]
    vectors: dict[tuple[str, str, int], list[float]]
    results: dict[tuple[str, str], dict[str, Any]]

    def assert_same(self, other: Contents) -> None:
        """Fail unless all is equal, except vectors and emotions, which are equal within their tolerances."""
        assert self.sums == other.sums
        assert self.vectors.keys() == other.vectors.keys()
        dtype = dtype_of(EmbeddingSettings())
        for key, vector in self.vectors.items():
            assert_same_vectors(vector, other.vectors[key], dtype, key)
        assert self.results.keys() == other.results.keys()
        for key, result in self.results.items():
            assert_same_result(result, other.results[key], dtype_of(EmotionSettings()))


@dataclass
class Chaos:
    """The servers of a chaos run and the environment that its jobs are started in."""

    settings: Settings
    site: SampleSite
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def server(self, name: str) -> int:
        """The process id of an embedded server."""
        pids = [s.pid for s in embedded.status(self.settings.data_dir).servers if s.name == name]
        assert pids
        assert pids[0] is not None
        return pids[0]

    def start(self, database: str, job: list[str], **changes: str) -> subprocess.Popen[bytes]:
        """Start a job as a process of its own group, with these variables changed."""
        environment = {
            **os.environ,
            **self.environment,
            "RAPRAY_DATABASE__URL": self.url(database),
            **changes,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "rapray.cli", *job],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self, database: str, job: list[str]) -> None:
        """Run a job again and again, as an operator would, until it succeeds; at most five times."""
        for _ in range(5):
            process = self.start(database, job)
            _, errors = process.communicate(timeout=JOB_DEADLINE_S)
            if process.returncode in (0, 3):  # 3: some pages of the site never succeed
                return
        pytest.fail(f"{job} does not succeed:\n{errors.decode()[-3000:]}")

    def url(self, database: str) -> str:
        """The address of one database of the embedded server."""
        own = embedded.resolve_endpoints(self.settings).database_url
        return own.rsplit("/", 1)[0] + f"/{database}"

    def create(self, database: str, template: str = "template0") -> None:
        """A new database, a copy of `template`."""
        self._execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    def drop(self, database: str) -> None:
        """Remove a database and everyone who is connected to it."""
        self._execute(f'DROP DATABASE "{database}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        wait_for(self.is_up, "PostgreSQL comes back")
        with psycopg.connect(
            embedded.resolve_endpoints(self.settings).database_url, autocommit=True
        ) as connection:
            connection.execute(statement)  # pyright: ignore

    def is_up(self) -> bool:
        """True where every server answers."""
        return embedded.status(self.settings.data_dir).is_up

    def batches(self, database: str) -> int:
        """How many batches the ledger of a database holds; 0 while it cannot be asked."""
        try:
            with psycopg.connect(self.url(database), connect_timeout=5) as connection:
                row = connection.execute("SELECT count(*) FROM run_batches").fetchone()
        except psycopg.Error:
            return 0
        return int(row[0]) if row else 0

    def contents(self, database: str) -> Contents:
        """Return what the tables hold, without times and ids."""
        url = self.url(database)
        with connect(url, application_name="chaos") as connection:
            sums = checksum(connection)
        return Contents(sums, vectors_of(url), results_of(url, by="source_id"))


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End everything that a job has started: Ray's processes stay in its session."""
    for other in psutil.process_iter(["pid"]):
        try:
            if os.getsid(other.pid) == process.pid:
                other.kill()
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue


def commands() -> dict[str, list[str]]:
    """The jobs in the order in which they build on one another."""
    names = [argument for artist in artists() for argument in ("--artist", str(artist.id))]
    return {"collect": ["collect", *names], "embed": ["embed"], "analyze": ["analyze"]}


def kill(pids: list[int]) -> None:
    """SIGKILL; a process that has just ended is no error."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
