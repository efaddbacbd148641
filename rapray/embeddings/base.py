"""What every embedding backend offers, and the batching that they share.

Does not know tracks or sections (`passages.py`) and loads no model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rapray.domain import ModelInfo
from rapray.embeddings.pooling import pool
from rapray.embeddings.windows import Window, windows

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    @property
    def model(self) -> ModelInfo:
        """Which weights make the vectors."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of one window, those that the model adds itself left out."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those that the model adds itself left out."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per text, float32 of shape (n, dimension); a long text is split and pooled.

        The same text has the same vector in every batch and process and on every processor and device, within
        the tolerance that this folder's README states.
        """
        ...


class WindowedEmbedder(ABC):
    """Sorts windows by length, runs them in batches and pools what belongs together.

    A backend adds the tokenizer and the forward pass over texts that fit.
    """

    def __init__(
        self,
        model: ModelInfo,
        *,
        window: int,
        special_tokens: int,
        batch_tokens: int,
        pad_multiple: int | None,
    ) -> None:
        self._model = model
        self._max_tokens = window - special_tokens
        self._special_tokens = special_tokens
        self._batch_tokens = batch_tokens
        self._pad_multiple = pad_multiple

    @property
    def model(self) -> ModelInfo:
        """Which weights make the vectors."""
        return self._model

    @property
    def max_tokens(self) -> int:
        """Tokens of one window, those that the model adds itself left out."""
        return self._max_tokens

    @abstractmethod
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those that the model adds itself left out."""

    @abstractmethod
    def _forward(self, texts: list[str]) -> Vectors:
        """Vectors of length 1 for texts that all fit the window, in one pass."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, float32 of shape (n, dimension); a text beyond the window is split and pooled.

        Raises:
            TypeError, UnicodeError: a text that is no text; `embed_lyrics` turns it into a failure.
        """
        pieces = [
            windows(text, count, self.count_tokens, self._max_tokens)
            for text, count in zip(texts, self.count_tokens(texts), strict=True)
        ]
        vectors = self._encode_windows([window for piece in pieces for window in piece])
        pooled = np.empty((len(pieces), vectors.shape[1]), np.float32)
        start = 0
        for row, piece in enumerate(pieces):
            end = start + len(piece)
            pooled[row] = pool(vectors[start:end], [window.tokens for window in piece])
            start = end
        return pooled

    def _encode_windows(self, pieces: list[Window]) -> Vectors:
        vectors = np.empty((len(pieces), self._model.dimension or 0), np.float32)
        lengths = [piece.tokens + self._special_tokens for piece in pieces]
        rows_of = list(batches(lengths, self._batch_tokens, self._pad_multiple))
        texts_of = [[pieces[row].text for row in rows] for rows in rows_of]
        for rows, made in zip(rows_of, self._run(texts_of), strict=True):
            vectors[rows] = made
        return vectors

    def _run(self, batches_of_texts: list[list[str]]) -> Iterable[Vectors]:
        """The vectors of each batch, in order; a backend that can runs several at once."""
        return map(self._forward, batches_of_texts)


def batches(lengths: Sequence[int], budget: int, pad_multiple: int | None) -> Iterator[list[int]]:
    """Yield positions of texts to run together: longest first, at most `budget` padded tokens, never none.

    With `pad_multiple` a batch holds only texts that pad to the same multiple, so that a text's padding depends on that
    text only. Its vector is then equal in every batch within the tolerance that this folder's README states. It is not
    equal byte for byte: some processors choose their matrix kernels by the shape of the batch.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    for _, group in groupby(order, key=lambda row: pad_multiple and -(-lengths[row] // pad_multiple)):
        batch: list[int] = []
        for row in group:
            if batch and lengths[batch[0]] * (len(batch) + 1) > budget:
                yield batch
                batch = []
            batch.append(row)
        yield batch
