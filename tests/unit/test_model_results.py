"""The comparison of model results: another processor's figures pass, a real fault does not.

The models here compute like an Intel Xeon with AMX: on one, float32 differed in the seventh digit with the shape of the
batch, bfloat16 in the third (0.03268 and 0.03299; an emotion's probability 0.70569 and 0.70562).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rapray.analyzers import create
from rapray.analyzers.emotion import EmotionAnalyzer
from rapray.analyzers.emotion_model import EmotionModel, ModelCard, Read
from rapray.config import EmotionSettings, Settings
from rapray.domain import Analysis, Failure, Lyric, ModelInfo
from rapray.samples.corpus import songs
from rapray.text.sections import split_sections
from tests.support.model_results import (
    PROBABILITY,
    assert_same_hits,
    assert_same_probabilities,
    assert_same_result,
    assert_same_results,
    assert_same_vectors,
    cosines,
)

EKMAN = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
Floats = NDArray[Any]
NOISE = {"float32": 2e-7, "bfloat16": 4e-3}  # relative, one standard deviation
DTYPES = tuple(NOISE)
LYRICS = [
    Lyric(str(song.id), song.lyrics, split_sections(song.lyrics), f"hash-{song.id}") for song in songs()[:12]
]


def shaken(values: Floats, noise: float, *seed: int) -> Floats:
    """The values as kernels chosen by a shape give them."""
    return (values * (1 + noise * np.random.default_rng(seed).standard_normal(values.shape))).astype(
        np.float32
    )


class ShapedModel(EmotionModel):
    """Probabilities that a text decides, and in their last digits the number of texts in its batch."""

    def __init__(self, noise: float) -> None:
        card = ModelCard(ModelInfo("emotion", "shaped", "r1"), EKMAN, True, True, True)
        super().__init__(
            card, window=64, special_tokens=2, batch_tokens=512, pad_multiple=8, device="another"
        )
        self._noise = noise

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(text.split()) for text in texts]

    def _encode(self, texts: list[str]) -> list[str]:
        return texts

    def _forward(self, encoded: list[str]) -> Read:
        seeds = [zlib.crc32(text.encode()) for text in encoded]
        drawn = [np.random.default_rng(seed) for seed in seeds]
        # Exact ties in one window of two: whichever noise prefers is dominant.
        probabilities = np.stack(
            [np.round(rng.random(7), 1 if seed % 2 else 5) for rng, seed in zip(drawn, seeds, strict=True)]
        )
        states = np.stack([rng.standard_normal(384) for rng in drawn])
        noisy = shaken(probabilities, self._noise / 10, len(encoded), 0)  # a sigmoid flattens what goes in
        return Read(noisy.clip(0, 1), shaken(states, self._noise, len(encoded), 1))


@pytest.fixture(params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> str:
    """Each number format."""
    return request.param


@pytest.fixture
def analyzer(dtype: str, monkeypatch: pytest.MonkeyPatch) -> EmotionAnalyzer:
    """The emotion analyzer over a model whose figures depend on the batch."""
    model = ShapedModel(NOISE[dtype])

    def loaded(*_: object) -> EmotionModel:
        return model

    monkeypatch.setattr("rapray.analyzers.emotion.load_emotion_model", loaded)
    return EmotionAnalyzer(Settings(emotion=EmotionSettings(model="builtin", device="cpu")))


def vectors(count: int = 20) -> Floats:
    """Vectors of length 1."""
    rows = np.random.default_rng(5).standard_normal((count, 384))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_vectors_other_kernel_pass(dtype: str) -> None:
    """The noise of a batch's shape is within the tolerance, and so is that of the database's half precision."""
    ours = vectors()
    theirs = shaken(ours, NOISE[dtype], 1)
    assert not np.array_equal(ours, theirs)
    assert_same_vectors(ours, theirs, dtype)
    assert_same_vectors(ours, theirs.astype(np.float16), dtype)


VECTOR_FAULTS: dict[str, Callable[[Floats], Floats]] = {
    "shifted": lambda rows: np.roll(rows, 1, axis=0),
    "neighbour": lambda rows: np.vstack([rows[1:2], rows[1:]]),
    "turned": lambda rows: -rows,
    "pushed": lambda rows: rows + np.eye(1, 384, dtype=np.float32) * 0.02,
    "empty": np.zeros_like,
    "not finite": lambda rows: rows * np.nan,
    "one too few": lambda rows: rows[:-1],
}


@pytest.mark.parametrize("fault", VECTOR_FAULTS.values(), ids=VECTOR_FAULTS)
def test_vectors_real_fault_fails(dtype: str, fault: Callable[[Floats], Floats]) -> None:
    """A neighbour's vector, another order, a wrong direction or a missing row is none of the tolerance."""
    with pytest.raises(AssertionError):
        assert_same_vectors(vectors(), fault(vectors()), dtype)


