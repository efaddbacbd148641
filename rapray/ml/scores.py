"""Scores of a classifier that gives each label a probability: F1, calibration, and what sets thresholds.

Knows arrays alone: `probabilities` and `targets` are (n, labels), targets 0 or 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_BINS = 15


def decide(probabilities: Floats, thresholds: tuple[float, ...] | None) -> NDArray[np.bool_]:
    """Which labels are given (n, labels): all that reach their threshold, else the most probable one.

    Thresholds of None give the most probable one alone, as a model with exclusive labels means it.
    """
    best = np.zeros(probabilities.shape, bool)
    best[np.arange(len(best)), probabilities.argmax(1)] = True
    if thresholds is None:
        return best
    given = probabilities >= np.array(thresholds, np.float32)
    return np.where(given.any(1, keepdims=True), given, best)


def f1(given: NDArray[np.bool_], targets: Floats) -> NDArray[np.float64]:
    """F1 of each label; 0 where a label is neither given nor true."""
    true = targets > 0
    hits = (given & true).sum(0)
    return 2 * hits / np.maximum(given.sum(0) + true.sum(0), 1)


def calibration_error(probabilities: Floats, targets: Floats) -> NDArray[np.float64]:
    """Expected calibration error of each label: mean |share true - mean probability| over 15 bins, weighted by count.

    Naeini et al., AAAI 2015; bins of equal width.
    """
    bins = np.minimum((probabilities * _BINS).astype(int), _BINS - 1)
    errors = np.zeros(probabilities.shape[1])
    for place in range(_BINS):
        inside = bins == place
        gap = np.where(inside, targets - probabilities, 0).sum(0)
        errors += np.abs(gap)
    return errors / len(probabilities)


def dominant_calibration_error(probabilities: Floats, targets: Floats) -> float:
    """The same of the most probable label's probability: is it among the true ones as often as it says?"""
    rows, best = np.arange(len(probabilities)), probabilities.argmax(1)
    return float(calibration_error(probabilities[rows, best, None], targets[rows, best, None])[0])


def best_thresholds(probabilities: Floats, targets: Floats) -> tuple[float, ...]:
    """For each label the threshold of the best F1, smoothed: the middle of all whose F1 is within 1 % of the best.

    A rare label's F1 jumps from threshold to threshold; the single best one is luck.
    """
    grid = np.linspace(0.02, 0.9, 89)
    scores = np.stack([f1(probabilities >= cut, targets) for cut in grid])
    found: list[float] = []
    for column in scores.T:
        near = np.flatnonzero(column >= 0.99 * column.max())
        found.append(round(float(np.median(grid[near])), 3))
    return tuple(found)
