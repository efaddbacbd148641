"""Candidates for the base of a word, and the word lists that are searched with them."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.words.forms import bases, is_clipped
from rapray.text.words.wordlists import groups, listed


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("rings", "ring"), ("boxes", "box"), ("cities", "city"), ("stopping", "stop"), ("riding", "ride"),
        ("ridin'", "ride"), ("hustlin", "hustle"), ("cried", "cry"), ("leaned", "lean"), ("mama's", "mama"),
        ("'em", "em"),
    ],
)  # fmt: skip
def test_bases_of_inflected_words(word: str, base: str) -> None:
    """Regular and clipped inflections give their base form."""
    assert base in bases(word)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("striped", "strip"), ("taped", "tap"), ("spices", "spic"), ("cabin", "cab"), ("glass", "glas"), ("bed", "b"),
        ("shoes", "sho"),
    ],
)  # fmt: skip
def test_bases_exclude_wrong_stems(word: str, wrong: str) -> None:
    """Bases that the spelling rules exclude are no candidates."""
    assert wrong not in bases(word)


def test_is_clipped_dictionary_words() -> None:
    """-in is -ing only where it makes no word of its own."""
    assert [word for word in ("runnin'", "hustlin", "cabin", "win", "satin") if is_clipped(word)] == [
        "runnin'",
        "hustlin",
    ]


@given(st.text(max_size=60))
def test_bases_start_with_word(text: str) -> None:
    """Any word is accepted; it comes first, and no candidate occurs twice."""
    candidates = bases(text)
    assert not text or candidates[0] == text
    assert len(set(candidates)) == len(candidates)


def test_listed_exact_entries() -> None:
    """The entry "=lean" does not match "leaned"; an entry without a mark matches all forms."""
    assert listed("explicit", "lean") == ("lean", ("drugs",))
    assert listed("explicit", "leaned") is None
    assert listed("explicit", "spices") is None
    assert listed("explicit", "pistols") == ("pistol", ("violence",))


@pytest.mark.parametrize("name", ["themes", "vernacular", "onomatopoeia", "explicit"])
def test_groups_are_well_formed(name: str) -> None:
    """Entries are lower case and without hyphen (tokens have none), and no group is empty."""
    assert all(groups(name).values())
    assert all(
        word == word.lower() and "-" not in word and "~" not in word
        for words in groups(name).values()
        for word in words
    )


def test_groups_encode_slurs() -> None:
    """Slurs are written in ROT13, so that the file can be opened and logged anywhere."""
    slurs = [word.removeprefix("=") for group in ("slurs", "reclaimed") for word in groups("explicit")[group]]
    assert len(slurs) > 25
    elsewhere = {
        word
        for group, words in groups("explicit").items()
        if group not in {"slurs", "reclaimed"}
        for word in words
    }
    assert elsewhere.isdisjoint(slurs)
    assert all(codecs.decode(codecs.encode(slur, "rot13"), "rot13") == slur for slur in slurs)
