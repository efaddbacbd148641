"""Cuts a lyric that does not fit a model's context into parts that do, at sections, then lines, then characters.

Nothing is left out: the parts, one after the other, are the lyric. Knows no tokenizer: tokens are estimated from bytes,
on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable

from rapray.text.sections import is_header

# English has about four bytes a token, other alphabets down to two and a half.
_BYTES_PER_TOKEN = 2.5


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has; rather more than fewer."""
    return int(_bytes(text) / _BYTES_PER_TOKEN) + 1


def parts_of(lyrics: str, most_tokens: int) -> list[str]:
    """The lyric in as few parts as hold at most so many estimated tokens each."""
    most_bytes = int((most_tokens - 1) * _BYTES_PER_TOKEN)
    pieces = [piece for section in _sections(lyrics) for piece in _pieces(section, most_bytes)]
    return _packed(pieces, most_bytes)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _lines(text: str) -> list[str]:
    """With their line feeds. Not `splitlines`, which ends lines at characters that a lyric may hold inside of one."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _sections(lyrics: str) -> list[str]:
    """The lyric cut before each header, and before the first one after empty lines."""
    sections: list[list[str]] = [[]]
    has_header = is_after_gap = False
    for line in _lines(lyrics):
        starts = is_header(line)
        has_header |= starts
        if starts or (is_after_gap and not has_header):
            sections.append([])
        sections[-1].append(line)
        is_after_gap = not line.strip()
    return ["".join(lines) for lines in sections if lines]


def _pieces(section: str, most_bytes: int) -> list[str]:
    if _bytes(section) <= most_bytes:
        return [section]
    return _packed((piece for line in _lines(section) for piece in _cut(line, most_bytes)), most_bytes)


def _cut(line: str, most_bytes: int) -> list[str]:
    """A line in pieces of at most so many bytes; a character has at most four."""
    if _bytes(line) <= most_bytes:
        return [line]
    step = max(1, most_bytes // 4)
    return [line[start : start + step] for start in range(0, len(line), step)]


def _packed(pieces: Iterable[str], most_bytes: int) -> list[str]:
    """Neighbours put together while they fit."""
    packs: list[list[str]] = []
    room = 0
    for piece in pieces:
        size = _bytes(piece)
        if not packs or size > room:
            packs.append([])
            room = most_bytes
        packs[-1].append(piece)
        room -= size
    return ["".join(pack) for pack in packs]
