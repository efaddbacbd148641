"""Text without accents, for comparing; one of several spellings is as good as the other.

Knows no language: "ü" is "u", and never "ue".
"""

from __future__ import annotations

import unicodedata


def without_accents(text: str) -> str:
    """Compatibility forms taken apart, combining marks left out: "JAŸ-Z" is "JAY-Z", "ﬁ" is "fi"."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def folded(text: str) -> str:
    """The same without case."""
    return without_accents(text.casefold())
