"""Answers that come after their deadline and are paid for all the same: the caller's retry finds them.

Knows neither who answers nor where an answer is kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from rapray.domain import Lyric
from rapray.serve.backend import Answer
from rapray.telemetry import logger

log = logger(__name__)
_MOST = 32
_LONGEST_S = 900.0  # a question that is never answered must not shut its text out, nor keep a place


class Late:
    """Requests that nobody waits for at the moment, by analyzer and text."""

    def __init__(self) -> None:
        self._awaited: dict[tuple[str, Lyric], asyncio.Task[Answer]] = {}

    async def find(self, name: str, lyric: Lyric) -> Answer | None:
        """The answer to the same question, once it comes; None where it is not awaited."""
        if not self._awaited:  # as a rule, and a megabyte takes a while to look up
            return None
        awaited = self._awaited.get(_question(name, lyric))
        if awaited is None:
            return None
        await asyncio.wait([awaited])  # a caller who stops waiting leaves it alone
        if awaited.cancelled():
            return None
        return Answer(replace(awaited.result().outcome, key=lyric.key))

    def keep(self, name: str, lyric: Lyric, asked: asyncio.Task[Answer]) -> None:
        """Let the answer come; given up where the same one, or too many, are awaited already."""
        question = _question(name, lyric)
        if question in self._awaited or len(self._awaited) >= _MOST:
            asked.cancel()
            return
        self._awaited[question] = asked
        limit = asyncio.get_running_loop().call_later(_LONGEST_S, asked.cancel)
        asked.add_done_callback(lambda _: self._ended(question, limit))

    def _ended(self, question: tuple[str, Lyric], limit: asyncio.TimerHandle) -> None:
        limit.cancel()
        asked = self._awaited.pop(question)
        if not asked.cancelled() and (error := asked.exception()) is not None:
            log.warning("a late answer failed", analyzer=question[0], error=type(error).__name__)

    async def close(self) -> None:
        """Give up all of them."""
        awaited = list(self._awaited.values())
        for asked in awaited:
            asked.cancel()
        await asyncio.gather(*awaited, return_exceptions=True)


def _question(name: str, lyric: Lyric) -> tuple[str, Lyric]:
    return name, replace(lyric, key="")
