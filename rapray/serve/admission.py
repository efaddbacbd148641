"""How many requests one ingress replica works on at once, and how many may wait for a place.

Ray Serve's own limits are far above these: they count a request from its first byte, and hold up probes too.
"""

from __future__ import annotations

import asyncio
from collections import deque

from rapray.errors import Overloaded
from rapray.serve.problems import RETRY_AFTER_S

MOST_WORKING = 100
MOST_WAITING = 200


class Admission:
    """Places for requests to be worked on, first come, first served. Lives in one event loop."""

    def __init__(self, working: int = MOST_WORKING, waiting: int = MOST_WAITING) -> None:
        self._most_working, self._most_waiting = working, waiting
        self._working = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def set_limits(self, working: int, waiting: int) -> None:
        """Change the limits; requests that already have a place or wait for one are not turned away."""
        self._most_working, self._most_waiting = working, waiting
        self._admit()

    async def enter(self) -> None:
        """Take a place, or wait for one. Raises Overloaded if too many requests wait already."""
        if self._working < self._most_working:
            self._working += 1
            return
        if len(self._waiting) >= self._most_waiting:
            raise Overloaded(what="This server", retry_after_s=RETRY_AFTER_S)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(turn)
            else:  # a place was handed over just before the cancellation
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._working -= 1
        self._admit()

    def _admit(self) -> None:
        for turn in list(self._waiting):
            if self._working >= self._most_working:
                return
            if not turn.done():
                self._waiting.remove(turn)
                self._working += 1
                turn.set_result(None)
