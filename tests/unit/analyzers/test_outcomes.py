"""What becomes of an analyzer's outcomes that are not what was promised: failures of exactly those lyrics."""

from __future__ import annotations

import json
import math
import pickle
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from rapray.analyzers.outcomes import outcomes_of
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.errors import DatabaseUnavailable

PROVENANCE = Provenance("theirs", "2.0")
BATCH = [Lyric(key, f"line {key}", (), f"hash {key}") for key in ("1", "2", "3")]
FOREIGN = Failure("analyze/algorithmic/2.0.0", "2", "answer_refused", "no", "hash 1", blames_text=False)


def good(lyric: Lyric) -> Analysis:
    """A result as it shall be."""
    vector = (0.5,) * 256
    return Analysis(lyric.key, PROVENANCE, lyric.content_hash, {"lines": [1]}, 0.5, 1.0, vector)


@dataclass
class Theirs:
    """An analyzer that gives what a test says."""

    gives: Callable[[Sequence[Lyric]], Any]
    provenance = PROVENANCE

    def analyze(self, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
        """Whatever it is."""
        return self.gives(batch)


def outcomes(gives: Callable[[Sequence[Lyric]], Any]) -> list[Analysis | Failure]:
    """What is made of it for the three lyrics."""
    found = outcomes_of(Theirs(gives), BATCH)
    assert [one.key for one in found] == ["1", "2", "3"]
    return found


def only_second_fails(found: list[Analysis | Failure]) -> Failure:
    """The failure of the second lyric, where the others have their results."""
    first, second, third = found
    assert (first, third) == (good(BATCH[0]), good(BATCH[2]))
    assert isinstance(second, Failure)
    assert (second.stage, second.content_hash) == (PROVENANCE.stage, "hash 2")
    return second


def deep() -> list[Any]:
    """Lists within lists."""
    inner: list[Any] = []
    for _ in range(100_000):
        inner = [inner]
    return inner


BAD: dict[str, dict[str, Any]] = {
    "NaN in data": {"data": {"x": math.nan}},
    "data that is no JSON": {"data": {"x": object()}},
    "data without end": {"data": {"x": deep()}},
    "data that is no object": {"data": [1]},
    "no data": {"data": None},
    "sentiment out of range": {"sentiment": 1.5},
    "sentiment NaN": {"sentiment": math.nan},
    "sentiment a word": {"sentiment": "high"},
    "confidence out of range": {"confidence": -0.1},
    "confidence an array": {"confidence": np.ones(3)},
    "seconds without end": {"seconds": math.inf},
    "tokens too many": {"input_tokens": 2**31},
    "tokens a fraction": {"output_tokens": 1.5},
    "cost below nothing": {"cost_usd": -1},
    "embedding too short": {"embedding": (1.0,)},
    "embedding NaN": {"embedding": (math.nan,) * 256},
    "embedding infinite": {"embedding": (math.inf,) * 256},
    "embedding beyond halfvec": {"embedding": (*(0.0,) * 255, -65_505.0)},
    "embedding of words": {"embedding": ("x",) * 256},
    "embedding one number": {"embedding": 5},
    "another text": {"content_hash": "hash 1"},
    "another analyzer": {"provenance": Provenance("algorithmic", "2.0")},
    "another version": {"provenance": Provenance("theirs", "9")},
    "another model": {"provenance": Provenance("theirs", "2.0", model="theirs")},
    "other parameters": {"provenance": Provenance("theirs", "2.0", parameters="0c")},
    "no provenance": {"provenance": None},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_outcomes_unstorable_result(changes: dict[str, Any]) -> None:
    """Its neighbours are stored, and nothing of it is, under no name."""
    made = [good(BATCH[0]), replace(good(BATCH[1]), **changes), good(BATCH[2])]
    assert only_second_fails(outcomes(lambda _: made)).code == "analysis_failed"


@pytest.mark.parametrize(
    "second",
    [
        [],
        [replace(good(BATCH[1]), key="99")],
        [replace(good(BATCH[1]), key=["2"])],
        [good(BATCH[1]), good(BATCH[1])],
        [None],
        ["2"],
        [{"key": "2"}],
    ],
    ids=["none", "another key", "no key", "two", "None", "a word", "a dict"],
)
def test_outcomes_wrong_result_count(second: list[Any]) -> None:
    """Too few, too many, and what belongs to no lyric of the batch."""
    found = outcomes(lambda _: [good(BATCH[0]), *second, good(BATCH[2])])
    assert only_second_fails(found).code == "analysis_failed"


@pytest.mark.parametrize("error", [ValueError("a bug"), SystemExit(1), RecursionError()])
def test_outcomes_isolate_raising_lyric(error: BaseException) -> None:
    """The others have their results."""

    def gives(batch: Sequence[Lyric]) -> list[Analysis]:
        if BATCH[1] in batch:
            raise error
        return [good(lyric) for lyric in batch]

    assert type(error).__name__ in only_second_fails(outcomes(gives)).detail


@pytest.mark.parametrize("given", [None, 7, "abc", {"1": 2}])
def test_outcomes_not_a_list(given: object) -> None:
    """Nothing of it is a result."""
    assert [isinstance(one, Failure) and one.code for one in outcomes(lambda _: given)] == [
        "analysis_failed"
    ] * 3


def test_outcomes_outage_not_retried() -> None:
    """A server that is down is asked once, and every lyric stays due."""
    asked: list[int] = []

    def gives(batch: Sequence[Lyric]) -> list[Analysis]:
        asked.append(len(batch))
        raise DatabaseUnavailable(address="here", reason="it restarts")

    found = outcomes(gives)
    assert [isinstance(one, Failure) and one.blames_text for one in found] == [False] * 3
    assert asked == [3]


def test_outcomes_correct_failure_stage() -> None:
    """Another analyzer's dead letters cannot be written, and what says nothing of the text still does not."""
    found = outcomes(lambda _: [good(BATCH[0]), FOREIGN, good(BATCH[2])])
    assert only_second_fails(found) == replace(FOREIGN, stage=PROVENANCE.stage, content_hash="hash 2")


def test_outcomes_unknown_failure_code() -> None:
    """Codes are a list that clients know."""
    found = outcomes(lambda _: [good(BATCH[0]), replace(FOREIGN, code="too_quiet"), good(BATCH[2])])
    failed = only_second_fails(found)
    assert failed.code == "analysis_failed"
    assert "too_quiet: no" in failed.detail


def test_outcomes_convert_unusual_types() -> None:
    """Numpy's numbers, tuples, a dictionary with a function and characters that PostgreSQL refuses: it can travel."""
    data = defaultdict(lambda: 0, {"a\x00": ("b\x00", "\ud800")})
    changes: dict[str, Any] = {"sentiment": np.float32(0.5), "embedding": np.full(256, 0.5), "data": data}
    changes |= {"input_tokens": np.int64(3)}
    made = outcomes(lambda batch: [replace(good(lyric), **changes) for lyric in batch])[0]
    assert isinstance(made, Analysis)
    assert made == replace(good(BATCH[0]), data={"a\ufffd": ["b\ufffd", "\ufffd"]}, input_tokens=3)
    assert pickle.loads(pickle.dumps(made)) == made
    json.dumps([made.sentiment, made.embedding, made.input_tokens])
