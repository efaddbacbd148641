"""Division of words into syllables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.pronunciation.arpabet import CONSONANTS, VOWELS, is_vowel
from rapray.text.pronunciation.syllables import Syllable, count, syllabify, syllables


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("fire", 2), ("rhythm", 2), ("button", 2), ("strengths", 1), ("every", 2), ("didn't", 2), ("mcs", 2), ("99", 3),
        ("university", 5), ("hmm", 1), ("skrrt", 1), ("the", 1), ("日本", 0), ("...", 0), ("", 0),
    ],
)  # fmt: skip
def test_count_spoken_syllables(word: str, expected: int) -> None:
    """Syllabic consonants count, letters do not."""
    assert count(word) == expected


def test_syllables_longest_onset() -> None:
    """ex-tra, not ext-ra; run-ning keeps its ng in the coda."""
    assert syllables("extra") == (Syllable((), "EH", 1, ("K",)), Syllable(("S", "T", "R"), "AH", 0, ()))
    assert syllables("singer") == (Syllable(("S",), "IH", 1, ("NG",)), Syllable((), "ER", 0, ()))


_PHONES = st.sampled_from(sorted(CONSONANTS) + [vowel + digit for vowel in sorted(VOWELS) for digit in "012"])


@given(st.lists(_PHONES, max_size=25).map(tuple))
def test_syllabify_preserves_all_phones(phones: tuple[str, ...]) -> None:
    """The joined syllables are the phones again; phones without a vowel have no syllables."""
    parts = syllabify(phones)
    assert len(parts) == sum(map(is_vowel, phones))
    if parts:
        joined = [
            phone for part in parts for phone in (*part.onset, f"{part.nucleus}{part.stress}", *part.coda)
        ]
        assert tuple(joined) == phones
