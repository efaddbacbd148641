"""Counts requests in a sliding window, so that the site can refuse a client that is too fast.

Does not know what is asked for, nor by whom: the site is one host with one budget.
"""

from __future__ import annotations

import threading
import time
from collections import deque


class SlidingWindow:
    """Lets `rate` requests a second through; a refused request does not count."""

    def __init__(self, rate: float) -> None:
        self._places = max(1, int(rate))
        self._seconds = self._places / rate
        self._lock = threading.Lock()
        self._passed: deque[float] = deque()

    def refused_for(self) -> float:
        """0 where the request may pass, else the seconds until one may."""
        now = time.monotonic()
        with self._lock:
            while self._passed and now - self._passed[0] >= self._seconds:
                self._passed.popleft()
            if len(self._passed) < self._places:
                self._passed.append(now)
                return 0.0
            return self._passed[0] + self._seconds - now
