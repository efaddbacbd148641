"""The embedded Valkey: its configuration file, its command line, how to tell that it is ready.

Does not restart anything: `supervised_server.py` does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rapray.embedded.account import Account
from rapray.errors import EmbeddedServerError
from rapray.net.loopback import LOOPBACK

PROGRAM = "valkey-server"
STOP_STEPS = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True)
class Valkey:
    """One server; `directory` holds its append-only file."""

    directory: Path
    binary: Path
    version: str
    account: Account
    password: str = field(repr=False)
    name: str = "Valkey"
    program: str = PROGRAM
    stop_steps: Sequence[tuple[signal.Signals, float]] = STOP_STEPS

    def prepare(self) -> None:
        """Make the directory."""
        try:
            if not self.directory.is_dir():
                self.directory.mkdir(mode=0o700)
                self.account.own(self.directory)
        except OSError as error:
            reason = f"{self.directory} cannot be made: {error.strerror}"
            raise EmbeddedServerError(server=self.name, reason=reason) from error

    def start(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Write the configuration and start; the password stands in the file, never in a command line."""
        self._write_configuration(port)
        return subprocess.Popen(
            [str(self.binary), str(self._configuration)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            **self.account.drop(),
        )

    def running_port(self, pid: int) -> int | None:
        """The configuration is written before each start, so its port is the running server's."""
        try:
            lines = self._configuration.read_text("utf-8").splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) for line in lines if line.startswith("port ")), None)

    def is_ready(self, pid: int, port: int) -> bool:
        """True once it has read its append-only file and answers PING."""
        try:
            with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                answers = b"".join(iter(lambda: connection.recv(4096), b""))
        except OSError:
            return False
        return b"+PONG" in answers

    def is_transient(self, log: str) -> bool:
        """A port may be taken between the check and its use."""
        return "Address already in use" in log

    @property
    def _configuration(self) -> Path:
        return self.directory / "valkey.conf"

    def _write_configuration(self, port: int) -> None:
        settings = {
            "bind": LOOPBACK,
            "port": str(port),
            "requirepass": self.password,
            "dir": f'"{self.directory}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",
            "daemonize": "no",
            "logfile": '""',  # standard output, which is our log file
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        self.account.write_private(self._configuration, text)
