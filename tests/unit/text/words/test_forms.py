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
    """Regular inflections, clipped ones too, lead back."""
    assert base in bases(word)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("striped", "strip"), ("taped", "tap"), ("spices", "spic"), ("cabin", "cab"), ("glass", "glas"), ("bed", "b"),
        ("shoes", "sho"),
    ],
)  # fmt: skip
def test_bases_exclude_wrong_stems(word: str, wrong: str) -> None:
    """What spelling rules exclude is no candidate."""
    assert wrong not in bases(word)


def test_is_clipped_dictionary_words() -> None:
    """-in is -ing only where it makes no word of its own."""
    assert [word for word in ("runnin'", "hustlin", "cabin", "win", "satin") if is_clipped(word)] == [
        "runnin'",
        "hustlin",
    ]


@given(st.text(max_size=60))
def test_bases_start_with_word(text: str) -> None:
    """Nothing raises; the word comes first, no candidate twice."""
    found = bases(text)
    assert not text or found[0] == text
    assert len(set(found)) == len(found)


def test_listed_exact_entries() -> None:
    """The drink is "lean" and never "leaned"; an entry without a mark takes all forms."""
    assert listed("explicit", "lean") == ("lean", ("drugs",))
    assert listed("explicit", "leaned") is None
    assert listed("explicit", "spices") is None
    assert listed("explicit", "pistols") == ("pistol", ("violence",))


@pytest.mark.parametrize("name", ["themes", "vernacular", "onomatopoeia", "explicit"])
def test_groups_are_well_formed(name: str) -> None:
    """Lower case, no hyphen (tokens have none), no empty group."""
    assert all(groups(name).values())
    assert all(
        word == word.lower() and "-" not in word and "~" not in word
        for words in groups(name).values()
        for word in words
    )


def test_groups_encode_slurs() -> None:
    """Slurs stand there in ROT13: the file may be opened, and logged, anywhere."""
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
