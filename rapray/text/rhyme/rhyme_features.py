"""The feature set of Hirjee & Brown, "Using Automated Rhyme Detection to Characterize Rhyming Style in Rap Music"
(Empirical Musicology Review 5(4), 2010; first in ISMIR 2009), for comparison with the literature.

The features are theirs, but the rhymes are detected by rapray: compare only figures of rapray. Two of their 24
features are missing, Average End Score and Average End Syl Score: they need the similarity matrices that the
authors trained on a corpus of rhymes.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypedDict

from rapray.text.measures.size import Counts, deviation, syllables_of
from rapray.text.reading import Reading
from rapray.text.rhyme.chains import RhymeMap
from rapray.text.rhyme.kinds import Rhymes, end_pairs

_ALIKE = 15  # per cent


class HirjeeBrown(TypedDict):
    """Their names in lower case; counts per line or syllable are 0 or more, all others are shares in [0, 1].

    `syllables_per_line`, `syllables_per_word`; `syllable_variation`: standard deviation of the syllables a line;
    `novel_word_proportion`: mean share of a line's words that are not in the line before it; `rhymes_per_line`,
    `rhymes_per_syllable`; `rhyme_density`: rhyming ÷ all sung syllables; `end_pairs_per_line`: end rhymes with an
    earlier line, per line; `end_pairs_grown`, `_shrunk`, `_even`: share of end pairs whose second line
    has over 15 % more syllables, over 15 % fewer, or neither; `singles_`, `doubles_`, `triples_`, `quads_`,
    `longs_per_rhyme`: share of rhyming places by syllables; `perfect_rhymes`: share of rhymes; `line_internals_`,
    `links_`, `bridges_`, `compounds_`, `chaining_per_line`: see `rapray.text.rhyme.kinds.Kinds`.
    """

    syllables_per_line: float
    syllables_per_word: float
    syllable_variation: float
    novel_word_proportion: float
    rhymes_per_line: float
    rhymes_per_syllable: float
    rhyme_density: float
    end_pairs_per_line: float
    end_pairs_grown: float
    end_pairs_shrunk: float
    end_pairs_even: float
    singles_per_rhyme: float
    doubles_per_rhyme: float
    triples_per_rhyme: float
    quads_per_rhyme: float
    longs_per_rhyme: float
    perfect_rhymes: float
    line_internals_per_line: float
    links_per_line: float
    bridges_per_line: float
    compounds_per_line: float
    chaining_per_line: float


def hirjee_brown(reading: Reading, rhyme_map: RhymeMap, rhymes: Rhymes, counts: Counts) -> HirjeeBrown:
    """Compute all 22 features of a song with at least one line."""
    lines, lengths, kinds = counts["lines"], rhymes.lengths, rhymes.kinds
    places = max(lengths["one"] + lengths["two"] + lengths["three"] + lengths["four"] + lengths["longer"], 1)
    pairs, grown, shrunk = _end_pairs(reading, rhyme_map)
    return HirjeeBrown(
        syllables_per_line=counts["syllables"] / lines,
        syllables_per_word=counts["syllables"] / counts["words"],
        syllable_variation=deviation([syllables_of(line) for line in reading.lines()]),
        novel_word_proportion=_novel_words(reading),
        rhymes_per_line=rhymes.total / lines,
        rhymes_per_syllable=rhymes.total / max(counts["syllables"], 1),
        rhyme_density=rhyme_map.rhyming_share,
        end_pairs_per_line=pairs / lines,
        end_pairs_grown=grown / max(pairs, 1),
        end_pairs_shrunk=shrunk / max(pairs, 1),
        end_pairs_even=(pairs - grown - shrunk) / max(pairs, 1),
        singles_per_rhyme=lengths["one"] / places,
        doubles_per_rhyme=lengths["two"] / places,
        triples_per_rhyme=lengths["three"] / places,
        quads_per_rhyme=lengths["four"] / places,
        longs_per_rhyme=lengths["longer"] / places,
        perfect_rhymes=rhymes.grades["perfect"] / max(rhymes.total, 1),
        line_internals_per_line=kinds["internal"] / lines,
        links_per_line=kinds["link"] / lines,
        bridges_per_line=kinds["bridge"] / lines,
        compounds_per_line=kinds["compound"] / lines,
        chaining_per_line=kinds["chained"] / lines,
    )


def _end_pairs(reading: Reading, rhyme_map: RhymeMap) -> tuple[int, int, int]:
    """Count all end pairs, those that grow and those that shrink."""
    pairs, grown, shrunk = 0, 0, 0
    for earlier, later in end_pairs(rhyme_map):
        first = syllables_of(reading.sections[earlier.section][earlier.line])
        second = syllables_of(reading.sections[later.section][later.line])
        pairs += 1
        grown += 100 * second > (100 + _ALIKE) * first
        shrunk += 100 * second < (100 - _ALIKE) * first
    return pairs, grown, shrunk


def _novel_words(reading: Reading) -> float:
    """Return the mean share of new words over all lines but the first of each section."""
    shares: list[float] = []
    for section in reading.sections:
        lines = [[word.text for word in line.words] for line in section if line.words]
        for first, second in pairwise(lines):
            words_before = set(first)
            shares.append(sum(word not in words_before for word in second) / len(second))
    return math.fsum(shares) / len(shares) if shares else 0.0  # `sum` rounds differently in Python 3.12
