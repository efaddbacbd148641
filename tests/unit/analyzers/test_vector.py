"""How vectors are built of blocks."""

from __future__ import annotations

import math

import pytest

from rapray.analyzers.vector import Block, Layout, hashed, roots_of_shares
from rapray.store.bounds import EMBEDDING_VALUES

LAYOUT = Layout(first=Block(200, 1.0), second=Block(56, 0.5))


def test_vector_fixed_block_places() -> None:
    """A short block ends in zeros and moves none of the next."""
    vector = LAYOUT.vector(first=[3.0], second=[8.0])
    assert len(vector) == EMBEDDING_VALUES
    assert (vector[0], vector[200]) == (0.6, 0.8)
    assert math.fsum(map(abs, vector)) == pytest.approx(1.4)


def test_vector_empty_is_zero() -> None:
    """There is no direction to scale."""
    assert LAYOUT.vector(first=roots_of_shares({}, 200), second=hashed([], 56)) == (0.0,) * EMBEDDING_VALUES


@pytest.mark.parametrize("values", [{"first": [1.0]}, {"first": [1.0] * 201, "second": []}])
def test_vector_rejects_wrong_layout(values: dict[str, list[float]]) -> None:
    """A block that is missing or too long would move all the others."""
    with pytest.raises(AssertionError):
        LAYOUT.vector(**values)


def test_hashed_amounts_add_up() -> None:
    """The order and the number of portions do not matter; the squares are the shares."""
    once, twice = hashed([("a", 3), ("b", 1)], 64), hashed([("a", 1), ("b", 1), ("a", 2)], 64)
    assert once == twice
    assert sorted(value**2 for value in once if value) == pytest.approx([0.25, 0.75])
