"""Compares results by what rapray promises of them, whatever processor, batch, process or device made them.

What rules make is equal byte for byte. What a model computes is equal within the tolerances below, because kernels differ
between processors, and on some processors with the shape of a batch. Everything around a model's figures (keys, hashes,
counts, names of models, sections, tokens) is equal exactly, and what follows from them (the dominant label, sentiment,
confidence, swing) follows from the result's own figures: two labels within the tolerance of each other may swap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from rapray.analyzers.emotion_result import is_neutral, sentiment
from rapray.config import LocalModelSettings
from rapray.domain import Analysis, Failure
from rapray.embeddings.precision import pick_device, pick_dtype

LEAST_COSINE = {"float32": 1 - 1e-6, "bfloat16": 0.9999}
PROBABILITY = 0.005

_DIGITS = 1.1e-5  # figures are rounded to five digits
_FROM_ROUNDED = 1e-3  # a swing that is computed again from probabilities of five digits
# The caller's name for the text, and clocks.
_NOT_COMPARED = frozenset({"key", "seconds", "created_at"})
_FOLLOWS = frozenset({"labels", "dominant", "leading_emotion", "swing", "arc"})
_MODELS_FIGURES = frozenset({"data", "sentiment", "confidence", "embedding", "analysis_embedding"})


def dtype_of(settings: LocalModelSettings) -> str:
    """The number format that a model with these settings computes in on this host."""
    return str(pick_dtype(settings, pick_device(settings))).removeprefix("torch.")


def cosines(some: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """The cosine of each row with the row at its place; 1 for two rows of zeros, 0 for one."""
    left, right = (np.atleast_2d(np.asarray(rows, np.float64)) for rows in (some, others))
    assert left.shape == right.shape, f"{left.shape} and {right.shape} vectors"
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    both_empty = ~(left.any(-1) | right.any(-1))
    return np.where(both_empty, 1.0, (left * right).sum(-1) / np.where(lengths, lengths, 1.0))


def assert_same_vectors(some: ArrayLike, others: ArrayLike, dtype: str, what: object = "") -> None:
    """Each vector points where the one at its place points, as closely as the number format of the model allows.

    Vectors may come back from the database, in half precision: that costs less than 5e-7.
    """
    near = cosines(some, others)
    assert np.isfinite(near).all(), f"a vector is not finite: {what}"
    row = int(near.argmin()) if near.size else 0
    assert near.size == 0 or near[row] >= LEAST_COSINE[dtype], (
        f"vector {row} has cosine {near[row]:.8f}, less than {LEAST_COSINE[dtype]} ({dtype}): {what}"
    )


def assert_same_probabilities(some: ArrayLike, others: ArrayLike, what: object = "") -> None:
    """Each probability is that at its place, within the tolerance."""
    left, right = np.asarray(some, np.float64), np.asarray(others, np.float64)
    assert left.shape == right.shape, f"{left.shape} and {right.shape} probabilities: {what}"
    if left.size:
        # PROBABILITY is of the model; each side may have been rounded to five digits.
        assert np.abs(left - right).max() <= PROBABILITY + _DIGITS, f"probabilities differ: {what}"


def assert_same_hits(some: list[dict[str, Any]], others: list[dict[str, Any]], dtype: str) -> None:
    """The best hits of one query over one collection, asked twice: the query's vector was computed twice.

    A score moves by at most the distance of the two vectors. So hits whose scores lie closer may change places, also with
    a hit that is no longer listed.
    """
    margin = float(np.sqrt(2 * (1 - LEAST_COSINE[dtype])))
    assert [hit["score"] for hit in some] == pytest.approx([hit["score"] for hit in others], abs=margin)
    for hits, against in ((some, others), (others, some)):
        listed = {hit["track"]["id"]: hit for hit in against}
        for hit in hits:
            its_like = listed.get(hit["track"]["id"])
            if its_like is None:
                assert hit["score"] == pytest.approx(against[-1]["score"], abs=2 * margin), hit["track"]
            else:
                assert hit["track"] == its_like["track"]
                assert hit["score"] == pytest.approx(its_like["score"], abs=margin), hit["track"]


def assert_same_results(
    some: Iterable[Analysis | Failure], others: Iterable[Analysis | Failure], dtype: str
) -> None:
    """The outcomes of the same texts, in the same order."""
    some, others = list(some), list(others)
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.key == other.key
        if isinstance(one, Failure) or isinstance(other, Failure):
            assert one == other
        else:
            assert_same_result(asdict(one), asdict(other), dtype)


def assert_same_result(one: Mapping[str, Any], other: Mapping[str, Any], dtype: str) -> None:
    """Two results of one text by one analyzer, as records, as rows of the table or as JSON of an answer.

    Equal exactly, but for the figures of the emotion analyzer. A language model's answers are compared exactly: only
    tests with a scripted server compare them.
    """
    assert one.keys() == other.keys()
    if not _is_emotion(one):
        assert _without(one, _NOT_COMPARED) == _without(other, _NOT_COMPARED)
        return
    around = _NOT_COMPARED | _MODELS_FIGURES
    assert _without(one, around) == _without(other, around)
    _check_consistent(one)
    _check_consistent(other)
    left, right = one["data"], other["data"]
    assert _without(left, _FOLLOWS) == _without(right, _FOLLOWS)
    _check_labels(left["labels"], right["labels"], "the whole text")
    assert len(left["arc"]) == len(right["arc"])
    for point, its_like in zip(left["arc"], right["arc"], strict=True):
        assert _without(point, _FOLLOWS) == _without(its_like, _FOLLOWS)
        _check_labels(point["labels"], its_like["labels"], f"section {point['section']}")
    for name in ("embedding", "analysis_embedding"):
        if name in one:
            assert (one[name] is None) == (other[name] is None)
            if one[name] is not None:
                assert_same_vectors(_vector(one[name]), _vector(other[name]), dtype, name)


def _is_emotion(result: Mapping[str, Any]) -> bool:
    return {"labels", "arc", "swing"} <= set(result["data"])


def _without(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _vector(value: Any) -> list[float]:
    """A vector as it is, or as the text that PostgreSQL makes of it."""
    return [float(part) for part in value.strip("[]").split(",")] if isinstance(value, str) else list(value)


def _check_labels(some: Mapping[str, float], others: Mapping[str, float], what: str) -> None:
    assert some.keys() == others.keys()
    names = sorted(some)  # `jsonb` keeps no order
    assert_same_probabilities([some[name] for name in names], [others[name] for name in names], what)


def _check_consistent(result: Mapping[str, Any]) -> None:
    """What follows from probabilities follows from this result's own."""
    data = result["data"]
    labels: Mapping[str, float] = data["labels"]
    felt = [value for name, value in labels.items() if not is_neutral(name)]
    assert labels[data["dominant"]] == max(labels.values())
    if felt:
        assert labels[data["leading_emotion"]] == max(felt)
    for point in data["arc"]:
        assert point["labels"][point["dominant"]] == max(point["labels"].values())
    if len(data["arc"]) == data["section_count"]:
        assert data["swing"] == pytest.approx(_swing(data["arc"]), abs=_FROM_ROUNDED)
    assert result["sentiment"] == pytest.approx(sentiment(labels), abs=len(labels) * _DIGITS)
    top = labels[data["dominant"]] if data["model"]["is_calibrated"] else None
    assert result["confidence"] == pytest.approx(top, abs=_DIGITS)


def _swing(arc: list[dict[str, Any]]) -> float:
    names = sorted(arc[0]["labels"])
    rows = np.array([[point["labels"][name] for name in names] for point in arc])
    shares = rows / rows.sum(1, keepdims=True)
    steps = [float(np.abs(after - before).sum()) / 2 for before, after in pairwise(shares)]
    return sum(steps) / len(steps) if steps else 0.0
