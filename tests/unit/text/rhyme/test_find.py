"""Rhymes and their places, on verses whose rhymes anyone hears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.rhyme import Chain, RhymeMap, find_rhymes
from rapray.text.tokens import spans
from tests.support.growth import assert_linear


def _section(*lines: str) -> Section:
    return Section("verse", 1, "[Verse 1]", (), lines)


def _find(*lines: str) -> RhymeMap:
    return find_rhymes([_section(*lines)])


def _texts(rhyme_map: RhymeMap, *lines: str) -> list[set[str]]:
    """Return the marked text of each chain."""
    return [
        {lines[member.line][member.start : member.end].lower() for member in chain.members}
        for chain in rhyme_map.chains
    ]


def _chain_with(rhyme_map: RhymeMap, word: str, *lines: str) -> Chain:
    return next(
        chain
        for chain, texts in zip(rhyme_map.chains, _texts(rhyme_map, *lines), strict=True)
        if any(word in text.split() for text in texts)
    )


COUPLETS = (
    "I was walking down the road with a pocket full of light",
    "Never met a man who could tell me wrong from right",
    "My mother had a garden and she kept it by the door",
    "She planted it in April when she came back from the store",
)


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        (COUPLETS, "AABB"),
        ((COUPLETS[0], COUPLETS[2], COUPLETS[1], COUPLETS[3]), "ABAB"),
        ((COUPLETS[0], COUPLETS[2], COUPLETS[3], COUPLETS[1]), "ABBA"),
        (("The winter came", COUPLETS[0], "We had no bread", COUPLETS[1]), "XAXA"),
        (("I run the city (yeah)", "(uh, uh)", "And it's looking pretty (woo)"), "A-A"),
        (("Give me the money", "Pass me the bottle", "Show me the money"), "AXA"),
        (("", "🎤🎤"), "--"),
        ((), ""),
    ],
)
def test_rhyme_scheme_letters(lines: tuple[str, ...], scheme: str) -> None:
    """Couplets, alternate, enclosed and ballad schemes; ad-libs are no lines, and a repeated word keeps its letter."""
    assert _find(*lines).schemes == (scheme,)


def test_find_rhymes_couplet_places() -> None:
    """Word index, characters and syllables point at "light" and "right"."""
    first = _find(*COUPLETS).chains[0]
    assert (first.label, first.kind, first.grade, first.syllables) == ("A", "end", "perfect", 1)
    assert [(member.line, COUPLETS[member.line][member.start : member.end]) for member in first.members] == [
        (0, "light"),
        (1, "right"),
    ]
    assert all(member.first_word == len(spans(COUPLETS[member.line])) - 1 for member in first.members)


@pytest.mark.parametrize(
    ("first", "second", "grade"),
    [
        ("it was late at night", "we were looking for a light", "perfect"),
        ("he was out for fame", "standing in the rain", "family"),
        ("say it to my face", "walking in the shade", "assonant"),
        ("they will call it art", "look into the yard", "family"),
        ("he gave it all his time", "the hunter on the stile", "assonant"),
    ],
)
def test_find_rhymes_consonant_grades(first: str, second: str, grade: str) -> None:
    """Equal sounds are perfect, consonants of a family are family, matching vowels only are assonant."""
    chains = _find(first, second).chains
    assert [chain.grade for chain in chains if chain.kind == "end"] == [grade]


def test_find_rhymes_across_words() -> None:
    """Words "sodium light" and "custodian's bike" rhyme over four syllables and two words."""
    lines = (
        "I counted all the minutes",
        "in a house without a kitchen",
        "under sodium light",
        "on a custodian's bike",
    )
    rhyme_map = _find(*lines)
    chain = _chain_with(rhyme_map, "light", *lines)
    assert chain.syllables == 4
    assert _texts(rhyme_map, *lines)[rhyme_map.chains.index(chain)] == {"sodium light", "custodian's bike"}
    assert chain.members[0].last_word - chain.members[0].first_word == 1


def test_find_rhymes_before_refrain() -> None:
    """Words "pay up" and "wake up" rhyme on pay and wake; the shared word belongs to the place."""
    lines = ("Knock knock, pay up", "Whole crew, wake up")
    rhyme_map = _find(*lines)
    assert _texts(rhyme_map, *lines)[0] == {"pay up", "wake up"}


def test_find_rhymes_inside_lines() -> None:
    """Words "stables" and "tables" inside, with an end rhyme beside them that stays its own chain."""
    lines = (
        "Turning all the tables in the stables of the king",
        "Now listen to the people when they open up and sing",
    )
    rhyme_map = _find(*lines)
    chain = _chain_with(rhyme_map, "stables", *lines)
    assert (chain.kind, {member.kind for member in chain.members}) == ("internal", {"internal"})
    assert _texts(rhyme_map, *lines)[rhyme_map.chains.index(chain)] == {"tables", "stables"}


def test_find_rhymes_function_words() -> None:
    """the, a, of, to, you, do: said everywhere, heard nowhere."""
    assert _find("you do the two of us to a love of you and to the who").chains == ()
    assert not any(member.kind == "internal" for chain in _find(*COUPLETS).chains for member in chain.members)


def test_find_rhymes_repeated_word() -> None:
    """A word does not rhyme with itself, its plural or its form without the g."""
    assert (
        _find("money money money", "all of the money", "runnin' and running", "we are running").chains == ()
    )


def test_find_rhymes_unstressed_endings() -> None:
    """Words "walking" and "printing" share -ing only."""
    assert _find("I was walking", "they were printing").chains == ()


def test_find_rhymes_section_boundaries() -> None:
    """Lines of different sections do not rhyme."""
    assert find_rhymes([_section(COUPLETS[0]), _section(COUPLETS[1])]).chains == ()


def test_find_rhymes_skips_adlibs() -> None:
    """Words in brackets are not marked, but they count in word indices."""
    lines = ("(light) I saw the light (night)", "(right) it came to me at night")
    rhyme_map = _find(*lines)
    assert [(member.first_word, member.last_word) for member in rhyme_map.chains[0].members] == [
        (4, 4),
        (6, 6),
    ]


LINES = st.lists(
    st.lists(
        st.sampled_from(
            (
                "light",
                "night",
                "the",
                "of",
                "running",
                "coming",
                "soul",
                "bowl",
                "station",
                "nation",
                "(yeah)",
                "🎤",
                "día",
                "мир",
                "99",
            )
        ),
        max_size=9,
    ).map(" ".join),
    max_size=12,
)


@given(LINES)
def test_find_rhymes_valid_places(lines: list[str]) -> None:
    """Places lie inside their lines at word borders, no word is in two, labels are unique, shares in [0, 1]."""
    rhyme_map = _find(*lines)
    taken: set[tuple[int, int]] = set()
    for chain in rhyme_map.chains:
        assert len(chain.members) > 1
        for member in chain.members:
            words = spans(lines[member.line])
            assert (words[member.first_word].start, words[member.last_word].end) == (member.start, member.end)
            places = {(member.line, word) for word in range(member.first_word, member.last_word + 1)}
            assert not places & taken
            taken |= places
    assert len({chain.label for chain in rhyme_map.chains}) == len(rhyme_map.chains)
    assert 0 <= rhyme_map.rhyming_share <= 1
    assert [len(scheme) for scheme in rhyme_map.schemes] == [len(lines)]


@given(st.lists(st.text(max_size=80), max_size=6))
def test_find_rhymes_arbitrary_characters(lines: list[str]) -> None:
    """Any string is accepted as a line."""
    assert 0 <= _find(*lines).rhyming_share <= 1


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("word ", 20_000),
        ("x", 100_000),
        ("lame fame ", 10_000),
        ("running the city with pretty committee\n", 4_000),
        ("(", 100_000),
        ("שיר ערב ", 5_000),
    ],
    ids=["repeated", "one token", "two in turn", "many lines", "open brackets", "right to left"],
)
def test_find_rhymes_linear_time(unit: str, size: int) -> None:
    """Texts of a hundred thousand characters take linear time."""
    assert_linear(lambda size: _find(*(unit * size).splitlines()), size)
