"""Compares results by what rapray promises for them on any processor and device, in any batch and process.

Results of rules are equal byte for byte. A model's figures are equal within the tolerances below, because
kernels differ between processors, and on some processors with the shape of a batch. Everything around a
model's figures (keys, hashes, counts, names of models, sections, tokens) is equal exactly. What is derived
from them (the dominant label, sentiment, confidence, swing) must fit the result's own figures: two labels
within the tolerance of each other may swap.
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
_FROM_ROUNDED = 1e-3  # tolerance for a swing that is computed again from probabilities of five digits
# The caller's name for the text, and clocks.
_NOT_COMPARED = frozenset({"key", "seconds", "created_at"})
_FOLLOWS = frozenset({"labels", "dominant", "leading_emotion", "swing", "arc"})
_MODELS_FIGURES = frozenset({"data", "sentiment", "confidence", "embedding", "analysis_embedding"})


def dtype_of(settings: LocalModelSettings) -> str:
    """Return the number format that a model with these settings computes in on this host."""
    return str(pick_dtype(settings, pick_device(settings))).removeprefix("torch.")


def cosines(some: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Return the cosine of each row with its counterpart; 1 if both are zeros, 0 if only one is."""
    left, right = (np.atleast_2d(np.asarray(rows, np.float64)) for rows in (some, others))
    assert left.shape == right.shape, f"{left.shape} and {right.shape} vectors"
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    both_empty = ~(left.any(-1) | right.any(-1))
    return np.where(both_empty, 1.0, (left * right).sum(-1) / np.where(lengths, lengths, 1.0))


def assert_same_vectors(some: ArrayLike, others: ArrayLike, dtype: str, what: object = "") -> None:
    """Fail unless each vector points where its counterpart points, as closely as its number format allows.

    Vectors from the database have half precision, which changes the cosine by less than 5e-7.
    """
    near = cosines(some, others)
    assert np.isfinite(near).all(), f"a vector is not finite: {what}"
    row = int(near.argmin()) if near.size else 0
    assert near.size == 0 or near[row] >= LEAST_COSINE[dtype], (
        f"vector {row} has cosine {near[row]:.8f}, less than {LEAST_COSINE[dtype]} ({dtype}): {what}"
    )


def assert_same_probabilities(some: ArrayLike, others: ArrayLike, what: object = "") -> None:
    """Fail unless each probability equals its counterpart within the tolerance."""
    left, right = np.asarray(some, np.float64), np.asarray(others, np.float64)
    assert left.shape == right.shape, f"{left.shape} and {right.shape} probabilities: {what}"
    if left.size:
        # PROBABILITY is the model's tolerance; each side may also have been rounded to five digits.
        assert np.abs(left - right).max() <= PROBABILITY + _DIGITS, f"probabilities differ: {what}"


def assert_same_hits(some: list[dict[str, Any]], others: list[dict[str, Any]], dtype: str) -> None:
    """Fail unless the same query over the same collection had the same hits twice, within the tolerance.

    The query's vector was computed twice, and a score moves by at most the distance of the two vectors. So
    hits with closer scores may change places, also with a hit that is not listed.
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
    """Fail unless the outcomes of the same texts, in the same order, are the same."""
    some, others = list(some), list(others)
    assert len(some) == len(others)
    for outcome, other in zip(some, others, strict=True):
        assert outcome.key == other.key
        if isinstance(outcome, Failure) or isinstance(other, Failure):
            assert outcome == other
        else:
            assert_same_result(asdict(outcome), asdict(other), dtype)


def assert_same_result(result: Mapping[str, Any], other: Mapping[str, Any], dtype: str) -> None:
    """Fail unless two results of one text by one analyzer are the same, as records, rows or JSON.

    Everything is compared exactly except the figures of the emotion analyzer. This includes a language
    model's answers: only tests with a scripted server compare those.
    """
    assert result.keys() == other.keys()
    if not _is_emotion(result):
        assert _without(result, _NOT_COMPARED) == _without(other, _NOT_COMPARED)
        return
    around = _NOT_COMPARED | _MODELS_FIGURES
    assert _without(result, around) == _without(other, around)
    _check_consistent(result)
    _check_consistent(other)
    left, right = result["data"], other["data"]
    assert _without(left, _FOLLOWS) == _without(right, _FOLLOWS)
    _check_labels(left["labels"], right["labels"], "the whole text")
    assert len(left["arc"]) == len(right["arc"])
    for point, its_like in zip(left["arc"], right["arc"], strict=True):
        assert _without(point, _FOLLOWS) == _without(its_like, _FOLLOWS)
        _check_labels(point["labels"], its_like["labels"], f"section {point['section']}")
    for name in ("embedding", "analysis_embedding"):
        if name in result:
            assert (result[name] is None) == (other[name] is None)
            if result[name] is not None:
                assert_same_vectors(_vector(result[name]), _vector(other[name]), dtype, name)


def _is_emotion(result: Mapping[str, Any]) -> bool:
    return {"labels", "arc", "swing"} <= set(result["data"])


def _without(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _vector(value: Any) -> list[float]:
    """Return a vector as a list, also from the text in which PostgreSQL returns it."""
    return [float(part) for part in value.strip("[]").split(",")] if isinstance(value, str) else list(value)


def _check_labels(some: Mapping[str, float], others: Mapping[str, float], what: str) -> None:
    assert some.keys() == others.keys()
    names = sorted(some)  # `jsonb` keeps no order
    assert_same_probabilities([some[name] for name in names], [others[name] for name in names], what)


def _check_consistent(result: Mapping[str, Any]) -> None:
    """Fail unless all that is derived from probabilities fits this result's own."""
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
