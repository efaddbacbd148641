"""What comes out of the cache, and what goes into it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rapray.analyzers.base import Identity
from rapray.domain import Analysis, Lyric
from rapray.serve.answers import Answers
from rapray.serve.roster import Roster
from tests.support.result_cache import MemoryCache

LYRIC = Lyric("1", "one line", (), "hash")
RESULT = Analysis("1", "a", "1", "hash", {"n": 1})
ROSTER = Roster({"a": "1"}, identities={"a": Identity("a", "1")})


def answers(cache: MemoryCache, result: Analysis = RESULT) -> Answers:
    """Over the cache and an analyzer that always gives this."""

    async def ask(_name: str, _lyric: Lyric) -> Analysis:
        return result

    found = Answers(ROSTER, ask)
    found.use(cache)
    return found


WRONG = [{"content_hash": "other"}, {"analyzer": "b"}, {"version": "2"}, {"model": "m"}, {"parameters": "d"}]


@pytest.mark.parametrize("changes", WRONG, ids=str)
async def test_answers_cached_mismatch_missed(changes: dict[str, str]) -> None:
    """A result says what it is of and what made it: where that is not what was asked, it is made anew and kept."""
    cache = MemoryCache(always=replace(RESULT, **changes))  # type: ignore[arg-type]
    answer = await answers(cache).analyze("a", LYRIC)
    assert (answer.outcome, answer.is_cached) == (RESULT, False)
    assert list(cache.results.values()) == [RESULT]


@pytest.mark.parametrize("changes", WRONG, ids=str)
async def test_answers_mismatch_not_cached(changes: dict[str, str]) -> None:
    """What a replica gives that is not what was asked is an answer and not for the cache."""
    cache, given = MemoryCache(), replace(RESULT, **changes)  # type: ignore[arg-type]
    assert (await answers(cache, given).analyze("a", LYRIC)).outcome == given
    assert cache.results == {}


async def test_answers_repeat_from_cache() -> None:
    """What fits is a hit."""
    cache = MemoryCache()
    asked = answers(cache)
    assert [(await asked.analyze("a", LYRIC)).is_cached for _ in range(2)] == [False, True]
