"""What an analyzer's errors become."""

from __future__ import annotations

import pytest

from rapray.analyzers.base import Analyzer, one_by_one
from rapray.analyzers.registry import create
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import AnswerInvalid, DatabaseUnavailable, RaprayError

LYRIC = Lyric("1", "la la", (), "hash")


def of_another_package() -> RaprayError:
    """An error as somebody else's package may define it; it must not stay in the tree that other tests read."""
    error = RaprayError()
    error.blames_text = False
    return error


@pytest.mark.parametrize(
    ("error", "blames_text"),
    [
        (of_another_package(), False),
        (DatabaseUnavailable(address="here", reason="it restarts"), False),
        (AnswerInvalid(provider="mine", reason="no"), True),
        (ValueError("a bug"), True),
    ],
)
def test_failure_blames_text(error: Exception, blames_text: bool) -> None:
    """Errors of other packages count by the same rule; what nobody foresaw counts against the text."""
    analyzer: Analyzer = create("algorithmic", Settings())

    def analyze_one(_: Lyric) -> Analysis:
        raise error

    (found,) = one_by_one(analyzer, [LYRIC], analyze_one)
    assert isinstance(found, Failure)
    assert found.blames_text is blames_text
