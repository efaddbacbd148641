"""Rhymes by kind: grade, length, and where the two places stand to each other (end, internal, link, bridge …).

A rhyme is a place of a chain together with the place before it in the chain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypedDict

from rapray.text.reading import Reading
from rapray.text.rhyme.chains import Chain, Member, RhymeMap

_CLOSE = 1  # words that may stand between two members of a run: "the", "and"


class Grades(TypedDict):
    """How many rhymes have each grade: perfect (same sounds from the stressed vowel on), family (consonants of one
    family after it; Pattison 1991), assonant (only the vowels match). The grade is that of the chain.
    """

    perfect: int
    family: int
    assonant: int


class Lengths(TypedDict):
    """How many rhyming places have one, two … rhyming syllables; from two on a rhyme is multisyllabic."""

    one: int
    two: int
    three: int
    four: int
    longer: int


class Kinds(TypedDict):
    """Counts of rhymes by place; after Hirjee & Brown 2010, as rapray applies their terms.

    `end`: both places close their lines. `internal`: both in one line. `link`: the end of a line with a place
    in the first half of the next. `bridge`: two places inside neighbouring lines, neither at an end. `other`:
    the rest, such as an inner place with the end of the next line. The five sum to all rhymes. `compound`:
    pairs of internal rhymes of one line that interleave (A B A B). `chained`: places of one chain that follow
    each other in a line with at most one word between.
    """

    end: int
    internal: int
    link: int
    bridge: int
    other: int
    compound: int
    chained: int


class Rhymes(NamedTuple):
    """All counts of a song's rhymes."""

    grades: Grades
    lengths: Lengths
    kinds: Kinds

    @property
    def total(self) -> int:
        """Number of rhymes."""
        return sum((self.grades["perfect"], self.grades["family"], self.grades["assonant"]))


def count_rhymes(rhyme_map: RhymeMap, reading: Reading) -> Rhymes:
    """Count a song's rhymes by grade, length and place."""
    grades = Grades(perfect=0, family=0, assonant=0)
    kinds = Kinds(end=0, internal=0, link=0, bridge=0, other=0, compound=0, chained=0)
    inside: dict[tuple[int, int], list[tuple[int, int, str]]] = defaultdict(list)
    for chain in rhyme_map.chains:
        grades[chain.grade] += len(chain.members) - 1  # type: ignore[literal-required]
        kinds["chained"] += _chained(chain)
        for first, second in pairwise(chain.members):
            kind = _kind(first, second, reading)
            kinds[kind] += 1  # type: ignore[literal-required]
            if kind == "internal":
                inside[first.section, first.line].append((first.first_word, second.first_word, chain.label))
    kinds["compound"] = sum(map(_interleaved, inside.values()))
    return Rhymes(grades, _lengths(rhyme_map), kinds)


def end_pairs(rhyme_map: RhymeMap) -> Iterator[tuple[Member, Member]]:
    """Yield each rhyming line end with the next line end of its chain in the same section."""
    for chain in rhyme_map.chains:
        ends = [member for member in chain.members if member.kind == "end"]
        yield from ((first, second) for first, second in pairwise(ends) if first.section == second.section)


def _lengths(rhyme_map: RhymeMap) -> Lengths:
    counts = [0] * 5
    for chain in rhyme_map.chains:
        for member in chain.members:
            counts[min(member.syllables, 5) - 1] += 1
    return Lengths(one=counts[0], two=counts[1], three=counts[2], four=counts[3], longer=counts[4])


def _kind(first: Member, second: Member, reading: Reading) -> str:
    apart = second.line - first.line if first.section == second.section else -1
    if apart == 0:
        return "internal"
    if first.kind == second.kind == "end":
        return "end"
    if apart == 1 and second.kind == "internal":
        words = len(reading.sections[second.section][second.line].words)
        if first.kind == "internal":
            return "bridge"
        return "link" if 2 * second.first_word < words else "other"
    return "other"


def _chained(chain: Chain) -> int:
    """Count the members with a neighbour of the chain right before or after them in their line."""
    close = [
        (first.section, first.line) == (second.section, second.line)
        and second.first_word - first.last_word - 1 <= _CLOSE
        for first, second in pairwise(chain.members)
    ]
    return sum(before or after for before, after in pairwise([False, *close, False]))


def _interleaved(rhymes: Sequence[tuple[int, int, str]]) -> int:
    """Count pairs of internal rhymes of two chains that interleave: one begins inside the other and ends after it."""
    ordered = sorted(rhymes)
    count = 0
    for number, (_, end, label) in enumerate(ordered):
        for other in range(number + 1, len(ordered)):  # ends soon: rhymes reach 36 syllables
            start, other_end, other_label = ordered[other]
            if start >= end:
                break
            count += other_end > end and other_label != label
    return count
