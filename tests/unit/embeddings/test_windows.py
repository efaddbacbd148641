"""Splitting texts that are longer than a model's window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rapray.embeddings.base import batches
from rapray.embeddings.pooling import pool
from rapray.embeddings.windows import windows


def _count(texts: Sequence[str]) -> list[int]:
    """A tokenizer of pieces of three characters a word, whose counts add up over words only."""
    return [sum(-(-len(word) // 3) for word in text.split()) for text in texts]


@given(st.text(alphabet="ab \n\t🔥", max_size=300), st.integers(1, 20))
def test_windows_rejoin_and_fit(text: str, limit: int) -> None:
    """Windows joined are the text again, and each is within the limit."""
    found = windows(text, _count([text])[0], _count, limit)
    assert "".join(window.text for window in found) == text
    assert all(window.tokens <= limit for window in found)
    assert [window.tokens for window in found] == _count([window.text for window in found])


def test_windows_cut_at_lines() -> None:
    """Cuts fall at line ends where lines fit."""
    text = "\n".join(["abc abc abc"] * 10)
    found = windows(text, 30, _count, 7)
    assert [window.text.strip() for window in found] == ["abc abc abc\nabc abc abc"] * 5


def test_windows_split_long_line() -> None:
    """A line beyond the window is cut between words."""
    found = windows("abc " * 10, 10, _count, 4)
    assert [window.text.split() for window in found] == [["abc"] * 4, ["abc"] * 4, ["abc"] * 2]


def test_windows_split_long_word() -> None:
    """A word beyond the window is cut where it must be."""
    found = windows("a" * 100, 34, _count, 10)
    assert len(found) == 4
    assert sum(len(window.text) for window in found) == 100


@given(st.lists(st.integers(1, 256), max_size=60), st.integers(256, 1024), st.sampled_from([None, 1, 8]))
def test_batches_stay_within_budget(lengths: list[int], budget: int, multiple: int | None) -> None:
    """Every text runs once, and no batch pads to more than the budget."""
    found = list(batches(lengths, budget, multiple))
    assert sorted(row for rows in found for row in rows) == list(range(len(lengths)))
    for rows in found:
        longest = max(lengths[row] for row in rows)
        assert longest * len(rows) <= budget
        if multiple:
            assert len({-(-lengths[row] // multiple) for row in rows}) == 1


def test_pool_weighs_by_tokens() -> None:
    """Three tokens against one pull three times as hard; the result has length 1."""
    pooled = pool(np.array([[1, 0], [0, 1]], np.float32), [3, 1])
    np.testing.assert_allclose(pooled, np.array([3, 1]) / np.sqrt(10), rtol=1e-6)
