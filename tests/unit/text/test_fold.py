"""Text without accents."""

from __future__ import annotations

import pytest

from rapray.text.fold import folded, without_accents


@pytest.mark.parametrize(
    ("text", "plain"),
    [("JAŸ-Z", "JAY-Z"), ("Büşra", "Busra"), ("e\u0301", "e"), ("ﬁn", "fin"), ("٣ שיר", "٣ שיר")],
)
def test_without_accents_unifies_spellings(text: str, plain: str) -> None:
    """Accents go, composed or not, and all other letters stay; only `folded` changes case."""
    assert without_accents(text) == plain
    assert folded(text) == plain.casefold()
