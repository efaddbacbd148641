"""A vector of 256 numbers for the feeling of a song: which emotions, how they move, and in what words.

Knows label probabilities and a model's hidden state, no text; compare inside one model only. `vector.py` has how blocks
become a vector. A model with more than 32 labels folds them: label i goes to place i modulo 32.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rapray.analyzers.vector import Block, Layout

_LABELS = 32
_STATE = 160
_LAYOUT = Layout(
    # Over the whole text, square roots of shares; neutral left out: it would drown the rest.
    labels=Block(_LABELS, 1.0),
    spread=Block(_LABELS, 0.5),  # standard deviation of each label's probability over the sections
    rise=Block(_LABELS, 0.5),  # how much each label rises from the first third of the text to the last
    state=Block(_STATE, 0.6),  # mean hidden state less its own mean, through a fixed random projection
)
_SEED = 20261123  # PCG64 and its normals are fixed by NumPy's compatibility policy for one bit generator

Doubles = NDArray[np.float64]


def emotion_vector(whole: Doubles, arc: Doubles, tokens: Doubles, state: Doubles) -> tuple[float, ...]:
    """The vector of a text.

    Args:
        whole: Label probabilities of the text (labels,), without neutral.
        arc: Of each section (sections, labels).
        tokens: Length of each section (sections,).
        state: Mean hidden state (d,).
    """
    return _LAYOUT.vector(
        labels=_unit(np.sqrt(_folded(whole))),
        spread=_spread(arc, tokens),
        rise=_rise(arc, tokens),
        state=_unit(_projection(len(state)) @ _unit(state - state.mean())),
    )


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
