"""The shape of `Analysis.data` of the algorithmic analyzer: plain JSON, documented field by field.

Knows names and units only. The contract of pages, tables and later features: fields are added, not renamed.
"""

from __future__ import annotations

from typing import TypedDict

from rapray.text.measures import Counts, Flow
from rapray.text.repetition import Repetition
from rapray.text.vocabulary import Vocabulary


class MemberData(TypedDict):
    """One place of a chain; see `rapray.text.rhyme.Member`: line counts from 0 in its section, last_word inclusive,
    start and end are characters of the line, half-open.
    """

    section: int
    line: int
    first_word: int
    last_word: int
    start: int
    end: int
    syllables: int
    kind: str


class ChainData(TypedDict):
    """A rhyme chain; see `rapray.text.rhyme.Chain`. `label` (A … Z, AA …) is unique in the song."""

    label: str
    kind: str
    grade: str
    syllables: int
    members: list[MemberData]


class Rhyme(TypedDict):
    """Rhyme, by three independent measures and as places.

    `density_malmi` in vowels a word (rap: 0.7 to 1.2); `density_shuffled` the same with the words in random order;
    `density_lift` their ratio. `rhyming_syllable_share` in [0, 1]. `end_rhyme_share` of the lines that are verse, not
    ad-lib. `multisyllabic_share` of the rhyming places with two syllables and more. `longest` in syllables.
    `chain_count` counts all chains, `chains` lists the first thousand. `schemes` has a string a section, a letter a
    line: X has no partner, - is no line of verse.
    """

    density_malmi: float
    density_shuffled: float
    density_lift: float
    rhyming_syllable_share: float
    end_rhyme_share: float
    multisyllabic_share: float
    longest: int
    chain_count: int
    internal_chain_count: int
    schemes: list[str]
    chains: list[ChainData]


class SectionData(TypedDict):
    """One section in order; `lines` and `words` are counts, `syllables_per_line` a mean."""

    kind: str
    number: int | None
    voices: list[str]
    lines: int
    words: int
    syllables_per_line: float


class Structure(TypedDict):
    """How the song is built. `chorus_line_share` is the share of lines in choruses, hooks and refrains."""

    sections: list[SectionData]
    voices: list[str]
    chorus_line_share: float


class AlgorithmicData(TypedDict):
    """Everything measured from one text."""

    counts: Counts
    flow: Flow
    vocabulary: Vocabulary
    rhyme: Rhyme
    repetition: Repetition
    structure: Structure
