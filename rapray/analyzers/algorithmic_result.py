"""The shape of `Analysis.data` of the algorithmic analyzer: plain JSON, documented field by field.

Knows names and units only. The contract of pages, tables and later features: fields are added, not renamed.
"""

from __future__ import annotations

from typing import TypedDict

from rapray.text.measures import size
from rapray.text.measures.devices import Devices
from rapray.text.measures.pace import Pace
from rapray.text.measures.repetition import Repetition
from rapray.text.measures.sentiment import Sentiment
from rapray.text.measures.size import Counts, Readability
from rapray.text.measures.soundplay import SoundPlay
from rapray.text.measures.stress import Steadiness, Stress
from rapray.text.measures.structure import Adlibs, VoiceData
from rapray.text.rhyme.kinds import Grades, Kinds, Lengths
from rapray.text.rhyme.rhyme_features import HirjeeBrown
from rapray.text.words import vocabulary
from rapray.text.words.diction import Diction
from rapray.text.words.explicit import Explicitness
from rapray.text.words.person_tense import Narrative
from rapray.text.words.themes import Theme


class Flow(size.Flow, Steadiness, Pace):
    """How much a line holds, how steadily, and how fast: see `rapray.text.measures.size.Flow`,
    `rapray.text.measures.stress.Steadiness` and `rapray.text.measures.pace.Pace`.
    """


class Vocabulary(vocabulary.Vocabulary, Diction):
    """How varied the words are, and of which kind: see `vocabulary` and `diction` in `rapray.text.words`."""


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

    `density_malmi` in vowels a word (rap: 0.7 to 1.2); `density_shuffled` the same with the words in random
    order; `density_lift` their ratio. `rhyming_syllable_share` in [0, 1]. `end_rhyme_share` of the lines that
    are verse, not ad-lib. `multisyllabic_share` of the rhyming places with two syllables and more. `longest` in
    syllables. `grades`, `lengths` and `kinds` count rhymes (`rapray.text.rhyme.kinds`), `hirjee_brown` holds
    the features of that paper (`rapray.text.rhyme.rhyme_features`). `chain_count` counts all chains, `chains`
    lists the first thousand. `schemes` has a string a section, a letter a line: X has no partner, - is no line
    of verse.
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
    grades: Grades
    lengths: Lengths
    kinds: Kinds
    hirjee_brown: HirjeeBrown
    schemes: list[str]
    chains: list[ChainData]


class SectionData(TypedDict):
    """One section in order; `lines` and `words` are counts, `syllables_per_line` a mean.

    `line_syllables` lists the first 64 lines' syllables. `sentiment` in [-1, 1] is the mean of its lines without
    profanity, None where the song has none: in order they are the song's arc.
    """

    kind: str
    number: int | None
    voices: list[str]
    lines: int
    words: int
    syllables_per_line: float
    line_syllables: list[int]
    sentiment: float | None


class Structure(TypedDict):
    """How the song is built. `chorus_line_share` is the share of lines in choruses, hooks and refrains (pre- and
    post-choruses too), `hook_share` that of words in hooks, stanzas that come again without a label included.
    """

    sections: list[SectionData]
    voices: list[str]
    voice_shares: list[VoiceData]
    chorus_line_share: float
    hook_share: float
    adlibs: Adlibs


class AlgorithmicData(TypedDict):
    """Everything measured from one text. `language` is the ISO 639-1 code found in the text, None where none
    stands out. `sentiment`, `readability`, `narrative`, `themes` and all `devices` but the two repetitions are
    empty where it is known not to be English; the other word lists are English, too, and find little there.
    """

    language: str | None
    counts: Counts
    flow: Flow
    stress: Stress
    sound: SoundPlay
    vocabulary: Vocabulary
    rhyme: Rhyme
    repetition: Repetition
    structure: Structure
    sentiment: Sentiment
    themes: list[Theme]
    devices: Devices
    readability: Readability
    explicitness: Explicitness
    narrative: Narrative
