"""From a song's sections to its rhyme map: read, line ends, insides of lines, chains, labels."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from rapray.domain import Section
from rapray.text.reading import Reading, read
from rapray.text.rhyme import ends
from rapray.text.rhyme.chains import Chain, ChainBuilder, Member, RhymeMap
from rapray.text.rhyme.internals import internal_links
from rapray.text.rhyme.match import Grade
from rapray.text.rhyme.stream import Stream


def find_rhymes(sections: Sequence[Section]) -> RhymeMap:
    """Find the end rhymes, internal rhymes and multisyllabic chains of a song, with their places.

    Words in brackets are ignored. Sounds are English: other languages are read as an English speaker would read
    them.
    """
    return rhymes_of(read(sections))


def rhymes_of(reading: Reading) -> RhymeMap:
    """Find the rhymes of a song that has been read; see `find_rhymes`."""
    stream = Stream(reading)
    builder, schemes = ChainBuilder(stream), list[str]()
    for section in range(len(stream.line_ends)):
        groups = ends.end_groups(stream, section)
        schemes.append(ends.letters(stream, section, groups))
        for group in groups:
            builder.add_ends(section, group)
    for link in internal_links(stream) if stream.codes else []:
        builder.add_internal(link)
    chains = [
        _chain(stream, number, grade, places) for number, (_, grade, places) in enumerate(builder.chains())
    ]
    return RhymeMap(
        chains=tuple(chains),
        schemes=tuple(schemes),
        rhyming_syllables=sum(member.syllables for chain in chains for member in chain.members),
        syllables=len(stream.codes),
    )


def _chain(stream: Stream, number: int, grade: Grade, places: Sequence[tuple[int, int, int]]) -> Chain:
    members = tuple(_member(stream, *place) for place in places)
    is_end = sum(member.kind == "end" for member in members) > 1
    return Chain(
        label=_label(number),
        kind="end" if is_end else "internal",
        grade=grade.value,
        syllables=max(member.syllables for member in members),
        members=members,
    )


def _member(stream: Stream, first: int, last: int, syllables: int) -> Member:
    opening, closing = stream.words[first], stream.words[last]
    is_end = stream.line_ends[closing.section][closing.line] == last
    return Member(
        section=closing.section,
        line=closing.line,
        first_word=opening.place,
        last_word=closing.place,
        start=opening.start,
        end=closing.end,
        syllables=syllables,
        kind="end" if is_end else "internal",
    )


def _label(number: int) -> str:
    """Count in letters: A, B … Z, AA, AB …, like the columns of a spreadsheet."""
    label = ""
    while number >= 0:
        number, letter = divmod(number, 26)
        label, number = ascii_uppercase[letter] + label, number - 1
    return label
