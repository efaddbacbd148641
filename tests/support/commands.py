"""Runs `rapray` the way a user does: as a process, with the two streams apart and an environment without rapray's and Ray's own variables.

Does not know what a command prints.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from rapray import embedded

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
EQUAL_PRIORITY = {"RAY_worker_niceness": "0"}
"""Ray runs its workers at nice 15 by default."""


def environment(**changes: str) -> dict[str, str]:
    """Return our variables without those of rapray and Ray, with equal priority for Ray's workers and the virtual environment first on PATH."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("RAPRAY_", "RAY_"))}
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", os.defpath)])
    return {**own, **EQUAL_PRIORITY, **changes}


@contextmanager
def heeding_ctrl_c() -> Generator[None]:
    """Let SIGINT interrupt the processes that are started inside the block, as in a terminal.

    A script's background job, which a CI run may be, ignores SIGINT, and its child processes inherit that.
    This is how Unix works (`nohup`), and rapray respects it. A handler is not inherited: children of a
    process that has one start with the default.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start(*arguments: str, env: Mapping[str, str], cwd: Path | None = None) -> subprocess.Popen[str]:
    """A command as the leader of a process group, as a shell starts it."""
    with heeding_ctrl_c():
        return subprocess.Popen(
            [sys.executable, "-m", "rapray.cli", *arguments],
            env=dict(env),
            cwd=cwd or ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            process_group=0,
        )


def run(
    *arguments: str, env: Mapping[str, str], cwd: Path | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """A command from start to end."""
    process = subprocess.run(
        [sys.executable, "-m", "rapray.cli", *arguments],
        env=dict(env),
        cwd=cwd or ROOT,
        input=stdin,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return subprocess.CompletedProcess(
        process.args,
        process.returncode,
        process.stdout.decode(),
        process.stderr.decode(errors="replace"),
    )


@contextmanager
def data_directory() -> Generator[Path]:
    """A data directory that root's servers can pass through too; its servers are stopped at the end."""
    place = Path(tempfile.mkdtemp(prefix="rapray-acceptance-"))
    place.chmod(0o711)
    try:
        yield place
    finally:
        embedded.down(place)
        shutil.rmtree(place, ignore_errors=True)


def processes_of(directory: Path) -> list[str]:
    """Command lines of the processes that name this directory in arguments, variables or working directory."""
    return [
        f"{process.pid}: {' '.join(process.info['cmdline'] or [])}"
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(directory) in _traces(process)
    ]


def _traces(process: psutil.Process) -> str:
    traces = [*(process.info["cmdline"] or [])]
    for look in (process.cwd, lambda: "\n".join(process.environ().values())):
        try:
            traces.append(look())
        except (psutil.Error, OSError):
            continue  # it is gone, or not ours to see
    return "\n".join(traces)