def test_vectors_float32_rejects_bfloat16() -> None:
    """A difference that the bfloat16 tolerance allows fails under the stricter float32 tolerance."""
    with pytest.raises(AssertionError, match="float32"):
        assert_same_vectors(vectors(), shaken(vectors(), NOISE["bfloat16"], 1), "float32")


def test_cosines_empty_rows() -> None:
    """Two texts without anything to measure are the same; one of them is not like one that has something."""
    zeros = np.zeros((1, 4))
    assert cosines(zeros, zeros) == [1]
    assert cosines(zeros, np.ones((1, 4))) == [0]


def test_probabilities_within_tolerance() -> None:
    """The Xeon's difference passes; one beyond the promise, NaN or another order does not."""
    assert_same_probabilities([[0.70569, 0.1]], [[0.70562, 0.1]])
    for other in ([[0.70569 + 2 * PROBABILITY, 0.1]], [[np.nan, 0.1]], [[0.1, 0.70569]], [[0.70569]]):
        with pytest.raises(AssertionError):
            assert_same_probabilities([[0.70569, 0.1]], other)


def hits(*scores: float) -> list[dict[str, Any]]:
    """Hits with these scores, track 1 first."""
    return [
        {"score": score, "track": {"id": n, "title": f"song {n}"}} for n, score in enumerate(scores, start=1)
    ]


def test_hits_near_tie_swaps() -> None:
    """Hits closer than a query's vector can move may change places, also with one that was not listed; others may not."""
    first = hits(0.8, 0.7, 0.69999)
    assert_same_hits(first, hits(0.80001, 0.7, 0.69999), "float32")
    assert_same_hits(first, [first[0], first[2], first[1]], "float32")
    unlisted = {"score": 0.6999, "track": {"id": 9, "title": "song 9"}}
    assert_same_hits(first, [*first[:2], unlisted], "float32")
    for faulty in (first[::-1], first[:2], hits(0.8, 0.71, 0.7), [{**unlisted, "score": 0.8}, *first[1:]]):
        with pytest.raises(AssertionError):
            assert_same_hits(first, faulty, "float32")


def test_results_other_batch_pass(analyzer: EmotionAnalyzer, dtype: str) -> None:
    """Whole analyses of one batch and of each text alone are the same, although bytes and some labels differ."""
    together = analyzer.analyze(LYRICS)
    alone = [outcome for lyric in LYRICS for outcome in analyzer.analyze([lyric])]
    assert [asdict(one)["embedding"] for one in together] != [asdict(one)["embedding"] for one in alone]  # type: ignore[call-overload]
    assert_same_results(together, alone, dtype)


def test_results_near_tie_swaps(analyzer: EmotionAnalyzer, dtype: str) -> None:
    """Two labels closer than the tolerance may change places, with everything that follows from them."""
    first = shown(analyzer)
    labels = first["data"]["labels"]
    before, after = sorted(labels, key=lambda name: labels[name], reverse=True)[:2]
    top = labels[before]
    one, other = deepcopy(first), deepcopy(first)
    for result, leader, second in ((one, before, after), (other, after, before)):
        result["data"]["labels"] |= {leader: top, second: top - 0.8 * PROBABILITY}
        follow(result)
    assert one["data"]["dominant"] != other["data"]["dominant"]
    assert_same_result(one, other, dtype)


def set_label(result: dict[str, Any], change: float) -> None:
    """Change the probability of a label, and what follows from it."""
    result["data"]["labels"]["fear"] += change
    follow(result)


