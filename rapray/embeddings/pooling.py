"""Joins the vectors of a long text's windows into one.

Knows nothing of where the windows came from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pool(vectors: NDArray[np.float32], tokens: Sequence[int]) -> NDArray[np.float32]:
    """The mean of `vectors` (n, d) weighted by their `tokens`, scaled to length 1.

    A window without tokens counts as one token, so that a pool of empty windows is still a direction.
    """
    if len(vectors) == 1:
        return vectors[0]
    weights = np.maximum(np.asarray(tokens, np.float64), 1)
    mean = weights @ vectors.astype(np.float64)
    return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
