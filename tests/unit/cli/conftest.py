"""Command lines that run inside this process, without the developer's own settings."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rapray.cli import main


@dataclass(frozen=True)
class Ended:
    """The exit code of a command line, and what it printed to each stream."""

    code: int
    out: str
    err: str


Rapray = Callable[..., Ended]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give the test an empty folder, a new data directory, and none of the developer's variables."""
    for name in [name for name in os.environ if name.startswith(("RAPRAY_", "RAY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAPRAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def rapray(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Rapray]:
    """Return a function that runs a command line: `rapray("track", "1")`."""
    on_sigterm = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, printed.out, printed.err)

    yield run
    signal.signal(signal.SIGTERM, on_sigterm)
