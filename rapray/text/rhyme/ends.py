"""End rhymes of a section: which line ends belong together, and by which links. Never across sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapray.text.rhyme.match import Grade, Match, match_back, refrain_length
from rapray.text.rhyme.stream import Stream

UNRHYMED = "X"  # the mark of a line without a partner, as in the ballad's XAXA
UNMEASURED = "-"  # not a line of verse: empty, or only ad-libs
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWYZabcdefghijklmnopqrstuvwyz"  # without X

_BASE = {Grade.PERFECT: 1.0, Grade.FAMILY: 0.75, Grade.ASSONANT: 0.45}
_IDENTITY = 0.9  # the same word again: gets the same letter, but is no rhyme
# How many lines back a link may reach: a listener forgets a vowel sooner than a rhyme.
_REACH = {Grade.PERFECT: 5, Grade.FAMILY: 4, Grade.ASSONANT: 2}
_REACH_OF_MULTIS = 4
_FARTHEST = 5
_MERGING = 1.0  # from this score on, a link may join two groups of two lines and more


class EndLink(NamedTuple):
    """Two lines of a section whose ends belong together; `match` is None if they only repeat."""

    first: int
    second: int
    score: float
    match: Match | None


class EndGroup(NamedTuple):
    """Lines of a section that share a letter, and the links between them."""

    lines: tuple[int, ...]
    links: tuple[EndLink, ...]


def end_groups(stream: Stream, section: int) -> list[EndGroup]:
    """Group the lines of a section; groups have two and more lines and stand in the order of their first line."""
    ends = stream.line_ends[section]
    links = [link for link in _links(stream, ends) if link.score > 0]
    group_of = _joined(len(ends), links)
    groups: dict[int, list[int]] = {}
    for line, group in enumerate(group_of):
        groups.setdefault(group, []).append(line)
    by_group: dict[int, list[EndLink]] = {}
    for link in links:
        if group_of[link.first] == group_of[link.second]:
            by_group.setdefault(group_of[link.first], []).append(link)
    return [
        EndGroup(tuple(lines), tuple(by_group[group])) for group, lines in groups.items() if len(lines) > 1
    ]


def letters(stream: Stream, section: int, groups: Sequence[EndGroup]) -> str:
    """Return a letter for each line; after fifty groups the letters start again."""
    marks = [UNMEASURED if end is None else UNRHYMED for end in stream.line_ends[section]]
    for number, group in enumerate(groups):
        for line in group.lines:
            marks[line] = _LETTERS[number % len(_LETTERS)]
    return "".join(marks)


def _links(stream: Stream, ends: Sequence[int | None]) -> list[EndLink]:
    """Return all links within reach; lines of ad-libs do not count as distance."""
    links: list[EndLink] = []
    recent: list[tuple[int, int]] = []  # line and last syllable of the lines before
    for line, end in enumerate(ends):
        if end is None:
            continue
        syllable = stream.words[end].last
        for distance, (earlier, other) in enumerate(reversed(recent), start=1):
            if stream.matches(other, syllable) or stream.is_same_word(other, syllable):
                link = _link(stream, (earlier, line), (other, syllable), distance)
                links += [] if link is None else [link]
        recent = [*recent[1 - _FARTHEST :], (line, syllable)]
    return links


def _link(
    stream: Stream, lines: tuple[int, int], syllables: tuple[int, int], distance: int
) -> EndLink | None:
    is_same = stream.is_same_word(*syllables)
    refrain = refrain_length(stream, *syllables) if is_same else 0
    match = match_back(stream, *syllables, refrain)
    if match is not None and distance <= _reach(match):
        return EndLink(*lines, _score(match, distance), match)
    return EndLink(*lines, _IDENTITY - 0.05 * (distance - 1), None) if is_same else None


def _reach(match: Match) -> int:
    return max(_REACH[match.grade], _REACH_OF_MULTIS if match.stressed > 1 else 0)


def _score(match: Match, distance: int) -> float:
    weak = match.syllables - match.stressed
    return _BASE[match.grade] + 0.2 * (match.stressed - 1) + 0.05 * weak - 0.06 * (distance - 1)


def _joined(count: int, links: Sequence[EndLink]) -> list[int]:
    """Return the group number of each line: best links first, weak links only if a line has no partner yet."""
    group_of = list(range(count))
    members = {line: [line] for line in range(count)}
    for link in sorted(links, key=lambda link: (-link.score, link.second, link.first)):
        group, joining = sorted((group_of[link.first], group_of[link.second]))
        is_lonely = len(members[group]) == 1 or len(members[joining]) == 1
        if group != joining and (is_lonely or link.score >= _MERGING):
            for line in members[joining]:
                group_of[line] = group
            members[group] += members.pop(joining)
    return group_of
