"""Alliteration, assonance and consonance on lines whose sounds one can say aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.measures.soundplay import SoundPlay, soundplay
from rapray.text.reading import Reading, read


def _reading(*lines: str) -> Reading:
    return read([Section("verse", None, "", (), lines)])


def _play(*lines: str) -> SoundPlay:
    return soundplay(_reading(*lines))


def test_alliteration_tongue_twister() -> None:
    """Peter, Piper, picked, peck (of), pickled, peppers: all but the first repeat the sound of a word before."""
    figures = _play("Peter Piper picked a peck of pickled peppers")
    assert figures["alliteration"] == 1
    assert figures["alliterations"] == 5


def test_alliteration_compares_sounds() -> None:
    """Heard, "knight" opens on N, "phone" on F; "stone" goes with "star", not with "sand"."""
    assert _play("knight never")["alliterations"] == 1
    assert _play("phone fight")["alliterations"] == 1
    assert _play("pneumonia party")["alliterations"] == 0
    assert _play("stone sand")["alliterations"] == 0
    assert _play("stone star")["alliterations"] == 1


def test_alliteration_reach_and_repeats() -> None:
    """Neighbouring lines and repeated words do not count; words two content words back do, three back do not."""
    assert _play("money", "mountain")["alliterations"] == 0
    assert _play("money money")["alliterations"] == 0
    assert _play("money tower mountain")["alliterations"] == 1
    assert _play("money tower garden mountain")["alliterations"] == 0


def test_assonance_excludes_rhymes() -> None:
    """Both "lake" and "fate" have one vowel; "lake" and "make" rhyme."""
    assert _play("lake fate")["assonance"] == 1
    assert _play("lake make")["assonance"] == 0
    assert _play("lake foot")["assonance"] == 0


def test_consonance_needs_other_vowels() -> None:
    """Both "blank" and "think" end on the same consonants after different vowels; "blank" and "tank" rhyme."""
    assert _play("blank think")["consonance"] == 1
    assert _play("blank tank")["consonance"] == 0


def test_soundplay_excluded_words() -> None:
    """Words in brackets and function words do not count."""
    assert _play("money (mountain) me my") == _play("money")
    assert _play("") == {"alliteration": 0.0, "assonance": 0.0, "consonance": 0.0, "alliterations": 0}


@given(st.lists(st.text(max_size=40), max_size=5))
def test_soundplay_shares_within_bounds(lines: list[str]) -> None:
    """All figures lie in [0, 1]."""
    figures = _play(*lines)
    assert all(0 <= figures[name] <= 1 for name in ("alliteration", "assonance", "consonance"))


@pytest.mark.parametrize("line", ["peter " * 100_000, "p" * 100_000, "🎤" * 1000])
def test_soundplay_hostile_lines(line: str) -> None:
    """A repeated token, a long token and a text without letters are measured without an error."""
    assert _play(line)["alliterations"] == 0
