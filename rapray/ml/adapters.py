"""Low-rank changes to a frozen encoder (LoRA, Hu et al. 2021), and the states of the layers below them, made once.

Knows the built-in encoder's layers, not labels. The lower layers stay as they are, so their output for each training
sentence is computed once and kept in memory: 0.8 million tokens take 0.6 GB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rapray.analyzers.emotion_builtin.network import MAPS, pooled

_BATCH = 128


class LowRank(nn.Module):
    """A frozen linear map plus up @ down, which starts at zero."""

    def __init__(self, base: Any, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base
        noise = torch.randn(rank, base.in_features, generator=generator)
        self.down = nn.Parameter(noise / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """The changed map of x."""
        return self.base(x) + (x @ self.down.T.to(x.dtype)) @ self.up.T.to(x.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """Hidden states of many sentences on end: sentence i has the rows from `starts[i]` to `starts[i + 1]`."""

    rows: Tensor
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each sentence."""
        return np.diff(self.starts)

    def stack(self, sentences: Iterable[int]) -> Tensor:
        """States of sentences of one length (n, tokens, d)."""
        return torch.stack([self.rows[self.starts[i] : self.starts[i + 1]] for i in sentences])


class Adapted(nn.Module):
    """The upper layers with low-rank changes, and a linear head over mean and maximum of the tokens."""

    def __init__(self, encoder: Any, first: int, rank: int, labels: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        encoder.requires_grad_(False)
        self.first = first
        self.layers = nn.ModuleList(list(encoder.encoder.layer)[first:])
        self.head = nn.Linear(2 * encoder.hidden_size, labels)
        with torch.no_grad():
            self.head.weight.copy_(torch.randn(self.head.weight.shape, generator=generator) * 0.02)
            self.head.bias.zero_()
        self.drop = nn.Dropout(0.1)
        for layer in self.layers:
            for path in MAPS:
                parent, _, name = path.rpartition(".")
                owner = layer.get_submodule(parent)
                setattr(owner, name, LowRank(getattr(owner, name), rank, generator))

    def forward(self, states: Tensor) -> Tensor:
        """Logits of sentences of one length, from their states (n, tokens, d) under the first changed layer."""
        for layer in self.layers:
            states = layer(states)
        mean, largest = pooled(states.float(), torch.ones(states.shape[:2]))
        return self.head(self.drop(torch.cat([mean, largest], 1)))

    def adapters(self) -> list[nn.Parameter]:
        """The low-rank parameters."""
        return [value for name, value in self.layers.named_parameters() if name.endswith((".up", ".down"))]

    def tensors(self) -> dict[str, Tensor]:
        """What the file of weights holds of this, in float16, under the encoder's own paths."""
        found = {"weight": self.head.weight, "bias": self.head.bias}
        for number, layer in enumerate(self.layers, start=self.first):
            for path in MAPS:
                changed = layer.get_submodule(path)
                found |= {f"layer.{number}.{path}.{end}": getattr(changed, end) for end in ("up", "down")}
        return {name: value.detach().half().contiguous() for name, value in found.items()}


def lower_states(encoder: Any, ids: Sequence[Sequence[int]], first: int) -> States:
    """The states of token ids under layer `first`, sentences of one length at a time, so that none is padded."""
    lengths = np.array([len(row) for row in ids])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rows = torch.zeros(int(starts[-1]), encoder.hidden_size, dtype=encoder.dtype)
    layers, encoder.encoder.layer = encoder.encoder.layer, encoder.encoder.layer[:first]
    try:
        for batch in equal_lengths(lengths, _BATCH):
            tokens = torch.tensor([ids[i] for i in batch])
            with torch.inference_mode():
                batch_states = encoder(tokens, torch.ones_like(tokens))
            for i, states in zip(batch, batch_states, strict=True):
                rows[starts[i] : starts[i + 1]] = states
    finally:
        encoder.encoder.layer = layers
    return States(rows, starts)


def equal_lengths(
    lengths: NDArray[np.int64], size: int, shuffle: np.random.Generator | None = None
) -> list[NDArray[np.int64]]:
    """Batches of at most `size` sentences of one length, in the order of their lengths or shuffled."""
    batches: list[NDArray[np.int64]] = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        rows = shuffle.permutation(rows) if shuffle else rows
        batches += [rows[start : start + size] for start in range(0, len(rows), size)]
    return [batches[i] for i in shuffle.permutation(len(batches))] if shuffle else batches
