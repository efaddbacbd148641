"""Answers that miss their deadline: kept where they are paid for, given up everywhere else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.serve import late
from rapray.serve.answers import Answers
from rapray.serve.api import fanout
from rapray.serve.backend import Answer
from rapray.serve.memory import MemoryServices
from rapray.serve.roster import Roster
from tests.support.request_limits import request_limits
from tests.support.result_cache import MemoryCache

LYRIC = Lyric("1", "one line", (), "hash")
LIMITS = request_limits(0.05)


class Slow(MemoryServices):
    """One analyzer that answers once `may_answer` is set, behind a cache."""

    def __init__(self, *, is_remote: bool = True) -> None:
        super().__init__(limits=LIMITS)
        self.may_answer = asyncio.Event()
        self.asked = self.given_up = 0
        remote = frozenset({"a"} if is_remote else ())
        self.answers = Answers(
            Roster({"a": "1"}, provenances={"a": Provenance("a", "1")}, remote=remote), self._ask
        )
        self.cache = MemoryCache()
        self.answers.use(self.cache)

    async def _ask(self, name: str, lyric: Lyric) -> Analysis | Failure:
        self.asked += 1
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return Analysis(lyric.key, Provenance(name, "1"), lyric.content_hash, {})

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        """Through the cache."""
        return await self.answers.analyze(name, lyric)

    def leave(self, name: str, lyric: Lyric, asked: asyncio.Task[Answer]) -> None:
        """As the live services do."""
        self.answers.leave(name, lyric, asked)

    async def code(self, lyric: Lyric = LYRIC) -> str | None:
        """The problem of one request, None where it has a result."""
        [finding] = (await fanout.analyze(self, lyric, ["a"])).findings
        assert finding.result is None or finding.result.key == lyric.key
        return finding.problem and finding.problem.code


async def settled() -> None:
    """Lets cancelled tasks end."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("is_there_before", [False, True])
async def test_late_answer_serves_retry(is_there_before: bool) -> None:
    """It is paid for once, whether the retry comes after it or waits for it; the retry has its own name for the text."""
    services = Slow()
    assert await services.code() == "deadline_exceeded"
    services.limits = request_limits()
    if is_there_before:
        services.may_answer.set()
        await settled()
        assert len(services.cache.results) == 1
    else:
        asyncio.get_running_loop().call_later(0.01, services.may_answer.set)
    retried = replace(LYRIC, key="2") if not is_there_before else LYRIC
    assert (await services.code(retried), services.asked, services.given_up) == (None, 1, 0)


async def test_late_retry_misses_deadline() -> None:
    """Nobody asks a second time while the first is on its way."""
    services = Slow()
    codes = [await services.code() for _ in range(3)]
    assert (codes, services.asked, services.given_up) == (["deadline_exceeded"] * 3, 1, 0)
    services.limits = request_limits()
    services.may_answer.set()
    assert await services.code() is None


async def test_late_free_answer_cancelled() -> None:
    """An analyzer of this cluster works for nobody who does not wait."""
    services = Slow(is_remote=False)
    assert await services.code() == "deadline_exceeded"
    await settled()
    assert services.given_up == 1


async def test_late_client_disconnect_cancels() -> None:
    """Who hangs up does not come back for the answer."""
    services = Slow()
    services.limits = request_limits(30)
    request = asyncio.create_task(services.code())
    while not services.asked:
        await asyncio.sleep(0)
    request.cancel()
    await asyncio.wait({request})
    await settled()
    assert services.given_up == 1


async def test_late_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers who never come back do not fill the replica; at its end nothing is left running."""
    monkeypatch.setattr(late, "_MOST", 2)
    services = Slow()
    for number in range(3):
        await services.code(replace(LYRIC, lyrics=f"line {number}"))
    await settled()
    assert services.given_up == 1
    await services.answers.close()
    assert services.given_up == 3


async def test_late_unanswered_question_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its text and a place for a while only."""
    monkeypatch.setattr(late, "_LONGEST_S", 0.1)
    services = Slow()
    assert await services.code() == "deadline_exceeded"
    services.may_answer.clear()
    while services.given_up == 0:
        await asyncio.sleep(0.01)
    services.limits = request_limits()
    services.may_answer.set()
    assert await services.code() is None
    assert services.asked == 2
