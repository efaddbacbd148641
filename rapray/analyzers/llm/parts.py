"""Cuts a lyric that does not fit a model's context into parts that do, at sections, then lines, then characters.

Nothing is left out. Knows no tokenizer: tokens are estimated from bytes, on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapray.domain import Section

# English has about four bytes a token, other alphabets down to two and a half.
_BYTES_PER_TOKEN = 2.5


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has; rather more than fewer."""
    return int(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN) + 1


def parts_of(lyrics: str, sections: Sequence[Section], most_tokens: int) -> list[str]:
    """The lyric in as few parts as hold at most so many estimated tokens each."""
    if estimated_tokens(lyrics) <= most_tokens:
        return [lyrics]
    texts = [_text(section) for section in sections] or [lyrics]
    pieces = [piece for text in texts for piece in _pieces(text, most_tokens)]
    return _packed(pieces, most_tokens, "\n\n")


def _text(section: Section) -> str:
    return "\n".join([section.label, *section.lines] if section.label else section.lines)


def _pieces(text: str, most_tokens: int) -> list[str]:
    if estimated_tokens(text) <= most_tokens:
        return [text]
    most_bytes = int((most_tokens - 1) * _BYTES_PER_TOKEN)
    lines = [piece for line in text.split("\n") for piece in _cut(line, most_bytes)]
    return _packed(lines, most_tokens, "\n")


def _cut(line: str, most_bytes: int) -> list[str]:
    """A line in pieces of at most so many bytes; a character has at most four."""
    if len(line.encode("utf-8", "replace")) <= most_bytes:
        return [line]
    step = max(1, most_bytes // 4)
    return [line[start : start + step] for start in range(0, len(line), step)]


def _packed(pieces: Iterable[str], most_tokens: int, between: str) -> list[str]:
    most_bytes = int((most_tokens - 1) * _BYTES_PER_TOKEN)
    packs: list[list[str]] = []
    room = 0
    for piece in pieces:
        size = len(piece.encode("utf-8", "replace")) + len(between)
        if not packs or size > room:
            packs.append([])
            room = most_bytes + len(between)
        packs[-1].append(piece)
        room -= size
    return [between.join(pack) for pack in packs]
