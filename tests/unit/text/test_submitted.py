"""A caller's text as a lyric."""

from __future__ import annotations

import pytest

from rapray.errors import LyricsTooLong
from rapray.text.submitted import submitted_lyric


def test_submitted_lyric_too_long() -> None:
    """A huge text of blanks is refused before cleaning, which would take seconds."""
    assert submitted_lyric("1", " " * 399 + "a", 100).lyrics == "a"
    with pytest.raises(LyricsTooLong):
        submitted_lyric("1", " " * 400 + "a", 100)
