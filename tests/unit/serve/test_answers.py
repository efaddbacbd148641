"""What comes out of the cache, and what goes into it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rapray.domain import Analysis, Lyric, Provenance
from rapray.serve.answers import Answers
from rapray.serve.roster import Roster
from tests.support.result_cache import MemoryCache

LYRIC = Lyric("1", "one line", (), "hash")
PROVENANCE = Provenance("a", "1")
RESULT = Analysis("1", PROVENANCE, "hash", {"n": 1})
ROSTER = Roster({"a": "1"}, provenances={"a": PROVENANCE})


def answers(cache: MemoryCache, result: Analysis = RESULT) -> Answers:
    """Over the cache and an analyzer that always gives this."""

    async def ask(_name: str, _lyric: Lyric) -> Analysis:
        return result

    found = Answers(ROSTER, ask)
    found.use(cache)
    return found


WRONG = [
    replace(RESULT, content_hash="other"),
    *(
        replace(RESULT, provenance=provenance)
        for provenance in (
            Provenance("b", "1"),
            Provenance("a", "2"),
            Provenance("a", "1", model="m"),
            Provenance("a", "1", parameters="d"),
        )
    ),
]


@pytest.mark.parametrize("result", WRONG, ids=str)
async def test_answers_cached_mismatch_missed(result: Analysis) -> None:
    """A result says what it is of and what made it: where that is not what was asked, it is made anew and kept."""
    cache = MemoryCache(always=result)
    answer = await answers(cache).analyze("a", LYRIC)
    assert (answer.outcome, answer.is_cached) == (RESULT, False)
    assert list(cache.results.values()) == [RESULT]


@pytest.mark.parametrize("result", WRONG, ids=str)
async def test_answers_mismatch_not_cached(result: Analysis) -> None:
    """What a replica gives that is not what was asked is an answer and not for the cache."""
    cache = MemoryCache()
    assert (await answers(cache, result).analyze("a", LYRIC)).outcome == result
    assert cache.results == {}


async def test_answers_repeat_from_cache() -> None:
    """What fits is a hit."""
    cache = MemoryCache()
    asked = answers(cache)
    assert [(await asked.analyze("a", LYRIC)).is_cached for _ in range(2)] == [False, True]
