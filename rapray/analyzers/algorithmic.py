"""The algorithmic analyzer: rhyme, flow, vocabulary and repetition, measured from the text alone.

Knows no model and no meaning: sentiment and confidence stay empty. Sounds are those of English; a text in another
language is measured as an English reader would say it, so compare such figures inside one language only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from rapray.analyzers.algorithmic_result import (
    AlgorithmicData,
    ChainData,
    MemberData,
    Rhyme,
    SectionData,
    Structure,
)
from rapray.analyzers.base import one_by_one, rounded
from rapray.analyzers.style_vector import style_vector
from rapray.domain import Analysis, Failure, Lyric, ModelInfo, Section
from rapray.errors import EmptyLyrics
from rapray.text import malmi, measures
from rapray.text.reading import Reading, read
from rapray.text.repetition import repetition
from rapray.text.rhyme import Chain, RhymeMap, rhymes_of
from rapray.text.rhyme.ends import UNMEASURED
from rapray.text.sections import split_sections
from rapray.text.vocabulary import vocabulary

# A song has ten to forty; the bound keeps the result of a megabyte of text storable.
_MOST_CHAINS = 1000
_CHORUS_KINDS = frozenset({"chorus", "hook", "refrain", "pre_chorus", "post_chorus"})


class AlgorithmicAnalyzer:
    """Measures lyrics. Has no state: the same text gives the same result, `seconds` aside, in every process."""

    name = "algorithmic"
    version = "1.0.0"
    model: ModelInfo | None = None
    prompt_version: str | None = None

    def analyze(self, batch: Sequence[Lyric]) -> list[Analysis | Failure]:
        """An analysis a lyric; a text without a word fails with the code "lyrics_empty"."""
        return one_by_one(self, batch, self._analyze_one)

    def _analyze_one(self, lyric: Lyric) -> Analysis:
        started = time.perf_counter()
        sections = lyric.sections or split_sections(lyric.lyrics)
        reading = read(sections)
        if not any(True for _ in reading.lines()):
            raise EmptyLyrics
        rhymes = rhymes_of(reading)
        measured = measure(sections, reading, rhymes)
        return Analysis(
            key=lyric.key,
            analyzer=self.name,
            version=self.version,
            content_hash=lyric.content_hash,
            data=rounded(measured),
            embedding=style_vector(measured, reading),
            seconds=time.perf_counter() - started,
        )


def measure(sections: Sequence[Section], reading: Reading, rhymes: RhymeMap) -> AlgorithmicData:
    """All measures of a song that has been read."""
    lines = [[word.text for word in line.words] for line in reading.lines()]
    return AlgorithmicData(
        counts=measures.counts(reading),
        flow=measures.flow(reading),
        vocabulary=vocabulary([word for line in lines for word in line]),
        rhyme=_rhyme(reading, rhymes),
        repetition=repetition(lines),
        structure=_structure(sections, reading),
    )


def _rhyme(reading: Reading, rhymes: RhymeMap) -> Rhyme:
    density, shuffled, lift = malmi.lift_of(malmi.song_words_of(reading))
    places = [member for chain in rhymes.chains for member in chain.members]
    ends = sum(
        member.kind == "end" for chain in rhymes.chains if chain.kind == "end" for member in chain.members
    )
    verse_lines = sum(len(scheme) - scheme.count(UNMEASURED) for scheme in rhymes.schemes)
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
        schemes=list(rhymes.schemes),
        chains=[_chain(chain) for chain in rhymes.chains[:_MOST_CHAINS]],
    )


def _chain(chain: Chain) -> ChainData:
    # By hand: `dataclasses.asdict` took an eighth of the whole analysis.
    members = [
        MemberData(
            section=member.section,
            line=member.line,
            first_word=member.first_word,
            last_word=member.last_word,
            start=member.start,
            end=member.end,
            syllables=member.syllables,
            kind=member.kind,
        )
        for member in chain.members
    ]
    return ChainData(
        label=chain.label, kind=chain.kind, grade=chain.grade, syllables=chain.syllables, members=members
    )


def _structure(sections: Sequence[Section], reading: Reading) -> Structure:
    described = [
        SectionData(
            kind=section.kind,
            number=section.number,
            voices=list(section.voices),
            lines=sum(bool(line.words) for line in lines),
            words=sum(len(line.words) for line in lines),
            syllables_per_line=measures.mean([measures.syllables_of(line) for line in lines if line.words]),
        )
        for section, lines in zip(sections, reading.sections, strict=True)
    ]
    total = sum(section["lines"] for section in described)
    in_chorus = sum(section["lines"] for section in described if section["kind"] in _CHORUS_KINDS)
    return Structure(
        sections=described,
        voices=list(dict.fromkeys(voice for section in sections for voice in section.voices)),
        chorus_line_share=in_chorus / total if total else 0.0,
    )
