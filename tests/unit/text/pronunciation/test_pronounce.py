"""Sounds of words: dictionaries, derivation, numbers, rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.pronunciation.arpabet import CONSONANTS, VOWELS, from_misaki, is_vowel
from rapray.text.pronunciation.dictionary import look_up
from rapray.text.pronunciation.pronounce import pronounce
from rapray.text.pronunciation.slang import lexicon


def _said(word: str) -> str:
    pronunciation = pronounce(word)
    assert pronunciation is not None
    return " ".join(pronunciation.phones)


def _are_phones(phones: tuple[str, ...]) -> bool:
    return all(phone in CONSONANTS or (phone[:-1] in VOWELS and phone[-1] in "012") for phone in phones)


@pytest.mark.parametrize(
    ("code", "phones"),
    [
        ("ɹˈʌn", "R AH1 N"),
        ("bˈɜɹd", "B ER1 D"),
        ("lˈɛɾəɹ", "L EH1 T ER0"),
        ("fˈIəɹ", "F AY1 ER0"),
        ("hˈɜɹi", "HH ER1 IY0"),
        ("kəɹˈɪɹ", "K ER0 IH1 R"),
        ("ʤænjəwˌɛɹi", "JH AE0 N Y AH0 W EH1 R IY0"),
        ("bˈʌʔn", "B AH1 T AH0 N"),
        ("dˈɪdnt", "D IH1 D AH0 N T"),
        ("lˈɪɾᵊl", "L IH1 T AH0 L"),
        ("wʌz", "W AH1 Z"),
        ("ɡˌO", "G OW1"),
        ("əm", "AH0 M"),
        ("snˈO", "S N OW1"),
        ("ɹˈOzᵻz", "R OW1 Z IH0 Z"),
    ],
)
def test_from_misaki_symbols(code: str, phones: str) -> None:
    """Rhotics, flaps, glottal stops, syllabic consonants and stress marks come out as CMUdict writes them."""
    assert " ".join(from_misaki(code)) == phones


@pytest.mark.parametrize(
    ("word", "phones", "origin"),
    [
        ("run", "R AH1 N", "gold"),
        ("The", "DH AH0", "gold"),
        ("london", "L AH1 N D AH0 N", "gold"),
        ("getting", "G EH1 T IH0 NG", "silver"),
        ("ima", "AY1 M AH0", "slang"),
        ("runnin'", "R AH1 N IH0 N", "derived"),
        ("runnin’", "R AH1 N IH0 N", "derived"),
        ("hustlin", "HH AH1 S AH0 L IH0 N", "derived"),
        ("dogs", "D AO1 G Z", "derived"),
        ("rappaz", "R AE1 P AH0 Z", "derived"),
        ("brotha's", "B R AH1 DH AH0 Z", "derived"),
        ("brothers'", "B R AH1 DH ER0 Z", "derived"),
        ("soooo", "S OW1", "derived"),
        ("yeahhhh", "Y AE1", "derived"),
        ("mountaintops", "M AW1 N T AH0 N T AA2 P S", "derived"),
        ("y'all'd've", "Y AO1 L D AH0 V", "derived"),
        ("99", "N AY1 N D IY0 N AY1 N", "number"),
        ("1st", "F ER1 S T", "number"),
        ("80s", "EY1 T IY0 Z", "number"),
        ("2pac", "T UW1 P AE1 K", "number"),
        ("nwtr", "EH1 N D AH1 B AH0 L Y UW0 T IY1 AA1 R", "rules"),
        ("привет", "P R IH1 V EH0 T", "rules"),
    ],
)
def test_pronounce_phones_and_origin(word: str, phones: str, origin: str) -> None:
    """Every source of a pronunciation gives the phones a speaker would use, and its own name as origin."""
    pronunciation = pronounce(word)
    assert pronunciation is not None
    assert (" ".join(pronunciation.phones), pronunciation.origin) == (phones, origin)


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("zigzags", "Z"), ("skateparks", "S"), ("sandwiches'", "IH0 Z"), ("blunted", "IH0 D"), ("hotboxed", "T"),
        ("freestyled", "D"), ("grimiest", "IY0 IH0 S T"), ("grimily", "L IY0"), ("needn't", "AH0 N T"),
    ],
)  # fmt: skip
def test_pronounce_inflected_endings(word: str, ending: str) -> None:
    """-s is S, Z or IH0 Z, -ed is T, D or IH0 D; the stem's last sound decides, not its spelling."""
    assert _said(word).endswith(ending)


