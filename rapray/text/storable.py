"""Any text as PostgreSQL and UTF-8 can hold it.

Knows no table and no source.
"""

from __future__ import annotations


def storable(text: str) -> str:
    """The text with surrogate pairs joined, and NUL and lone halves replaced: PostgreSQL refuses the one, UTF-8 the
    other. Nothing is left out, so that positions in the text stay where they are.
    """
    if text.isascii() and "\x00" not in text:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "\N{REPLACEMENT CHARACTER}")
