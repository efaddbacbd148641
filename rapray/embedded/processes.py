"""Processes by identity: a pid together with its birth, so that a recycled pid is never taken for the old process.

Knows no PostgreSQL and no Valkey: only names, working directories and signals.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process for all time: `birth` tells it from a later process with the same pid."""

    pid: int
    birth: str

    @property
    def is_alive(self) -> bool:
        """True while this very process runs; a zombie does not run."""
        return birth_of(self.pid) == self.birth


def birth_of(pid: int) -> str | None:
    """When the process was born, as an opaque text; None where there is none or only a zombie."""
    if sys.platform == "linux":
        return _linux_birth(pid)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now."""
    birth = birth_of(pid)
    return None if birth is None else ProcessId(pid, birth)


def is_locked(path: Path) -> bool:
    """Return True while a process holds this lock file, also one in another container, whose pid says nothing here."""
    if not path.exists():
        return False  # trying the lock would create it
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _linux_birth(pid: int) -> str | None:
    # Ticks since boot, not wall time: a clock that is set while a server runs must not make it a stranger.
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()  # a process may have any bytes as its name
    except OSError:
        return None
    fields = line.rpartition(b")")[2].decode("ascii").split()
    return None if fields[0] in {"Z", "X"} else f"{_boot_id()}:{fields[19]}"


@functools.cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def find_servers(program: str, directory: Path) -> list[ProcessId]:
    """Every process of this program that works in this directory and is not the child of another such process.

    Both servers change into their data directory, so this finds exactly the ones that own its files.
    """
    matches = [process for process in psutil.process_iter(["name"]) if _works_in(process, program, directory)]
    pids = {process.pid for process in matches}
    roots = [process.pid for process in matches if _parent(process) not in pids]
    return [found for pid in roots if (found := identify(pid)) is not None]


def _works_in(process: psutil.Process, program: str, directory: Path) -> bool:
    try:
        return process.name() == program and Path(process.cwd()) == directory
    except (psutil.Error, OSError):
        return False


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def stop(process: ProcessId, steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn and wait its seconds; True once the process is gone."""
    for step, patience_s in steps:
        if not process.is_alive:
            return True
        try:
            os.kill(process.pid, step)
        except ProcessLookupError:
            return True
        if wait_gone(process, patience_s):
            return True
    return not process.is_alive


def wait_gone(process: ProcessId, patience_s: float) -> bool:
    """Wait until the process is gone; False where it outlives the patience."""
    deadline = time.monotonic() + patience_s
    while process.is_alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
