"""Any text as a database can hold it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rapray.sources.genius.fields import markup, name
from rapray.text.storable import storable

texts = st.text(st.characters(exclude_categories=()))


@given(texts)
def test_storable_text_is_encodable(text: str) -> None:
    """No NUL, no lone surrogate, and what was fine is not touched."""
    kept = storable(text)
    assert "\x00" not in kept
    kept.encode("utf-8")
    assert storable(kept) == kept


def test_storable_replaces_damaged_characters() -> None:
    """JSON gives emoji as two halves: joined they are one character; a half and a NUL become a sign for damage."""
    assert storable("\ud83d\ude00 a\ud83db\x00") == "\U0001f600 a\ufffdb\ufffd"


def test_source_fields_without_nul() -> None:
    """A page's NUL is nothing to a browser, and so to us."""
    assert (markup("<p>o\x00ne"), name("O\x00ne \ud83d\ude00")) == ("<p>one", "One \U0001f600")
