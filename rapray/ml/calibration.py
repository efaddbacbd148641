"""Platt scaling, label by label: the slope and the shift that make a logit's sigmoid a probability.

Knows logits and targets alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# Newton's steps; the loss is convex in two numbers, ten suffice from any sane logits.
_STEPS = 50


def platt(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Slope and shift of each label (labels,), by maximum likelihood with Platt's smoothed targets.

    Platt 1999; with few positives the smoothing keeps the slope from running away. Slopes stay positive.
    """
    fitted = [_fit(column, target) for column, target in zip(logits.T, targets.T, strict=True)]
    return np.array([slope for slope, _ in fitted], np.float32), np.array(
        [shift for _, shift in fitted], np.float32
    )


def _fit(logit: Floats, target: Floats) -> tuple[float, float]:
    positives, negatives = float(target.sum()), float((1 - target).sum())
    smooth = np.where(target > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    features = np.stack([logit.astype(np.float64), np.ones(len(logit))])
    parameters = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-(parameters @ features)))
        gradient = features @ (probability - smooth)
        curvature = (features * (probability * (1 - probability))) @ features.T + 1e-6 * np.eye(2)
        parameters = parameters - np.linalg.solve(curvature, gradient)
    return max(float(parameters[0]), 0.05), float(parameters[1])
