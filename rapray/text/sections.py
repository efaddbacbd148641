"""Sections of a cleaned lyric: `[Verse 2: A & B]` and the lines under it.

Headers are recognised by their form. A header applies to all lines up to the next header; text before the first
header is split at empty lines. Sections without a sung line are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapray.domain import Section
from rapray.text.headers import KINDS, Header, is_credit, is_stage_direction, parse_header

__all__ = ["KINDS", "is_bracketed", "is_header", "split_sections", "sung_lines", "sung_part"]

_LONGEST_HEADER = 200  # characters; the longest on real pages name a dozen voices
_WHOLE = re.compile(r"\[([^\[\]]*)\]")
_LEADING = re.compile(r"\[([^\[\]]{1,80})\](.+)")
_UNCLOSED = re.compile(r"\[([^\[\]]+)|([^\[\]]+)\]")
_ROUND = re.compile(r"\(([^()]{1,40})\)\s*([^()]{0,40})")
_COLON = re.compile(r"([^\[\]():]{1,40}):")
# These kinds are headers in round brackets or before a colon, too; "(break)" and "Drop:" may be sung.
_PLAIN_KINDS = frozenset({"verse", "chorus", "pre_chorus", "post_chorus", "intro", "outro"})


@dataclass(frozen=True, slots=True)
class _Line:
    """A parsed line: a header, sung text or both. A credit or stage direction is neither."""

    header: Header | None = None
    sung: str = ""


def is_header(line: str) -> bool:
    """Return True if the whole line is a section header or a credit such as `[Letra de …]`."""
    text = line.strip()
    if len(text) > _LONGEST_HEADER or not text:
        return False
    inner = _WHOLE.fullmatch(text)
    if inner and is_credit(inner[1]):
        return True
    read = _read(text)
    return read.header is not None and not read.sung


def is_bracketed(line: str) -> bool:
    """Return True if nobody sings the line: a header, a credit or a stage direction such as `[laughs]`."""
    text = line.strip()
    return len(text) <= _LONGEST_HEADER and (bool(_WHOLE.fullmatch(text)) or is_header(text))


def sung_part(line: str) -> str:
    """Return the sung part of a line, without a header before it; "" for a header, a credit or a stage direction."""
    text = line.strip()
    return _read(text).sung if text else ""


def split_sections(lyrics: str) -> tuple[Section, ...]:
    """Split a cleaned lyric into its sections in order, each with at least one sung line."""
    sections: list[Section] = []
    header, lines = Header("unlabelled"), list[str]()
    starts_stanza = True
    for line in lyrics.split("\n"):
        text = line.strip()
        read = _read(text) if text else _Line()
        ends_stanza = not text and not header.label
        if ends_stanza or (read.header and (starts_stanza or read.header.kind != "other")):
            sections.extend(_section(header, lines))
            header, lines = read.header or Header("unlabelled"), []
        if read.sung:
            lines.append(read.sung)
        starts_stanza = not text
    sections.extend(_section(header, lines))
    return tuple(sections)


def sung_lines(sections: Iterable[Section]) -> list[str]:
    """Return all lines of the sections, in order, without headers and empty lines."""
    return [line for section in sections for line in section.lines]


def _section(header: Header, lines: list[str]) -> list[Section]:
    if not lines:
        return []
    return [Section(header.kind, header.number, header.label, header.voices, tuple(lines))]


def _read(text: str) -> _Line:
    """Parse a line that is not empty."""
    return _read_short(text) if len(text) <= _LONGEST_HEADER else _read_leading(text)


@lru_cache(maxsize=4096)
def _read_short(text: str) -> _Line:
    if text[0] not in "[(" and text[-1] not in "]:":  # no header opens or closes on any other character
        return _Line(sung=text)
    if whole := _WHOLE.fullmatch(text):
        inner = whole[1].strip()
        if is_credit(inner) or is_stage_direction(inner):
            return _Line()
        return _Line(parse_header(inner, text) or Header("other", label=text, voices=(inner,)))
    if plain := _plain_header(text):
        return _Line(plain)
    if unclosed := _UNCLOSED.fullmatch(text):
        header = parse_header((unclosed[1] or unclosed[2]).strip(), text)
        return _Line(header) if header else _Line(sung=text)
    return _read_leading(text)


def _read_leading(text: str) -> _Line:
    """A header with sung text behind it on the same line: "[Hook] Put your hands up"."""
    leading = _LEADING.fullmatch(text) if text.startswith("[") else None
    header = parse_header(leading[1].strip(), f"[{leading[1]}]") if leading else None
    if leading is None or header is None:
        return _Line(sung=text)
    return _Line(header, leading[2].strip())


def _plain_header(text: str) -> Header | None:
    """Parse "(Hook) A" and "Verse 1:", which people write in files, if the line contains nothing else."""
    if colon := _COLON.fullmatch(text):
        header = parse_header(colon[1], text)
        return header if header and header.kind in _PLAIN_KINDS and not header.voices else None
    if not (rounded := _ROUND.fullmatch(text)):
        return None
    header = parse_header(rounded[1], text)
    if header is None or header.kind not in _PLAIN_KINDS or header.voices:
        return None
    named = parse_header(f"{rounded[1]}: {rounded[2]}", text) if rounded[2] else header
    return named if _is_name(rounded[2]) else None


def _is_name(text: str) -> bool:
    """Return True for "" and for a few capitalised words: "(Hook) I know it's real" is sung."""
    return len(text.split()) <= 4 and all(not word[0].islower() for word in text.split() if word != "and")
