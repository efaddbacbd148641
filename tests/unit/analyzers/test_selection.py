"""Which analyzers a list of names means."""

from __future__ import annotations

import pytest

from rapray.analyzers.registry import specs
from rapray.analyzers.selection import chosen
from rapray.config import Settings
from rapray.errors import UnknownAnalyzer

SETTINGS = Settings()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["algorithmic"], ["algorithmic"]),
        (["emotion,algorithmic"], ["emotion", "algorithmic"]),
        ([" emotion , algorithmic ", "emotion", ""], ["emotion", "algorithmic"]),
        (["all"], list(specs(SETTINGS))),
        (["qwen", "all"], ["qwen", *(name for name in specs(SETTINGS) if name != "qwen")]),
    ],
)
def test_chosen_each_once_in_the_order_given(names: list[str], expected: list[str]) -> None:
    """Commas and repeated options are the same, and "all" is every analyzer that is known."""
    assert chosen(names, SETTINGS) == expected


def test_chosen_unknown_name_is_refused() -> None:
    """A typing error is told before anything runs."""
    with pytest.raises(UnknownAnalyzer, match="algoritmic"):
        chosen(["algorithmic,algoritmic"], SETTINGS)
