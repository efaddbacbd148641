"""The network of the built-in emotion model: MiniLM, low-rank changes to its upper layers, and a linear head.

Knows tensors and their names in the file of weights; neither texts nor labels. Imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Linear maps of one BERT layer, by their path in it.
MAPS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


def pooled(states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and maximum over a text's tokens, of `states` (n, tokens, d) and `mask` (n, tokens)."""
    weights = mask.unsqueeze(-1).float()
    mean = (states * weights).sum(1) / weights.sum(1)
    return mean, states.masked_fill(weights == 0, -torch.inf).amax(1)


@dataclass(frozen=True, slots=True, eq=False)
class EmotionNetwork:
    """Hidden states to calibrated probabilities: sigmoid(slope * logit + shift), label by label."""

    encoder: Any
    weight: Tensor
    bias: Tensor
    slope: Tensor
    shift: Tensor

    def logits(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Uncalibrated logits (n, labels) and mean states (n, d)."""
        states = self.encoder(ids, mask).float()
        mean, largest = pooled(states, mask)
        return torch.cat([mean, largest], 1) @ self.weight.T + self.bias, mean

    def __call__(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (n, labels) and mean states (n, d)."""
        logits, mean = self.logits(ids, mask)
        return torch.sigmoid(logits * self.slope + self.shift), mean


def build(encoder: Any, tensors: dict[str, Tensor], device: str, dtype: torch.dtype) -> EmotionNetwork:
    """The network of a float32 encoder, which is changed in place, and the tensors of the file."""
    for path in _changed(tensors):
        target = encoder.encoder.get_submodule(path)
        with torch.no_grad():
            target.weight += tensors[f"{path}.up"].float() @ tensors[f"{path}.down"].float()
    head = {name: tensors[name].float().to(device) for name in ("weight", "bias", "slope", "shift")}
    return EmotionNetwork(encoder=encoder.to(device=device, dtype=dtype).eval(), **head)


def _changed(tensors: dict[str, Tensor]) -> Iterator[str]:
    return (name.removesuffix(".up") for name in sorted(tensors) if name.endswith(".up"))
