"""Text in a form that PostgreSQL and UTF-8 can store."""

from __future__ import annotations


def storable(text: str) -> str:
    """Join surrogate pairs, and replace NUL, which PostgreSQL refuses, and lone surrogates, which UTF-8 refuses.

    Characters are replaced and not removed, so that positions in the text stay valid.
    """
    if text.isascii() and "\x00" not in text:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "\N{REPLACEMENT CHARACTER}")