def drop_section(result: dict[str, Any]) -> None:
    """Leave a section out of the arc."""
    result["data"]["arc"].pop()


def swap_sections(result: dict[str, Any]) -> None:
    """Give two sections each other's labels, as a shifted batch would."""
    first, second = result["data"]["arc"][:2]
    first["labels"], second["labels"] = second["labels"], first["labels"]
    first["dominant"], second["dominant"] = second["dominant"], first["dominant"]


def least_probable(result: dict[str, Any]) -> str:
    """The label that is least the dominant one."""
    return min(EKMAN, key=lambda name: result["data"]["labels"][name])


RESULT_FAULTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "probability": lambda result: set_label(result, 3 * PROBABILITY),
    "missing section": drop_section,
    "swapped sections": swap_sections,
    "dominant": lambda result: result["data"].update(dominant=least_probable(result)),
    "swing": lambda result: result["data"].update(swing=result["data"]["swing"] + 0.01),
    "windows": lambda result: result["data"].update(window_count=result["data"]["window_count"] + 1),
    "another member": lambda result: result["data"].update(extra=0.0),
    "tokens": lambda result: result["data"]["arc"][0].update(tokens=1),
    "sentiment": lambda result: result.update(sentiment=result["sentiment"] / 2),
    "confidence": lambda result: result.update(confidence=None),
    "hash": lambda result: result.update(content_hash="another"),
    "revision": lambda result: result["provenance"].update(model_revision="r2"),
    "shifted vector": lambda result: result.update(
        embedding=result["embedding"][1:] + result["embedding"][:1]
    ),
    "no vector": lambda result: result.update(embedding=None),
}


@pytest.mark.parametrize("fault", RESULT_FAULTS.values(), ids=RESULT_FAULTS)
def test_results_real_fault_fails(
    analyzer: EmotionAnalyzer, dtype: str, fault: Callable[[dict[str, Any]], object]
) -> None:
    """A figure beyond the tolerance, or anything else that differs at all, is a fault."""
    result = shown(analyzer)
    assert_same_result(result, deepcopy(result), dtype)
    faulty = deepcopy(result)
    fault(faulty)
    with pytest.raises(AssertionError):
        assert_same_result(result, faulty, dtype)


def test_results_other_order_fails(analyzer: EmotionAnalyzer, dtype: str) -> None:
    """A neighbour's analysis under a text's own key is no result of it, and neither is a failure."""
    outcomes = [one for one in analyzer.analyze(LYRICS[:3]) if isinstance(one, Analysis)]
    shifted = [
        replace(its, key=own.key, content_hash=own.content_hash)
        for own, its in zip(outcomes, [*outcomes[1:], outcomes[0]], strict=True)
    ]
    failed = Failure("analyze/emotion", outcomes[0].key, "lyrics_empty", "", outcomes[0].content_hash)
    for others in (shifted, outcomes[::-1], [failed, *outcomes[1:]]):
        with pytest.raises(AssertionError):
            assert_same_results(outcomes, others, dtype)


def test_results_rules_are_exact() -> None:
    """A figure of rules has no tolerance at all."""
    (one,) = create("algorithmic", Settings()).analyze(LYRICS[:1])
    assert isinstance(one, Analysis)
    result = asdict(one)
    assert_same_result(result, {**result, "seconds": 9.0}, "float32")
    other = deepcopy(result)
    other["data"]["rhyme"]["density_malmi"] += 1e-6
    with pytest.raises(AssertionError):
        assert_same_result(result, other, "float32")


def shown(analyzer: EmotionAnalyzer) -> dict[str, Any]:
    """An analysis as a record."""
    (one,) = analyzer.analyze(LYRICS[:1])
    assert isinstance(one, Analysis)
    return asdict(one)


def follow(result: dict[str, Any]) -> None:
    """Make what follows from a result's probabilities follow from them again."""
    from rapray.analyzers.emotion_result import dominant, leading_emotion, sentiment

    labels = result["data"]["labels"]
    result["data"] |= {"dominant": dominant(labels), "leading_emotion": leading_emotion(labels)}
    result |= {"sentiment": sentiment(labels), "confidence": labels[dominant(labels)]}
