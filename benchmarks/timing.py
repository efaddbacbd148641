"""What benchmarks time with: the wall clock of a call, and the spread of many.

Knows nothing of what is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


def seconds(run: Callable[[], object]) -> float:
    """Wall clock of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def spread_of(took_s: Sequence[float]) -> dict[str, float]:
    """The 50th and 95th percentile of seconds, in milliseconds."""
    p95 = statistics.quantiles(took_s, n=20, method="inclusive")[-1]
    return {"p50_ms": round(1000 * statistics.median(took_s), 2), "p95_ms": round(1000 * p95, 2)}
