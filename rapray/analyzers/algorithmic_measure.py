"""From a song that has been read to the algorithmic analyzer's result: every measure in its place.

Knows which measures there are and which need English; each is taken, and explained, in `rapray.text`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapray.analyzers.algorithmic_result import (
    AlgorithmicData,
    ChainData,
    Flow,
    MemberData,
    Rhyme,
    SectionData,
    Structure,
    Vocabulary,
)
from rapray.domain import Section
from rapray.text.measures import sentiment as valence
from rapray.text.measures import size, structure
from rapray.text.measures.devices import devices
from rapray.text.measures.pace import Pace
from rapray.text.measures.repetition import repetition
from rapray.text.measures.sentiment import LineScore
from rapray.text.measures.size import UNREADABLE, readability
from rapray.text.measures.soundplay import soundplay
from rapray.text.measures.stress import steadiness, stress
from rapray.text.reading import Reading, ReadLine
from rapray.text.rhyme import Chain, RhymeMap, rhyme_density
from rapray.text.rhyme.ends import UNMEASURED
from rapray.text.rhyme.kinds import count_rhymes
from rapray.text.rhyme.rhyme_features import hirjee_brown
from rapray.text.words.diction import diction
from rapray.text.words.explicit import explicitness
from rapray.text.words.person_tense import UNTOLD, narrative
from rapray.text.words.themes import themes
from rapray.text.words.vocabulary import vocabulary

# A song has ten to forty; the bound keeps the result of a megabyte of text storable.
_MOST_CHAINS = 1000
_MOST_LENGTHS = 64  # lines of a section


def measure(
    sections: Sequence[Section], reading: Reading, rhymes: RhymeMap, language: str | None, pace: Pace
) -> AlgorithmicData:
    """All measures of a song that has been read and has a word. A language that nobody knows is taken for English."""
    lines = [[word.text for word in line.words] for line in reading.lines()]
    words = [word for line in lines for word in line]
    counts = size.counts(reading)
    is_english = language in {None, "en"}
    scores = valence.score_lines(reading.lines()) if is_english else []
    return AlgorithmicData(
        language=language,
        counts=counts,
        flow=Flow(**size.flow(reading), **steadiness(reading), **pace),
        stress=stress(reading),
        sound=soundplay(reading),
        vocabulary=Vocabulary(**vocabulary(words), **diction(words)),
        rhyme=_rhyme(reading, rhymes, counts),
        repetition=repetition(lines),
        structure=_structure(sections, reading, scores),
        sentiment=valence.sentiment(scores),
        themes=themes(words) if is_english else [],
        devices=devices(reading, is_english=is_english),
        readability=readability(counts) if is_english else UNREADABLE,
        explicitness=explicitness(words),
        narrative=narrative(lines) if is_english else UNTOLD,
    )


def _rhyme(reading: Reading, rhymes: RhymeMap, counts: size.Counts) -> Rhyme:
    density, shuffled, lift = rhyme_density.lift_of(rhyme_density.song_words_of(reading))
    places = [member for chain in rhymes.chains for member in chain.members]
    ends = sum(
        member.kind == "end" for chain in rhymes.chains if chain.kind == "end" for member in chain.members
    )
    verse_lines = sum(len(scheme) - scheme.count(UNMEASURED) for scheme in rhymes.schemes)
    counted = count_rhymes(rhymes, reading)
    return Rhyme(
        density_malmi=density,
        density_shuffled=shuffled,
        density_lift=lift,
        rhyming_syllable_share=rhymes.rhyming_share,
        end_rhyme_share=ends / verse_lines if verse_lines else 0.0,
        multisyllabic_share=sum(place.syllables > 1 for place in places) / len(places) if places else 0.0,
        longest=max((place.syllables for place in places), default=0),
        chain_count=len(rhymes.chains),
        internal_chain_count=sum(chain.kind == "internal" for chain in rhymes.chains),
        grades=counted.grades,
        lengths=counted.lengths,
        kinds=counted.kinds,
        hirjee_brown=hirjee_brown(reading, rhymes, counted, counts),
        schemes=list(rhymes.schemes),
        chains=[_chain(chain) for chain in rhymes.chains[:_MOST_CHAINS]],
    )


def _chain(chain: Chain) -> ChainData:
    return ChainData(
        label=chain.label,
        kind=chain.kind,
        grade=chain.grade,
        syllables=chain.syllables,
        members=[MemberData(**member._asdict()) for member in chain.members],
    )


def _structure(sections: Sequence[Section], reading: Reading, scores: Sequence[LineScore]) -> Structure:
    described: list[SectionData] = []
    done = 0
    for section, read in zip(sections, reading.sections, strict=True):
        lines = [line for line in read if line.words]
        described.append(_section(section, lines, scores[done : done + len(lines)]))
        done += len(lines)
    in_chorus = sum(section["lines"] for section in described if section["kind"] in structure.CHORUS_KINDS)
    return Structure(
        sections=described,
        voices=list(dict.fromkeys(voice for section in sections for voice in section.voices)),
        voice_shares=structure.voice_shares(sections, reading),
        chorus_line_share=in_chorus / done if done else 0.0,
        hook_share=structure.hook_share(sections, reading),
        adlibs=structure.adlibs(reading),
    )


def _section(section: Section, lines: Sequence[ReadLine], scores: Sequence[LineScore]) -> SectionData:
    lengths = [size.syllables_of(line) for line in lines]
    return SectionData(
        kind=section.kind,
        number=section.number,
        voices=list(section.voices),
        lines=len(lines),
        words=sum(len(line.words) for line in lines),
        syllables_per_line=size.mean(lengths),
        line_syllables=lengths[:_MOST_LENGTHS],
        sentiment=valence.mean_of([score.clean for score in scores]) if scores else None,
    )
