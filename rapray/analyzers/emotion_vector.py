"""A vector of 256 numbers for the feeling of a song: which emotions, how they move, and in what words.

Knows label probabilities and a model's hidden state, no text. Four groups of fixed places and weights, the whole
scaled to length 1, so that cosine compares feelings; compare inside one model only:

    places    weight  what
    0…31      1.0     label probabilities over the whole text, neutral left out: it would drown the rest
    32…63     0.5     how far each label's probability spreads over the sections (standard deviation)
    64…95     0.5     how much each label rises from the first third of the text to the last
    96…255    0.6     the mean hidden state less its own mean, through a fixed random projection

A model with more than 32 labels folds them: label i goes to place i modulo 32. The first group holds square roots of
shares (Hellinger), so that cosine is fair to rare and common labels.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 256
_LABELS = 32
_STATE = DIMENSIONS - 3 * _LABELS
_SEED = 20261123  # PCG64 and its normals are fixed by NumPy's compatibility policy for one bit generator

Doubles = NDArray[np.float64]


def emotion_vector(whole: Doubles, arc: Doubles, tokens: Doubles, state: Doubles) -> tuple[float, ...]:
    """The vector of a text: 256 values of six digits, length 1.

    Args:
        whole: Label probabilities of the text (labels,), without neutral.
        arc: Of each section (sections, labels).
        tokens: Length of each section (sections,).
        state: Mean hidden state (d,).
    """
    parts = [
        _unit(np.sqrt(_folded(whole))),
        0.5 * _spread(arc, tokens),
        0.5 * _rise(arc, tokens),
        0.6 * _unit(_projection(len(state)) @ _unit(state - state.mean())),
    ]
    vector = _unit(np.concatenate(parts))
    return tuple(round(float(value), 6) + 0.0 for value in vector)


def _spread(arc: Doubles, tokens: Doubles) -> Doubles:
    weights = tokens / tokens.sum()
    mean = weights @ arc
    return _folded(np.sqrt(weights @ (arc - mean) ** 2))


def _rise(arc: Doubles, tokens: Doubles) -> Doubles:
    """Mean of the last third of the tokens less that of the first, label by label."""
    middles = (np.cumsum(tokens) - tokens / 2) / tokens.sum()
    first, last = tokens * (middles <= 1 / 3), tokens * (middles >= 2 / 3)
    if not (first.sum() and last.sum()):
        return np.zeros(_LABELS)
    return _folded(last @ arc / last.sum() - first @ arc / first.sum())


def _folded(values: Doubles) -> Doubles:
    places = np.zeros(_LABELS)
    np.add.at(places, np.arange(len(values)) % _LABELS, values)
    return places


@cache
def _projection(size: int) -> Doubles:
    """Normal random numbers: distances survive it (Johnson and Lindenstrauss, 1984)."""
    return np.random.Generator(np.random.PCG64(_SEED)).standard_normal((_STATE, size)) / np.sqrt(_STATE)


def _unit(values: Doubles) -> Doubles:
    length = float(np.linalg.norm(values))
    return values / length if length else values
