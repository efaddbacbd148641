"""Bytes to text, and text to plain composed characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.errors import InvalidLyrics
from rapray.text.cleaning import characters
from rapray.text.cleaning.characters import decode


def test_decode_ignores_bom() -> None:
    """Both forms give the same text."""
    assert decode("Ünder".encode(), "body") == decode(b"\xef\xbb\xbf" + "Ünder".encode(), "body") == "Ünder"


@pytest.mark.parametrize(
    ("body", "offset"), [(b"ab\xffc", 2), (b"\xef\xbb\xbfab\xe9", 5), ("é".encode("latin-1"), 0)]
)
def test_decode_error_names_offset(body: bytes, offset: int) -> None:
    """A body that is not UTF-8 is refused with the place of its first wrong byte."""
    with pytest.raises(InvalidLyrics, match=rf"lyrics\.txt.*offset {offset}\b"):
        decode(body, "lyrics.txt")


@given(st.text(alphabet="ae\u0301\u0327 \n\u1100\u1161\u11a8é", max_size=300))
def test_composed_pieces_equal_whole(text: str) -> None:
    """Composing a text in pieces gives the same as composing it whole."""
    whole = characters.composed(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(characters, "_PIECE_CHARS", 1)
        assert characters.composed(text) == whole
