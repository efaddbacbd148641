"""Keeps one server running: adopts it or starts it, notices its end, starts it again after growing pauses.

Nothing here blocks longer than a single probe.
"""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from rapray.embedded.processes import ProcessId, find_servers, identify, stop
from rapray.embedded.record import ServerRecord, State
from rapray.embedded.server import Server
from rapray.errors import EmbeddedServerError
from rapray.net.loopback import choose_port
from rapray.net.retry import backoff

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 30.0
_HEALTHY_AFTER_S = 30.0  # a server that lived this long has earned a restart without a pause
_HOPELESS_AFTER = 3  # failed starts in a row of a server that never ran
_TRANSIENT_FOR_S = 30.0
_LOG_ROTATE_BYTES = 10_000_000

log = logging.getLogger(__name__)


class SupervisedServer:
    """One server under supervision; call `tick` again and again."""

    def __init__(self, server: Server, log_file: Path, port: int | None) -> None:
        self.server = server
        self.port = port
        self.state: State = "starting"
        self.process: ProcessId | None = None
        self.error = ""
        self.restarts = 0
        self._log_file = log_file
        self._log_start = 0
        self._popen: subprocess.Popen[bytes] | None = None
        self._started_at: float | None = None
        self._ready_since: float | None = None
        self._was_ready = False
        self._failures = 0
        self._born = time.monotonic()
        self._not_before = 0.0

    @property
    def is_hopeless(self) -> bool:
        """Return True if the server never came up and another try would end the same way."""
        if self._was_ready or self._failures < _HOPELESS_AFTER:
            return False
        is_patience_over = time.monotonic() - self._born > _TRANSIENT_FOR_S
        return is_patience_over or not self.server.is_transient(self.error)

    def record(self) -> ServerRecord:
        """Return what the endpoint file says about the server."""
        return ServerRecord(
            name=self.server.name,
            state=self.state,
            port=self.port or 0,
            version=self.server.version,
            process=self.process,
            started_at=self._started_at,
            restarts=self.restarts,
            error=self.error,
        )

    def adopt(self) -> bool:
        """Take over a server that an earlier supervisor left on this directory. Return False if there is none."""
        processes = find_servers(self.server.program, self.server.directory)
        if not processes:
            return False
        self.process, *strays = processes
        for stray in strays:  # only a supervisor that was killed while it started one leaves two servers
            stop(stray, self.server.stop_steps)
        self.port = self.server.running_port(self.process.pid) or self.port
        self._started_at = time.time()
        log.info("adopted %s, pid %d, port %s", self.server.name, self.process.pid, self.port)
        return True

    def tick(self, taken_port: int | None) -> None:
        """Look at the server once and do what is due. A new port is never `taken_port`, the other server's."""
        if self._popen is not None:
            self._popen.poll()  # reap
        if self.process is None:
            self._start_if_due(taken_port)
        elif not self.process.is_alive:
            self._on_death(self._log_tail())
        elif self.state != "ready":
            self._probe()

    def stop(self) -> None:
        """Stop the server and wait for it."""
        if self.process is None:
            return
        process, self.process = self.process, None
        is_gone = stop(process, self.server.stop_steps)
        self.state = "stopped"
        if self._popen is not None:
            self._popen.poll()
        log.info("%s, pid %d, %s", self.server.name, process.pid, "stopped" if is_gone else "DID NOT STOP")

    def _start_if_due(self, taken_port: int | None) -> None:
        if time.monotonic() < self._not_before:
            return
        try:
            self.port, self._popen = self._start(() if taken_port is None else (taken_port,))
        except OSError as error:  # a full disk must not take the other server along
            self._on_death(str(error))
            return
        # A process that has ended already is a zombie until it is reaped: give it a birth that never matches.
        self.process = identify(self._popen.pid) or ProcessId(self._popen.pid, "ended")
        self._started_at = time.time()
        log.info("started %s, pid %d, port %d", self.server.name, self.process.pid, self.port)

    def _start(self, taken: Collection[int]) -> tuple[int, subprocess.Popen[bytes]]:
        port = choose_port(self.port, taken)
        self._rotate_log()
        with self._log_file.open("ab") as file:
            self._log_start = file.tell()
            return port, self.server.start(port, file)

    def _probe(self) -> None:
        assert self.process is not None
        assert self.port is not None
        try:
            is_ready = self.server.is_ready(self.process.pid, self.port)
        except EmbeddedServerError as error:
            self.error, self._failures = str(error.attributes["reason"]), _HOPELESS_AFTER
            return
        if is_ready:
            self.state, self.error = "ready", ""
            self._was_ready, self._ready_since = True, time.monotonic()
            log.info("%s is ready on port %d", self.server.name, self.port)

    def _on_death(self, reason: str) -> None:
        lived_s = 0.0 if self._ready_since is None else time.monotonic() - self._ready_since
        self._failures = 0 if lived_s > _HEALTHY_AFTER_S else self._failures + 1
        attempt = max(self._failures - 1, 0)
        pause_s = backoff(attempt, first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S, jitter=0)
        self._not_before = time.monotonic() + pause_s
        self.error = reason
        self.process, self._ready_since = None, None
        self.state = "restarting" if self._was_ready else "starting"
        self.restarts += 1
        log.warning("%s ended; starting again in %.1f s", self.server.name, pause_s)

    def _log_tail(self) -> str:
        try:
            with self._log_file.open("rb") as file:
                file.seek(self._log_start)
                text = file.read().decode(errors="replace")
        except OSError:
            return "its log cannot be read"
        return "\n".join(text.strip().splitlines()[-12:])[-2000:]

    def _rotate_log(self) -> None:
        if self._log_file.exists() and self._log_file.stat().st_size > _LOG_ROTATE_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
