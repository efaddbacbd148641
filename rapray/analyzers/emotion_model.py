"""What every emotion model offers: batches of windows in, a probability for each label out.

Knows neither lyrics nor sections, and loads no weights: `emotion_builtin` and `emotion_transformers` do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rapray.domain import ModelInfo
from rapray.embeddings.base import batches
from rapray.embeddings.windows import Window, windows

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a model says of n windows.

    Row i is of window i: `probabilities` (n, labels) in [0, 1], `states` (n, d) the mean of its last hidden states.
    """

    probabilities: Floats
    states: Floats


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model before it reads anything.

    `is_multi_label`: labels are probable each by itself; else they share a sum of 1. `is_calibrated`: of the sentences
    that it gave 0.7 for a label, about 70 % had that label, and somebody has measured that. `thresholds`, one a label:
    from there on a label counts as present; None where the most probable one is the answer.
    """

    info: ModelInfo
    labels: tuple[str, ...]
    is_builtin: bool
    is_multi_label: bool
    is_calibrated: bool
    thresholds: tuple[float, ...] | None = None


class EmotionModel(ABC):
    """Splits texts into windows and runs them in batches; a backend adds tokenizer and forward pass.

    On a processor each batch runs on one core, and as many batches at once as torch has threads; torch itself is then
    set to one thread for the whole process. Cores that share one batch wait for each other at every layer.
    """

    def __init__(
        self,
        card: ModelCard,
        *,
        window: int,
        special_tokens: int,
        batch_tokens: int,
        pad_multiple: int | None,
        device: str,
    ) -> None:
        self.card = card
        self._pool = _one_core_each() if device == "cpu" else None
        self.max_tokens = window - special_tokens
        self._special_tokens = special_tokens
        self._batch_tokens = batch_tokens
        self._pad_multiple = pad_multiple

    @abstractmethod
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those that the model adds itself left out."""

    @abstractmethod
    def _encode(self, texts: list[str]) -> Any:
        """Texts that all fit the window as the network's input; not called by two threads at once."""

    @abstractmethod
    def _forward(self, encoded: Any) -> Read:
        """One pass over such an input."""

    def windows(self, texts: Sequence[str]) -> list[list[Window]]:
        """Each text as windows that fit; joined they are the text again."""
        if not texts:
            return []
        counts = self.count_tokens(texts)
        return [
            windows(text, count, self.count_tokens, self.max_tokens)
            for text, count in zip(texts, counts, strict=True)
        ]

    def read(self, pieces: Sequence[Window]) -> Read:
        """Return every window's probabilities and state, in order.

        A window has the same probabilities within 0.005 in every batch and process and on every processor and
        device; kernels differ in the last digits (`rapray/embeddings/README.md`).
        """
        lengths = [piece.tokens + self._special_tokens for piece in pieces]
        probabilities = np.zeros((len(pieces), len(self.card.labels)), np.float32)
        states: Floats | None = None
        groups = list(batches(lengths, self._batch_tokens, self._pad_multiple))
        encoded = [self._encode([pieces[row].text for row in rows]) for rows in groups]
        for rows, made in zip(groups, self._run(encoded), strict=True):
            if states is None:
                states = np.zeros((len(pieces), made.states.shape[1]), np.float32)
            probabilities[rows], states[rows] = made.probabilities, made.states
        return Read(probabilities, np.zeros((0, 1), np.float32) if states is None else states)

    def _run(self, encoded: list[Any]) -> Iterable[Read]:
        if self._pool is None or len(encoded) == 1:
            return map(self._forward, encoded)
        return self._pool.map(self._forward, encoded)

    def classify(self, texts: Sequence[str]) -> Floats:
        """The probabilities of whole texts (n, labels): the mean of their windows, weighted by tokens."""
        split = self.windows(texts)
        read = self.read([piece for pieces in split for piece in pieces])
        found = np.zeros((len(texts), len(self.card.labels)), np.float32)
        start = 0
        for row, pieces in enumerate(split):
            end = start + len(pieces)
            found[row] = weighted(read.probabilities[start:end], [piece.tokens for piece in pieces])
            start = end
        return found


def weighted(rows: Floats, tokens: Sequence[int]) -> NDArray[np.float64]:
    """The mean of rows weighted by tokens; a window without tokens counts as one."""
    weights = np.maximum(np.asarray(tokens, np.float64), 1)
    return weights @ rows.astype(np.float64) / weights.sum()


def _one_core_each() -> ThreadPoolExecutor:
    import torch

    threads = _threads()
    torch.set_num_threads(1)
    return ThreadPoolExecutor(threads, "rapray-emotion", initializer=torch.set_num_threads, initargs=(1,))


@cache
def _threads() -> int:
    """Torch's number before the first model of this process set it to one; Ray sets it to a worker's CPUs."""
    import torch

    return torch.get_num_threads()