@pytest.mark.parametrize(
    ("digits", "said_like"),
    [
        ("1999", "nineteen ninety nine"), ("2005", "two thousand five"), ("1905", "nineteen o five"), ("808", "eight hundred eight"),
        ("1,000,000", "one million"), ("007", "zero zero seven"), ("21st", "twenty first"), ("100", "one hundred"),
        ("9mm", "nine mm"), ("٣", "three"),
    ],
)  # fmt: skip
def test_pronounce_numbers_as_words(digits: str, said_like: str) -> None:
    """Years, amounts, ordinals and digits of other scripts are read as people read them."""
    assert _said(digits) == " ".join(_said(word) for word in said_like.split())


@pytest.mark.parametrize("token", ["", "'", "...", "😀", "\0", "—"])
def test_pronounce_punctuation_is_none(token: str) -> None:
    """A token without a letter or digit has no pronunciation."""
    assert pronounce(token) is None


def test_pronounce_unsupported_script() -> None:
    """Scripts without rules get no phones: a guess would make everything rhyme with everything."""
    pronunciation = pronounce("日本")
    assert pronunciation is not None
    assert (pronunciation.phones, pronunciation.origin) == ((), "rules")


def test_pronounce_origin_of_derivations() -> None:
    """A compound of known words is derived; an invented word is sounded out by rules."""
    origins = [
        pronunciation.origin for word in ("skateparks", "blorptastic") if (pronunciation := pronounce(word))
    ]
    assert origins == ["derived", "rules"]


def test_dictionary_unstressed_articles() -> None:
    """The articles are unstressed, so that measures without AH0 leave them out."""
    assert look_up("a") == (("AH0",), "gold")
    assert look_up("the") == (("DH", "AH0"), "gold")


@given(st.text(max_size=90))
def test_pronounce_yields_arpabet_phones(text: str) -> None:
    """No input raises, and all phones are ARPAbet."""
    pronunciation = pronounce(text)
    assert pronunciation is None or _are_phones(pronunciation.phones)


@given(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=20).filter(
        lambda word: word.strip("'")
    )
)
def test_pronounce_latin_has_vowel(word: str) -> None:
    """A word in Latin letters has at least one vowel, so it has a syllable that can rhyme."""
    pronunciation = pronounce(word)
    assert pronunciation is not None
    assert any(map(is_vowel, pronunciation.phones))


def test_pronounce_endless_word() -> None:
    """Characters beyond the longest word are not pronounced."""
    pronunciation = pronounce("qwertyuiop" * 10_000)
    assert pronunciation is not None
    assert 0 < len(pronunciation.phones) < 200


def test_pronounce_across_threads() -> None:
    """Several threads may make the first look-up at once."""
    words = ["running", "butter", "tryna", "1999", "blorp"] * 20
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pronounce, words)) == [pronounce(word) for word in words]


@pytest.mark.parametrize(("word", "phones"), lexicon().items())
def test_slang_entries_can_rhyme(word: str, phones: tuple[str, ...]) -> None:
    """Every line of the lexicon is a lower-case word with known phones and at least one vowel."""
    assert word == word.lower()
    assert _are_phones(phones)
    assert any(map(is_vowel, phones))
    assert look_up(word) is None or look_up(word) != (phones, "gold"), (
        "the dictionary says the same: leave it out"
    )


def test_slang_lexicon_size() -> None:
    """The lexicon has at least 120 words that the dictionaries lack."""
    assert sum(look_up(word) is None for word in lexicon()) >= 120
