"""What the algorithmic analyzer measured, with a sentence each that a listener understands.

Measures nothing. A value that an analysis lacks is left out, so that pages survive older and newer versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: `share` in [0, 1] is drawn as a bar, None draws none."""

    title: str
    shown: str
    meaning: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together."""

    title: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    path: str  # into `data`
    title: str
    meaning: str
    form: str = "{:.2f}"
    full: float | None = None  # the value at which the bar is full


_GROUPS: tuple[tuple[str, tuple[_Row, ...]], ...] = (
    (
        "Rhyme",
        (
            _Row(
                "rhyme.density_malmi",
                "Rhyme density",
                "How many vowels in a row a word shares with one shortly before it, on average. "
                "Rap lies between 0.7 and 1.2.",
                full=1.4,
            ),
            _Row(
                "rhyme.density_lift",
                "Against chance",
                "The density, divided by that of the same words in random order: above 1 is on purpose.",
                "×{:.2f}",
            ),
            _Row("rhyme.rhyming_syllable_share", "Rhyming syllables", "Of all syllables.", "{:.0%}", 1),
            _Row(
                "rhyme.end_rhyme_share",
                "Lines that rhyme",
                "Lines whose end rhymes with another's.",
                "{:.0%}",
                1,
            ),
            _Row(
                "rhyme.multisyllabic_share", "Multisyllabic", "Rhymes of two syllables and more.", "{:.0%}", 1
            ),
            _Row("rhyme.longest", "Longest rhyme", "Syllables of the longest one.", "{:.0f}"),
        ),
    ),
    (
        "Flow",
        (
            _Row(
                "flow.syllables_per_line", "Syllables a line", "How much is said in one line.", "{:.1f}", 20
            ),
            _Row(
                "flow.syllables_per_line_deviation",
                "Spread",
                "How much the lines differ in length: low is a steady pattern, high a loose one.",
                "±{:.1f}",
            ),
            _Row("flow.words_per_line", "Words a line", "On average.", "{:.1f}", 16),
            _Row(
                "flow.end_vowel_agreement",
                "Echo",
                "Lines that end on the vowel of a line next to them or one further. Rap reaches 55 %, poetry 34 %.",
                "{:.0%}",
                1,
            ),
            _Row(
                "flow.even_line_share",
                "Even lines",
                "Lines within 15 % of the length of the line before them.",
                "{:.0%}",
                1,
            ),
            _Row(
                "sound.alliteration",
                "Alliteration",
                "Words that open on the sound of a word just before them.",
                "{:.0%}",
                0.5,
            ),
            _Row(
                "sound.assonance",
                "Assonance",
                "Words that share the vowel, and not the rhyme, of a word just before them.",
                "{:.0%}",
                0.5,
            ),
            _Row(
                "flow.adlib_share",
                "Ad-libs",
                "Words in parentheses: the voice behind the voice.",
                "{:.0%}",
                1,
            ),
        ),
    ),
    (
        "Vocabulary",
        (
            _Row("vocabulary.types", "Different words", "Each word counted once.", "{:,.0f}"),
            _Row(
                "vocabulary.mtld",
                "Variety (MTLD)",
                "How many words the text goes on before they repeat much; long and short texts compare. "
                "Rap averages 55.",
                "{:.0f}",
                150,
            ),
            _Row(
                "vocabulary.hdd",
                "Variety (HD-D)",
                "How varied 42 words drawn at random are, from 0 to 1.",
                "{:.2f}",
                1,
            ),
            _Row("vocabulary.hapax_share", "Said once", "Words that occur a single time.", "{:.0%}", 1),
            _Row("vocabulary.slang_share", "Slang", "Words of slang, and -in' for -ing.", "{:.0%}", 0.3),
            _Row(
                "readability.flesch_kincaid_grade",
                "School grade",
                "Flesch-Kincaid with a line for a sentence: how many years of school the words ask for.",
                "{:.1f}",
            ),
        ),
    ),
    (
        "Tone",
        (
            _Row(
                "sentiment.without_profanity",
                "Mood of the words",
                "From -1, dark, to 1, bright, line by line and without the swear words (VADER). "
                "Most songs lie near 0.",
                "{:+.2f}",
            ),
            _Row(
                "explicitness.score",
                "Explicit",
                "Profanity, sex, violence, drugs and slurs by weight, from 0 to 1.",
                "{:.2f}",
                1,
            ),
            _Row("devices.simile_count", "Similes", "Comparisons with like, as and than.", "{:.0f}"),
        ),
    ),
    (
        "Shape",
        (
            _Row("counts.words", "Words", "All of them, repeated ones too.", "{:,.0f}"),
            _Row("counts.lines", "Lines", "Sung lines, without headers.", "{:,.0f}"),
            _Row(
                "structure.chorus_line_share",
                "In choruses",
                "Lines of choruses, hooks and refrains.",
                "{:.0%}",
                1,
            ),
            _Row("structure.hook_share", "Hook", "Words that belong to the hook.", "{:.0%}", 1),
            _Row(
                "repetition.repeated_line_share",
                "Repeated lines",
                "Lines that were there before.",
                "{:.0%}",
                1,
            ),
            _Row(
                "repetition.repeated_phrase_share",
                "Repeated phrases",
                "Four words in a row, again.",
                "{:.0%}",
                1,
            ),
        ),
    ),
)


def explained(data: Mapping[str, Any]) -> list[Group]:
    """The measures of one analysis that are there, in groups."""
    groups = (Group(title, tuple(m for row in rows if (m := _measure(data, row)))) for title, rows in _GROUPS)
    return [group for group in groups if group.measures]


def paths() -> list[str]:
    """Where in `data` each row looks; a test holds them to what the analyzer writes."""
    return [row.path for _, rows in _GROUPS for row in rows]


def _measure(data: Mapping[str, Any], row: _Row) -> Measure | None:
    value = at(data, row.path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    share = None if row.full is None else min(1.0, max(0.0, value / row.full))
    return Measure(row.title, row.form.format(value), row.meaning, share)


def at(data: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    found: Any = data
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
