"""Rhyme density by hand, against a slow version of the definition, and its control.

Vowels used below: crazy, lady "eii"; go, slow, flow "ou"; my "ai"; name, fame "ei"; cat, hat "a"; book, good "U"; the "".
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.pronunciation.sounds import malmi_vowels
from rapray.text.reading import read
from rapray.text.rhyme.rhyme_density import LOOKBACK, lift_of, song_words_of
from tests.support.growth import assert_linear

WORDS = "crazy lady go slow flow my name fame the a cat hat book good running coming dynamite anatomy of"


def _lift(*lines: str) -> tuple[float, float, float]:
    """Density, density of the shuffled words, and their ratio, of a song of these lines."""
    return lift_of(song_words_of(read([Section("verse", None, "", (), lines)])))


def _density(*lines: str) -> float:
    return _lift(*lines)[0]


@pytest.mark.parametrize(
    ("word", "vowels"),
    [
        ("crazy", "eii"),
        ("go", "ou"),
        ("my", "ai"),
        ("now", "au"),
        ("boy", "oi"),
        ("bird", "3"),
        ("love", "V"),
        ("the", ""),
        ("food", "u"),
        ("book", "U"),
        ("hot", "A"),
        ("bed", "e"),
    ],
)
def test_malmi_vowels_common_words(word: str, vowels: str) -> None:
    """Diphthongs give two vowels, an unstressed "uh" none."""
    assert malmi_vowels(word) == vowels


def test_rhyme_density_three_vowels() -> None:
    """Word lady shares e-i-i with crazy: (0 + 3) / 2."""
    assert _density("Crazy lady") == 1.5


def test_rhyme_density_vowelless_words() -> None:
    """The "the" in between neither rhymes nor counts."""
    assert _density("Crazy the lady") == 1.5


def test_rhyme_density_single_vowel() -> None:
    """The words cat and hat share one vowel, which counts as chance."""
    assert _density("cat hat") == 0.0


def test_rhyme_density_without_overlap() -> None:
    """slow: 2 with go. flow: 2 with slow, since o-u-o-u would overlap; (0 + 2 + 2) / 3."""
    assert _density("go slow flow") == pytest.approx(4 / 3)


def test_rhyme_density_identical_word() -> None:
    """fame-name is 2 and stops at my-my; my-my is 0; (0 + 0 + 0 + 2) / 4."""
    assert _density("my name my fame") == 0.5


def test_rhyme_density_spans_words() -> None:
    """Phrases "lady go" and "crazy flow" share e-i-i-o-u: flow has 5, crazy 3; (0 + 0 + 3 + 5) / 4."""
    assert _density("lady go crazy flow") == 2.0


@pytest.mark.parametrize(("between", "length"), [(LOOKBACK - 1, 3), (LOOKBACK, 0)])
def test_rhyme_density_lookback(between: int, length: int) -> None:
    """The fifteenth word before counts, the sixteenth does not."""
    words = ["crazy", *["book"] * between, "lady"]
    assert lift_of(words)[0] == length / len(words)


def test_rhyme_density_excluded_lines() -> None:
    """A repeated hook counts once; lines in brackets do not count."""
    once = _density("my name my fame")
    assert _density("my name my fame", "(crazy lady)", "[crazy lady]", "my name my fame ") == once


@given(st.lists(st.sampled_from(WORDS.split()), max_size=60))
def test_rhyme_density_matches_definition(words: list[str]) -> None:
    """The array operations give the result of two plain loops."""
    voiced = [(word, malmi_vowels(word)) for word in words if malmi_vowels(word)]
    lengths = [_slow_length(voiced, place) for place in range(len(voiced))]
    assert lift_of(words)[0] == (sum(lengths) / len(lengths) if lengths else 0)


def _slow_length(voiced: list[tuple[str, str]], place: int) -> int:
    vowels = [(vowel, word) for word, sound in voiced for vowel in sound]
    ends = [sum(len(sound) for _, sound in voiced[: at + 1]) - 1 for at in range(len(voiced))]
    best = 0
    for earlier in range(max(0, place - LOOKBACK), place):
        length = 0
        while (
            ends[earlier] - length >= 0
            and ends[place] - length > ends[earlier]
            and vowels[ends[earlier] - length][0] == vowels[ends[place] - length][0]
            and vowels[ends[earlier] - length][1] != vowels[ends[place] - length][1]
        ):
            length += 1
        best = max(best, length)
    return 0 if best == 1 else best


def test_lift_is_deterministic() -> None:
    """The shuffles depend only on the words and the seed."""
    song = WORDS.split()
    assert lift_of(song) == lift_of(song)
    assert lift_of(song, seed=1)[1] != lift_of(song, seed=2)[1]


def test_lift_rhymes_beat_shuffles() -> None:
    """Shuffling lowers the density of couplets with long rhymes."""
    pairs = [
        "crazy book lady",
        "dynamite hot dynasty",
        "running good coming",
        "slow hat flow",
        "name bird fame",
    ]
    density, shuffled, ratio = _lift(*pairs)
    assert density > shuffled
    assert ratio == density / shuffled


@pytest.mark.parametrize("lines", [[], [""], ["(crazy lady)"], ["🎤🔥"]])
def test_lift_empty_text(lines: list[str]) -> None:
    """Texts without words or rhymes give zeros."""
    assert _lift(*lines) == (0.0, 0.0, 0.0)


def test_rhyme_density_linear_time() -> None:
    """Two alternating words, the worst case, still take linear time: no rhyme is longer than fifteen words."""
    assert_linear(lambda size: _density("la pa " * size), 40_000)
