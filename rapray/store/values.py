"""Turns records into what PostgreSQL can hold, and rows back into records.

Knows no table: only text, JSON, sections and years.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, cast

from psycopg.types.json import Jsonb

from rapray.domain import Section
from rapray.text.fold import folded as fold
from rapray.text.sections import split_sections, sung_lines, sung_part
from rapray.text.storable import storable

_OLDEST_YEAR, _NEWEST_YEAR = 1, 9999  # what a calendar date can hold


def storable_or_none(text: str | None) -> str | None:
    """`storable`, with None left as it is."""
    return None if text is None else storable(text)


def storable_year(year: int | None) -> int | None:
    """The year, or None where it is none: a source's typing error is not worth a failed batch."""
    return year if year is not None and _OLDEST_YEAR <= year <= _NEWEST_YEAR else None


def to_json(value: Any) -> Any:
    """A copy of plain JSON in which every string is storable.

    Raises:
        ValueError: where a number is NaN or infinite; JSON has neither.
        TypeError: where a value is not plain JSON.
    """
    json.dumps(value, allow_nan=False)
    return _storable_json(value)


def _storable_json(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return {storable(str(key)): _storable_json(member) for key, member in members.items()}
    if isinstance(value, list | tuple):
        return [_storable_json(member) for member in cast("Sequence[Any]", value)]
    return value


def to_jsonb(value: Any) -> Jsonb:
    """`to_json`, ready to be a parameter."""
    return Jsonb(to_json(value))


def marks_of(lyrics: str, sections: Sequence[Section]) -> list[dict[str, Any]]:
    """Return the sections as the column `tracks.sections` holds them: where they stand in the lyric, without its text.

    `first_line` counts lines of the lyric from 0, and `line_count` includes what stands between the sung lines. If the
    sections do not have exactly the lines that are sung in the lyric, the lyric's own sections are stored.
    """
    sung = [(number, part) for number, line in enumerate(lyrics.split("\n")) if (part := sung_part(line))]
    if [part for _, part in sung] != sung_lines(sections) or not all(section.lines for section in sections):
        sections = split_sections(lyrics)
    numbers = iter([number for number, _ in sung])
    return [_mark(section, list(islice(numbers, len(section.lines)))) for section in sections]


def _mark(section: Section, numbers: Sequence[int]) -> dict[str, Any]:
    return {
        "kind": section.kind,
        "number": section.number,
        "label": storable(section.label),
        "voices": [storable(voice) for voice in section.voices],
        "first_line": numbers[0],
        "line_count": numbers[-1] - numbers[0] + 1,
    }


def sections_of(lyrics: str, marks: Sequence[Mapping[str, Any]]) -> tuple[Section, ...]:
    """Return the sections of a stored track, with their lines from its lyric."""
    lines = lyrics.split("\n")
    return tuple(
        Section(
            kind=mark["kind"],
            number=mark["number"],
            label=mark["label"],
            voices=tuple(mark["voices"]),
            lines=tuple(filter(None, map(sung_part, _lines_at(lines, mark)))),
        )
        for mark in marks
    )


def _lines_at(lines: Sequence[str], mark: Mapping[str, Any]) -> Sequence[str]:
    first: int = mark["first_line"]
    return lines[first : first + mark["line_count"]]


def normalize_name(name: str) -> str:
    """A name for comparing: casefolded, without accents and punctuation, blanks collapsed.

    A name that is punctuation alone ("!!!") stays as it is, casefolded, so that no two of them become equal.
    """
    folded = fold(fold(storable(name)))  # the Unicode standard folds twice: some letters fold to others
    kept = "".join(
        " " if character.isspace() or character in "-_/" else character
        for character in folded
        if character.isalnum() or character.isspace() or character in "-_/&+$"
    )
    return " ".join(kept.split()) or " ".join(folded.split())
