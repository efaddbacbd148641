"""Shows how far a job is: a bar in a terminal, one line every few seconds in a log.

Counts what the ledger in PostgreSQL says is written, so it shows work that survives, not work in flight.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rapray.telemetry import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Records of this run that are written, and how many of them are failures."""

    done: int
    failed: int


@contextmanager
def progress(
    job: str, total: int, so_far: Callable[[], RunProgress | None], interval_s: float
) -> Generator[None]:
    """Report until the block ends.

    Args:
        job: what the bar is called.
        total: records that were due at the start.
        so_far: asks the ledger; called from a thread of its own. None: not known now.
        interval_s: between two lines of a log; a terminal is redrawn every half second.
    """
    stop = threading.Event()
    watch = _watch_terminal if sys.stderr.isatty() else _watch_log
    thread = threading.Thread(target=watch, args=(job, total, so_far, interval_s, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


def _watch_terminal(
    job: str, total: int, so_far: Callable[[], RunProgress | None], interval_s: float, stop: threading.Event
) -> None:
    del interval_s
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(job, total=total, failed=0)
        is_last = False
        while not is_last:
            is_last = stop.wait(0.5)
            if now := so_far():
                bar.update(task, completed=now.done, failed=now.failed)


def _watch_log(
    job: str, total: int, so_far: Callable[[], RunProgress | None], interval_s: float, stop: threading.Event
) -> None:
    started = time.monotonic()
    is_last = False
    while not is_last:
        is_last = stop.wait(interval_s)
        if now := so_far():
            _log_line(job, total, now, time.monotonic() - started)


def _log_line(job: str, total: int, now: RunProgress, seconds: float) -> None:
    rate = now.done / seconds if seconds > 0 else 0.0
    left = max(0, total - now.done)
    log.info(
        f"{job}: {now.done} of {total}",
        done=now.done,
        left=left,
        failed=now.failed,
        per_second=round(rate, 2),
        eta_s=round(left / rate) if rate else None,
    )
