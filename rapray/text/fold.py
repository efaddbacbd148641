"""Text without accents and case, to compare spellings. Not aware of languages: "ü" becomes "u", never "ue"."""

from __future__ import annotations

import unicodedata


def without_accents(text: str) -> str:
    """Remove accents and take compatibility forms apart: "JAŸ-Z" becomes "JAY-Z", "ﬁ" becomes "fi"."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def folded(text: str) -> str:
    """Remove accents and case."""
    return without_accents(text.casefold())
