"""Rhyme chains as marked pieces of each line, ready to print.

Does not find rhymes: it reads `data["rhyme"]["chains"]` of the algorithmic analysis, and skips what does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapray.domain import Section

COLOURS = 8
"""Colours of the style sheet; chain n takes colour n mod 8, the letter tells those apart that share one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One member of a rhyme chain: the chain's letter and colour, and whether this member ends a line."""

    letter: str  # unique in the song
    colour: int
    kind: str  # "end" or "internal"
    grade: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line that is marked, or not."""

    text: str
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class MarkedLine:
    """A line in pieces; `letter` is the rhyme at its end, or "" where it does not rhyme."""

    pieces: tuple[Piece, ...]
    letter: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """One rhyme as the legend of its section shows it: its mark and the words that share it, each once."""

    mark: Mark
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkedSection:
    """A stanza in marked lines."""

    section: Section
    index: int
    lines: tuple[MarkedLine, ...]
    chains: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    mark: Mark


def marked(sections: Sequence[Section], chains: Iterable[Mapping[str, Any]]) -> list[MarkedSection]:
    """Every section with its rhymes marked. Where members overlap, an end rhyme wins, then the longer one."""
    spans: dict[tuple[int, int], list[_Span]] = {}
    for number, chain in enumerate(chains):
        for member in chain["members"]:
            span = _Span(member["start"], member["end"], _mark(chain, number, member["kind"]))
            spans.setdefault((member["section"], member["line"]), []).append(span)
    return [_section(section, index, spans) for index, section in enumerate(sections)]


def _mark(chain: Mapping[str, Any], number: int, kind: str) -> Mark:
    return Mark(chain["label"], number % COLOURS, "end" if kind == "end" else "internal", chain["grade"])


def _section(section: Section, index: int, spans: Mapping[tuple[int, int], list[_Span]]) -> MarkedSection:
    kept = [_without_overlaps(spans.get((index, n), ()), len(line)) for n, line in enumerate(section.lines)]
    lines = tuple(_line(line, found) for line, found in zip(section.lines, kept, strict=True))
    return MarkedSection(section, index, lines, tuple(_legend(section.lines, kept)))


def _legend(lines: Sequence[str], kept: Sequence[Sequence[_Span]]) -> Iterable[Chain]:
    marks: dict[str, Mark] = {}
    words: dict[str, dict[str, None]] = {}
    for line, found in zip(lines, kept, strict=True):
        for span in found:
            mark = span.mark
            if mark.kind == "end" or mark.letter not in marks:
                marks[mark.letter] = mark
            words.setdefault(mark.letter, {})[line[span.start : span.end].lower()] = None
    return (Chain(mark, tuple(words[letter])) for letter, mark in marks.items())


def _without_overlaps(spans: Iterable[_Span], length: int) -> list[_Span]:
    by_rank = sorted(spans, key=lambda s: (s.mark.kind != "end", s.start - s.end, s.start))
    free = bytearray(length)  # 1 where a kept span lies: linear even for a line of 100,000 characters
    kept: list[_Span] = []
    for span in by_rank:
        if 0 <= span.start < span.end <= length and not any(free[span.start : span.end]):
            free[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


def _line(line: str, spans: Sequence[_Span]) -> MarkedLine:
    pieces: list[Piece] = []
    at = 0
    for span in spans:
        if span.start > at:
            pieces.append(Piece(line[at : span.start]))
        pieces.append(Piece(line[span.start : span.end], span.mark))
        at = span.end
    if at < len(line):
        pieces.append(Piece(line[at:]))
    ending = next((s.mark.letter for s in reversed(spans) if s.mark.kind == "end"), "")
    return MarkedLine(tuple(pieces), ending)
