"""Rhyme chains: links gathered into groups of places that sound alike, no word in two groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapray.text.rhyme.ends import EndGroup
from rapray.text.rhyme.internals import InternalLink
from rapray.text.rhyme.match import Grade, Match
from rapray.text.rhyme.stream import Stream


class Member(NamedTuple):
    """One place of a chain.

    `section` and `line` count from 0, the line inside its section. `first_word` and `last_word` (inclusive) index
    `tokens.spans(line)`; `start` and `end` are the half-open range of characters from the first to the last of
    them. `syllables` is how many of their syllables rhyme. `kind` is "end" if the place closes its line, else
    "internal".
    """

    section: int
    line: int
    first_word: int
    last_word: int
    start: int
    end: int
    syllables: int
    kind: str


class Chain(NamedTuple):
    """Places that rhyme with one another, in the order of the song.

    `label` (A, B … Z, AA …) counts chains by first appearance and is unique in the song. `kind` is "end" if at
    least two members close their lines. `grade` ("perfect", "family", "assonant") is that of most links.
    `syllables` is the length of the longest member.
    """

    label: str
    kind: str
    grade: str
    syllables: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class RhymeMap:
    """All chains of a song, the scheme of each section, and how many of the sung syllables rhyme."""

    chains: tuple[Chain, ...]
    schemes: tuple[str, ...]
    rhyming_syllables: int
    syllables: int

    @property
    def rhyming_share(self) -> float:
        """Rhyming syllables ÷ all sung syllables, in [0, 1] (Hirjee & Brown 2009); 0.0 without a syllable."""
        return self.rhyming_syllables / self.syllables if self.syllables else 0.0


class ChainBuilder:
    """Builds chains from links, best first; each word is in at most one chain."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._spans: dict[int, list[int]] = {}  # last word: [first word, syllables, chain]
        self._owner: dict[int, int] = {}  # word: last word of the span that holds it
        self._grades: dict[int, Counter[Grade]] = {}

    def add_ends(self, section: int, group: EndGroup) -> None:
        """Make a chain of a group of line ends, unless its lines only repeat each other."""
        chain = len(self._grades)
        matches = [link.match for link in group.links if link.match is not None]
        if not matches:
            return
        self._grades[chain] = Counter(match.grade for match in matches)
        longest: dict[int, int] = {}
        for match in matches:
            for syllable in (match.first, match.second):
                longest[syllable] = max(longest.get(syllable, 0), match.syllables)
        for syllable, length in longest.items():
            self._put(chain, syllable, length)

    def add_internal(self, link: InternalLink) -> None:
        """Join two places, unless one of their words belongs to another place."""
        match = link.match
        first, second = self._chain_at(match.first, match), self._chain_at(match.second, match)
        if first is None or second is None or first == second >= 0 or (first >= 0 and second >= 0):
            return
        chain = max(first, second)
        if chain < 0:
            chain = len(self._grades)
            self._grades[chain] = Counter()
        self._grades[chain][match.grade] += 1
        for syllable, place_chain in ((match.first, first), (match.second, second)):
            if place_chain < 0:
                self._put(chain, syllable, match.syllables)

    def chains(self) -> Iterable[tuple[int, Grade, list[tuple[int, int, int]]]]:
        """Return each chain's number, grade and places (first word, last word, syllables), in the song's order."""
        places: dict[int, list[tuple[int, int, int]]] = {}
        for last, (first, syllables, chain) in sorted(self._spans.items()):
            places.setdefault(chain, []).append((first, last, syllables))
        return [(chain, _commonest(self._grades[chain]), members) for chain, members in places.items()]

    def _chain_at(self, syllable: int, match: Match) -> int | None:
        """Return the chain of the place that closes here, -1 if its words are free, None if another place has one."""
        last = self._stream.word[syllable]
        if last in self._spans:
            return self._spans[last][2]
        first = self._stream.word[syllable - match.syllables + 1]
        return None if any(word in self._owner for word in range(first, last + 1)) else -1

    def _put(self, chain: int, syllable: int, length: int) -> None:
        last, first = self._stream.word[syllable], self._stream.word[syllable - length + 1]
        self._spans[last] = [first, length, chain]
        for word in range(first, last + 1):
            self._owner[word] = last


def _commonest(grades: Counter[Grade]) -> Grade:
    order: Sequence[Grade] = tuple(Grade)
    return max(order, key=lambda grade: (grades[grade], -order.index(grade)))
