"""How every `analysis_embedding` is built: named blocks of fixed places and weights, the whole scaled to length 1.

Knows no analyzer: each says in a `Layout` of its own which blocks it has, and fills them. Cosine compares two vectors
of one layout, and a block's weight is its say in that; two layouts have nothing to do with each other. A text that
fills no block has a vector of zeros.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rapray.store.bounds import EMBEDDING_VALUES

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Block:
    """A block's number of values and its weight."""

    size: int
    weight: float


class Layout:
    """Blocks by name, in order; together they have 256 values."""

    def __init__(self, **blocks: Block) -> None:
        assert sum(block.size for block in blocks.values()) == EMBEDDING_VALUES
        self._blocks = blocks

    def vector(self, **values: Iterable[float]) -> tuple[float, ...]:
        """256 values of six digits, length 1: every block filled from its start, what is left of it zero."""
        assert values.keys() == self._blocks.keys()
        joined: list[float] = []
        for name, block in self._blocks.items():
            filled = [block.weight * float(value) for value in values[name]]
            assert len(filled) <= block.size
            joined += [*filled, *[0.0] * (block.size - len(filled))]
        length = math.sqrt(math.fsum(value * value for value in joined))
        return tuple(round(value / length, _DIGITS) + 0.0 for value in joined) if length else tuple(joined)


def roots_of_shares(amounts: Mapping[int, float], size: int) -> list[float]:
    """The square root of each place's share of all, zeros for none (Hellinger): cosine is fair to rare and common."""
    total = math.fsum(amounts.values())
    return [math.sqrt(amounts.get(place, 0) / total) if total else 0.0 for place in range(size)]


def hashed(weighed: Iterable[tuple[str, float]], size: int) -> list[float]:
    """Names with their amounts as roots of shares, each at the place of its CRC-32: in every process and version."""
    amounts: dict[int, float] = {}
    for name, amount in weighed:
        place = zlib.crc32(name.encode()) % size
        amounts[place] = amounts.get(place, 0) + amount
    return roots_of_shares(amounts, size)
