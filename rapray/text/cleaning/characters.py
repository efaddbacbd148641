"""The characters of a text: UTF-8 decoded, Unicode composed, blanks and line ends made plain."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from rapray.errors import InvalidLyrics

_BOM = b"\xef\xbb\xbf"
# Unicode's stream-safe limit (UAX 15): longer runs of accents are vandalism, and sorting them is quadratic.
_MOST_ACCENTS = 30
_PIECE_CHARS = 65_536
_BLANK = re.compile(r"[ \n]")


def decode(body: bytes, name: str) -> str:
    """Decode a UTF-8 body with or without a byte order mark; `name` is what an error calls the body.

    Raises:
        InvalidLyrics: The body is not UTF-8; the message has the offset of the first wrong byte.
    """
    skipped = len(_BOM) if body.startswith(_BOM) else 0
    try:
        return body[skipped:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + skipped
        reason = f"{name} is not UTF-8 (byte 0x{body[offset]:02x} at offset {offset})"
        raise InvalidLyrics(reason=reason) from error


def composed(text: str) -> str:
    """Return the text in NFC with plain blanks and line ends, without invisible and control characters."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CHARACTERS)
    if plain.isascii():
        return plain
    return "".join(unicodedata.normalize("NFC", _ACCENT_RUN.sub(r"\1", piece)) for piece in _pieces(plain))


def _pieces(text: str) -> Iterator[str]:
    """Cut the text before blanks, which never compose: normalising six megabytes in a single call would block every
    other thread for a second.
    """
    start = 0
    while start < len(text):
        blank = _BLANK.search(text, start + _PIECE_CHARS)
        end = blank.start() if blank else len(text)
        yield text[start:end]
        start = end


def _character_table() -> dict[int, str | None]:
    """Map each character that cleaning changes to its replacement, None to remove it. All are in the first plane."""
    table: dict[int, str | None] = {}
    for code in range(0x10000):
        category = unicodedata.category(chr(code))
        if category == "Zs":
            table[code] = " "
        elif category in {"Cc", "Cs"}:
            table[code] = None  # NUL and lone surrogates cannot be stored
    invisible = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xAD, 0xFEFF)
    table.update(dict.fromkeys(invisible))
    table.update({ord("\t"): " ", **dict.fromkeys(map(ord, "\n\x0b\x0c\x85\u2028\u2029"), "\n")})
    return table


_CHARACTERS = _character_table()
_ACCENTS = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))
_ACCENT_RUN = re.compile(rf"([{_ACCENTS}]{{{_MOST_ACCENTS}}})[{_ACCENTS}]+")
