"""The embedded PostgreSQL: its cluster, its command line, how to tell that it is ready.

Does not restart anything (`supervised_server.py` does) and creates no table (`rapray.store` does).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from rapray.embedded.account import Account
from rapray.errors import EmbeddedServerError
from rapray.net.loopback import LOOPBACK

USER = "rapray"
DATABASE = "rapray"
PROGRAM = "postgres"
# Fast stop; immediate stop, which the next start recovers from; the last resort.
STOP_STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
_MEBIBYTE = 1 << 20
_GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Postgres:
    """One cluster: `directory` is PGDATA."""

    directory: Path
    binary: Path
    initdb: Path
    version: str
    account: Account
    password: str = field(repr=False)
    name: str = "PostgreSQL"
    program: str = PROGRAM
    stop_steps: Sequence[tuple[signal.Signals, float]] = STOP_STEPS

    def prepare(self) -> None:
        """Make the cluster if there is none, else check that this program can open it."""
        made_by = self._made_by()
        if made_by is None:
            self._create_cluster()
        elif made_by != self.version.partition(".")[0]:
            reason = f"{self.directory} was made by PostgreSQL {made_by}, and this is {self.version}"
            raise EmbeddedServerError(server=self.name, reason=reason)

    def start(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the postmaster itself: as its parent, the supervisor hears of its end at once."""
        command = [str(self.binary), "-D", str(self.directory), "-p", str(port)]
        for setting in (f"listen_addresses={LOOPBACK}", "unix_socket_directories="):
            command += ["-c", setting]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            **self.account.drop(),
        )

    def running_port(self, pid: int) -> int | None:
        """Line 4 of postmaster.pid."""
        lines = self._pid_file()
        return int(lines[3]) if len(lines) > 3 and lines[0] == str(pid) else None

    def is_ready(self, pid: int, port: int) -> bool:
        """True once recovery has ended and the database `rapray` is there."""
        lines = self._pid_file()
        if len(lines) < 8 or lines[0] != str(pid) or lines[7] != "ready":
            return False
        return self._ensure_database(port)

    def is_transient(self, log: str) -> bool:
        """Backends of a killed postmaster take a moment to notice; a port may be taken between check and use."""
        return any(
            sign in log
            for sign in (
                "pre-existing shared memory block",
                "another postmaster",
                "another server might be running",
                "Address already in use",
                "could not create any TCP/IP sockets",
            )
        )

    def _made_by(self) -> str | None:
        try:
            return (self.directory / "PG_VERSION").read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def _pid_file(self) -> list[str]:
        try:
            text = (self.directory / "postmaster.pid").read_text("utf-8", "replace")  # a path may be in it
        except OSError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _create_cluster(self) -> None:
        # In a directory of its own, renamed at the end: a start that was killed half-way leaves no half cluster.
        parent = self.directory.parent
        for leftover in parent.glob("initdb-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix="initdb-", dir=parent))
        self.account.own(staging)
        try:
            self._run_initdb(staging)
            (staging / "cluster").rename(self.directory)
        except OSError as error:
            reason = f"no cluster could be made in {self.directory}: {error}"
            raise EmbeddedServerError(server=self.name, reason=reason) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _run_initdb(self, staging: Path) -> None:
        password_file = staging / "password"
        self.account.write_private(password_file, self.password)
        command = [str(self.initdb), "-D", str(staging / "cluster"), "--username", USER]
        command += [
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--data-checksums",
            "--encoding=UTF8",
        ]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        for name, value in cluster_settings(_memory_bytes(), _shared_memory_bytes()).items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            cwd="/",
            env=_environment(),
            **self.account.drop(),
        )
        if done.returncode != 0:
            reason = f"initdb failed: {(done.stderr or done.stdout).strip()[-1500:]}"
            raise EmbeddedServerError(server=self.name, reason=reason)

    def _ensure_database(self, port: int) -> bool:
        import psycopg

        try:
            with psycopg.connect(
                host=LOOPBACK,
                port=port,
                user=USER,
                password=self.password,
                dbname="postgres",
                autocommit=True,
                connect_timeout=5,
            ) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    return True
                connection.execute(f"CREATE DATABASE {DATABASE}")
                return True
        except psycopg.errors.InvalidPassword as error:
            reason = f"it refuses the password in credentials.json of {self.directory.parent.parent}"
            raise EmbeddedServerError(server=self.name, reason=reason) from error
        except psycopg.OperationalError:
            return False


def cluster_settings(memory_bytes: int, shared_memory_bytes: int | None) -> dict[str, str]:
    """What initdb writes into postgresql.conf, where an operator may change it.

    Args:
        memory_bytes: what this host or container has.
        shared_memory_bytes: the size of /dev/shm, None where there is none.
    """
    megabytes = memory_bytes // _MEBIBYTE
    settings = {
        "max_connections": "120",  # four full replicas of the ingress, with two jobs beside them
        "shared_buffers": f"{min(max(megabytes // 16, 32), 1024)}MB",
        "maintenance_work_mem": f"{min(max(megabytes // 16, 64), 2048)}MB",
        "effective_cache_size": f"{max(megabytes // 2, 128)}MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",  # the data lies on solid state or in memory
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    if shared_memory_bytes is None or shared_memory_bytes < _GIBIBYTE:
        # Docker gives 64 MB: a parallel index build would die of "could not resize shared memory segment".
        settings["dynamic_shared_memory_type"] = "mmap"
    return settings


def _memory_bytes() -> int:
    limits = [psutil.virtual_memory().total]
    with contextlib.suppress(OSError, ValueError):  # no cgroup of version 2, or "max"
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    return min(limits)


def _shared_memory_bytes() -> int | None:
    try:
        return shutil.disk_usage("/dev/shm").total  # noqa: S108  # its size, nothing is put there
    except OSError:
        return None


def _environment() -> dict[str, str]:
    # Not this process's: PGPORT, PGDATA or a locale that is not installed would change the server.
    return {"PATH": os.defpath, "LC_ALL": "C"}
