"""The features of Hirjee & Brown on verses rhymed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.measures.size import counts
from rapray.text.reading import Reading, read
from rapray.text.rhyme import rhymes_of
from rapray.text.rhyme.kinds import Rhymes, count_rhymes
from rapray.text.rhyme.rhyme_features import HirjeeBrown, hirjee_brown


def _reading(*lines: str) -> Reading:
    return read([Section("verse", None, "", (), lines)])


def _counted(*lines: str) -> Rhymes:
    reading = _reading(*lines)
    return count_rhymes(rhymes_of(reading), reading)


def _features(*lines: str) -> HirjeeBrown:
    reading = _reading(*lines)
    rhymes = rhymes_of(reading)
    return hirjee_brown(reading, rhymes, count_rhymes(rhymes, reading), counts(reading))


def test_hirjee_hand_measured_couplet() -> None:
    """Two lines of 4 and 4 syllables, one perfect end pair, no word in common but "the"."""
    features = _features("I see the light", "into the night")
    assert features["end_pairs_per_line"] == 0.5
    assert (features["end_pairs_even"], features["end_pairs_grown"], features["end_pairs_shrunk"]) == (
        1,
        0,
        0,
    )
    assert features["rhymes_per_line"] == 0.5
    assert features["perfect_rhymes"] == 1
    assert features["singles_per_rhyme"] == 1
    assert features["novel_word_proportion"] == pytest.approx(2 / 3)
    assert features["syllables_per_line"] == 4
    assert features["syllable_variation"] == 0


def test_hirjee_growing_end_pair() -> None:
    """An end pair grows if the second line is over 15 % longer."""
    assert _features("the light", "and all the way into the night")["end_pairs_grown"] == 1


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["light", "night", "the", "city", "pretty", "go", "flow", "hand", "stand", "of"]), min_size=1, max_size=8), min_size=1, max_size=8))  # fmt: skip
def test_hirjee_features_within_bounds(verse: list[list[str]]) -> None:
    """Shares in [0, 1]; kinds sum to all rhymes, lengths to all places; nothing is negative."""
    lines = [" ".join(words) for words in verse]
    counted, features = _counted(*lines), _features(*lines)
    parts = [counted.kinds[name] for name in ("end", "internal", "link", "bridge", "other")]  # type: ignore[literal-required]
    assert sum(parts) == counted.total
    assert len(features) == 22
    assert all(value >= 0 for value in features.values())  # type: ignore[operator]
    assert all(
        value <= 1
        for name, value in features.items()
        if name.endswith("_per_rhyme") or name.startswith("end_pairs")
    )  # type: ignore[operator]
