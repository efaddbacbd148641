"""Text without accents."""

from __future__ import annotations

import pytest

from rapray.text.fold import folded, without_accents


@pytest.mark.parametrize(
    ("text", "plain"),
    [("JAŸ-Z", "JAY-Z"), ("Büşra", "Busra"), ("e\u0301", "e"), ("ﬁn", "fin"), ("٣ שיר", "٣ שיר")],
)
def test_without_accents_unifies_spellings(text: str, plain: str) -> None:
    """Composed or not, and no other letter is touched; case goes where it is asked for."""
    assert without_accents(text) == plain
    assert folded(text) == plain.casefold()
