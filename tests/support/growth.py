"""How the work of a function grows with its input: a ratio of CPU time, so that a slow or busy machine changes nothing."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

_TIMES = 8  # the larger input by the smaller
_MOST = 3 * _TIMES  # the larger work by the smaller: 8 if it grows linearly, 64 if with the square
_TRIES = 5


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Fail if `work(size)` takes far more than eight times the CPU time of `work(size // 8)`.

    `size` must be large enough for work of some milliseconds. A measurement can only be too long (another program
    empties the caches), so the shortest of a few counts.
    """
    work(size // _TIMES)  # loads word lists and the like
    small = large = float("inf")
    for _ in range(_TRIES):
        small, large = min(small, _seconds(work, size // _TIMES)), min(large, _seconds(work, size))
        if large < _MOST * small:
            return
    pytest.fail(
        f"{_TIMES} times the input took {large / small:.0f} times the work ({small:.4f} s, {large:.4f} s)"
    )


def _seconds(work: Callable[[int], object], size: int) -> float:
    """Return the CPU time of this thread, without the garbage collector's: that depends on earlier tests."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        started = time.thread_time()
        work(size)
        return time.thread_time() - started
    finally:
        if is_collecting:
            gc.enable()
