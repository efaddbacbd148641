"""A rate limit inside one process: for a single command and for tests.

Does not know other processes: jobs use the limiters of `rapray.cache` and `rapray.store`, shared by all workers.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable


class ProcessRateLimiter:
    """GCRA for each host, shared by the threads of this process.

    Args:
        requests_per_second: The lasting rate of one host.
        burst: Requests that may leave at once after a pause.
        clock: Seconds on a clock that never goes back.
    """

    def __init__(
        self, requests_per_second: float, burst: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1 / requests_per_second
        self._slack = (burst - 1) * self._interval
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at: defaultdict[str, float] = defaultdict(float)
        self._blocked_until: defaultdict[str, float] = defaultdict(float)

    def reserve(self, host: str) -> float:
        """Takes the next free place and returns the seconds until it."""
        with self._lock:
            now = self._clock()
            leaves_at = max(now, self._next_at[host] - self._slack, self._blocked_until[host])
            self._next_at[host] = max(leaves_at, self._next_at[host]) + self._interval
            return leaves_at - now

    def penalize(self, host: str, seconds: float) -> None:
        """Lets nothing more leave for the host before this long from now; never shortens an earlier block."""
        with self._lock:
            self._blocked_until[host] = max(self._blocked_until[host], self._clock() + seconds)
