"""A vector of 256 numbers for the style of a song: how it is said, not what about.

Knows measures and sounds; topics enter only through small words. `vector.py` has how blocks become a vector; those
after the first hold square roots of shares.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from rapray.analyzers.algorithmic_result import AlgorithmicData
from rapray.analyzers.vector import Block, Layout, hashed, roots_of_shares
from rapray.text.measures.size import syllables_of
from rapray.text.pronunciation.phonology import STRONG
from rapray.text.reading import Reading

_LAYOUT = Layout(
    measures=Block(32, 1.0),  # each x/(1+|x|) of its distance from a typical value, in typical deviations
    line_lengths=Block(32, 0.6),  # how many lines have 1, 2, … 32 syllables (more count as 32), smoothed
    vowels=Block(32, 0.4),  # how often each is stressed
    rhymes=Block(32, 0.6),  # by place (end, internal), grade and length
    schemes=Block(32, 0.5),  # three lines' distances to their partners, hashed
    small_words=Block(64, 0.5),  # function words, hashed
    sections=Block(32, 0.3),  # which kind follows which, hashed
)
_GRADES = ("perfect", "family", "assonant")
_LONGEST_LINE = 32
_LONGEST_RHYME = 5
_LETTERS_BACK = 6

# Group, measure, typical value and deviation, from the sample corpus: they scale, they claim nothing. There are 32, no
# more fit. A measure that is None (an English one of another language) counts as typical.
_SCALES: tuple[tuple[str, str, float, float], ...] = (
    ("counts", "lines", 45, 20),
    ("counts", "words", 380, 180),
    ("flow", "syllables_per_line", 11, 2.5),
    ("flow", "syllables_per_line_deviation", 2.5, 1.2),
    ("flow", "words_per_line", 7.5, 1.8),
    ("flow", "words_per_line_deviation", 2, 1),
    ("flow", "syllables_per_word", 1.28, 0.12),
    ("flow", "end_vowel_agreement", 0.8, 0.15),
    ("flow", "adlib_share", 0.04, 0.04),
    ("vocabulary", "type_token_ratio", 0.5, 0.1),
    ("vocabulary", "hapax_share", 0.35, 0.1),
    ("vocabulary", "mtld", 60, 25),
    ("vocabulary", "hdd", 0.8, 0.03),
    ("rhyme", "density_malmi", 0.9, 0.25),
    ("rhyme", "density_lift", 1.1, 0.15),
    ("rhyme", "rhyming_syllable_share", 0.15, 0.1),
    ("rhyme", "end_rhyme_share", 0.75, 0.2),
    ("rhyme", "multisyllabic_share", 0.25, 0.2),
    ("rhyme", "longest", 3, 2),
    ("repetition", "repeated_line_share", 0.15, 0.1),
    ("repetition", "repeated_phrase_share", 0.1, 0.1),
    ("repetition", "compression", 0.35, 0.05),
    ("structure", "chorus_line_share", 0.25, 0.15),
    ("flow", "even_line_share", 0.72, 0.15),
    ("flow", "breaks_per_line", 0.8, 0.35),
    ("stress", "line_agreement", 0.63, 0.06),
    ("sound", "alliteration", 0.12, 0.05),
    ("sound", "assonance", 0.13, 0.07),
    ("vocabulary", "slang_share", 0.03, 0.03),
    ("narrative", "first_singular_share", 0.45, 0.25),
    ("narrative", "second_share", 0.2, 0.15),
    ("narrative", "past_share", 0.5, 0.25),
)


def style_vector(measured: AlgorithmicData, reading: Reading) -> tuple[float, ...]:
    """The vector of a song that has been measured: 256 values of six digits, length 1."""
    return _LAYOUT.vector(
        measures=_measures(measured),
        line_lengths=roots_of_shares(_line_lengths(reading), 32),
        vowels=roots_of_shares(_vowels(reading), 32),
        rhymes=roots_of_shares(_rhymes(measured), 32),
        schemes=hashed(Counter(_scheme_steps(measured["rhyme"]["schemes"])).items(), 32),
        small_words=hashed(Counter(_small_words(reading)).items(), 64),
        sections=hashed(Counter(_transitions(measured)).items(), 32),
    )


def _measures(measured: AlgorithmicData) -> list[float]:
    groups: Mapping[str, object] = measured  # type: ignore[assignment]
    values: list[float] = []
    for group, name, typical, spread in _SCALES:
        value = groups[group][name]  # type: ignore[index]
        distance = 0.0 if value is None else (value - typical) / spread
        values.append(distance / (1 + abs(distance)) / math.sqrt(len(_SCALES)))
    return values


def _line_lengths(reading: Reading) -> dict[int, float]:
    """Lines by length; a quarter of each goes to the lengths beside it, since 10 is nearer to 11 than to 30."""
    exact = Counter(min(max(syllables_of(line), 1), _LONGEST_LINE) - 1 for line in reading.lines())
    return {
        place: exact[place] * 0.5 + (exact[place - 1] + exact[place + 1]) * 0.25
        for place in range(_LONGEST_LINE)
    }


def _vowels(reading: Reading) -> Counter[int]:
    return Counter(
        code // 3
        for line in reading.lines()
        for word in line.words
        for code in word.sound.codes
        if code % 3 == STRONG
    )


def _rhymes(measured: AlgorithmicData) -> Counter[int]:
    found: Counter[int] = Counter()
    for chain in measured["rhyme"]["chains"]:
        for member in chain["members"]:
            length = min(member["syllables"], _LONGEST_RHYME) - 1
            place = (member["kind"] == "end") * len(_GRADES) + _GRADES.index(chain["grade"])
            found[place * _LONGEST_RHYME + length] += 1
    return found


def _scheme_steps(schemes: Iterable[str]) -> Iterable[str]:
    """Triples of "how many lines back is my letter", which couplets and ballads share whatever their letters."""
    for scheme in schemes:
        back = ["0", "0"] + [_steps_back(scheme, place) for place in range(len(scheme))]
        yield from ("".join(back[place : place + 3]) for place in range(len(scheme)))


def _steps_back(scheme: str, place: int) -> str:
    if scheme[place] in "X-":
        return scheme[place]
    earlier = scheme.rfind(scheme[place], max(0, place - _LETTERS_BACK), place)
    return str(place - earlier) if earlier >= 0 else "n"


def _small_words(reading: Reading) -> Iterable[str]:
    return (word.text for line in reading.lines() for word in line.words if word.sound.is_function)


def _transitions(measured: AlgorithmicData) -> Iterable[str]:
    kinds = ["start", *(section["kind"] for section in measured["structure"]["sections"]), "end"]
    return (f"{before}>{after}" for before, after in pairwise(kinds))
