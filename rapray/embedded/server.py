"""What a supervised server is, to the supervisor: how to prepare, start, probe and stop it.

Knows no concrete server; `postgres.py` and `valkey.py` are the two.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Protocol


class Server(Protocol):
    """One kind of server with one data directory."""

    @property
    def name(self) -> str:
        """As people write it: "PostgreSQL"."""
        ...

    @property
    def program(self) -> str:
        """The process name."""
        ...

    @property
    def version(self) -> str:
        """Of the program."""
        ...

    @property
    def directory(self) -> Path:
        """The working directory of the running server, which holds its data."""
        ...

    @property
    def stop_steps(self) -> Sequence[tuple[signal.Signals, float]]:
        """Signals to stop it with, gentlest first, and the seconds each is given."""
        ...

    def prepare(self) -> None:
        """Make the data directory; raises `EmbeddedServerError` where that is not possible."""
        ...

    def start(self, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process, detached from this one's terminal and session."""
        ...

    def running_port(self, pid: int) -> int | None:
        """The port that the running server listens on, as far as its own files tell."""
        ...

    def is_ready(self, pid: int, port: int) -> bool:
        """True once it answers clients."""
        ...

    def is_transient(self, log: str) -> bool:
        """True where these last log lines say that a later start may do better."""
        ...
