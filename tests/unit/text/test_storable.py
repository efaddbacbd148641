"""Text in a form that a database can store."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rapray.sources.genius.fields import markup, name
from rapray.text.storable import storable

texts = st.text(st.characters(exclude_categories=()))


@given(texts)
def test_storable_text_is_encodable(text: str) -> None:
    """No NUL and no lone surrogate is left, and all other text stays unchanged."""
    stored = storable(text)
    assert "\x00" not in stored
    stored.encode("utf-8")
    assert storable(stored) == stored


def test_storable_replaces_damaged_characters() -> None:
    """JSON may have emoji as two halves, which are joined; a lone half and a NUL become the replacement character."""
    assert storable("\ud83d\ude00 a\ud83db\x00") == "\U0001f600 a\ufffdb\ufffd"


def test_source_fields_without_nul() -> None:
    """Browsers ignore a NUL in a page, and so do we."""
    assert (markup("<p>o\x00ne"), name("O\x00ne \ud83d\ude00")) == ("<p>one", "One \U0001f600")
