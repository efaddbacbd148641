"""Headers, voices and stanzas."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.sections import KINDS, is_header, split_sections, sung_lines
from tests.support.growth import assert_linear


def _only(header: str) -> Section:
    (section,) = split_sections(f"{header}\nsung")
    return section


@pytest.mark.parametrize(
    ("header", "kind", "number", "voices"),
    [
        ("[Verse 1]", "verse", 1, ()),
        ("[Verse 1: A & B]", "verse", 1, ("A", "B")),
        ("[Verse II: A, B and C feat. D]", "verse", 2, ("A", "B", "C", "D")),
        ("[Verse two]", "verse", 2, ()),
        ("[1st Verse]", "verse", 1, ()),
        ("[Verse 2 - Nas]", "verse", 2, ("Nas",)),
        ("[Verse 3, A]", "verse", 3, ("A",)),
        ("[Verse 3 Big Momma]", "verse", 3, ("Big Momma",)),
        ("[Verse 1: Tyler, The Creator]", "verse", 1, ("Tyler, The Creator",)),
        ("[Hook: Big X and Young E]", "chorus", None, ("Big X", "Young E")),
        ("[Chorus: A, (B), & C]", "chorus", None, ("A", "B", "C")),
        ("[Hook 2x]", "chorus", None, ()),
        ("[Chorus (x2)]", "chorus", None, ()),
        ("[Intro/Hook: A]", "intro", None, ("A",)),
        ("[Pre-Chorus]", "pre_chorus", None, ()),
        ("[Pré-refrain : A]", "pre_chorus", None, ("A",)),
        ("[Post-Chorus 2]", "post_chorus", 2, ()),
        ("[Bridge]", "bridge", None, ()),
        ("[Refrain]", "refrain", None, ()),
        ("[Skit: Announcer]", "skit", None, ("Announcer",)),
        ("[Beat Switch]", "break", None, ()),
        ("[Drop]", "drop", None, ()),
        ("[Interlude]", "interlude", None, ()),
        ("[Outro: A]", "outro", None, ("A",)),
        ("[Spoken Word: A]", "other", None, ("A",)),
        ("[Kendrick Sample]", "other", None, ("Kendrick Sample",)),
        ("[Coro: A]", "chorus", None, ("A",)),
        ("[Verso 1]", "verse", 1, ()),
        ("[Puente]", "bridge", None, ()),
        ("[Куплет 2: A]", "verse", 2, ("A",)),
        ("[Припев]", "chorus", None, ()),
        ("[Strophe 1]", "verse", 1, ()),
        ("[Couplet 1 : A]", "verse", 1, ("A",)),
        ("[Verse 1: A", "verse", 1, ("A",)),
        ("Verse 1]", "verse", 1, ()),
        ("(Hook) A", "chorus", None, ("A",)),
        ("Verse 2:", "verse", 2, ()),
    ],
)
def test_header_kind_and_voices(header: str, kind: str, number: int | None, voices: tuple[str, ...]) -> None:
    """Headers in every spelling that pages and files use, in several languages, closed or not."""
    assert is_header(header)
    assert _only(header) == Section(kind, number, header, voices, ("sung",))


@pytest.mark.parametrize(
    "line",
    [
        "[laughs]",
        "[Gunshots]",
        "[x2]",
        "[?]",
        "(break)",
        "(Hook) I know it's real",
        "I said: look",
        "sung",
        "",
        "[" * 300,
    ],
)
def test_is_header_other_lines(line: str) -> None:
    """Stage directions, ad-libs and sung lines are not headers."""
    assert not is_header(line)


def test_sections_skip_stage_directions() -> None:
    """[laughs] inside a verse is left out and the verse goes on."""
    (verse,) = split_sections("[Verse 1]\none\n[laughs]\ntwo\n[Nova]\nthree")
    assert (verse.kind, verse.lines) == ("verse", ("one", "two", "three"))


def test_sections_text_after_header() -> None:
    """The text after a header on the same line is its first line."""
    (hook,) = split_sections("[Hook] Put your hands up\nhigher")
    assert hook == Section("chorus", None, "[Hook]", (), ("Put your hands up", "higher"))


@pytest.mark.parametrize(
    "credit", ['[Letra de "La Calle"]', "[Paroles de “Rue”]", "[Produced by X]", "[Текст песни «Дом»]"]
)
def test_sections_exclude_credits(credit: str) -> None:
    """A credit counts as a header line but makes no section."""
    assert is_header(credit)
    assert [section.kind for section in split_sections(f"{credit}\n\n[Verso 1]\nuno")] == ["verse"]


def test_sections_without_headers() -> None:
    """Unlabelled stanzas are sections of their own; under a header an empty line does not split."""
    assert [(s.kind, s.label, s.lines) for s in split_sections("a\nb\n\nc\n\n[Verse]\nd\n\ne")] == [
        ("unlabelled", "", ("a", "b")),
        ("unlabelled", "", ("c",)),
        ("verse", "[Verse]", ("d", "e")),
    ]


def test_sections_without_sung_lines() -> None:
    """A header without lines makes no section."""
    assert [s.label for s in split_sections("[Intro]\n\n[Verse]\na\n\n[Chorus]")] == ["[Verse]"]


def test_sung_lines_in_order() -> None:
    """Headers and empty lines are not sung lines."""
    assert sung_lines(split_sections("[Verse]\na\nb\n\n[Hook]\nc")) == ["a", "b", "c"]


@given(st.text(alphabet="ab [](:\n)Verse1&", max_size=120))
def test_sections_are_well_formed(text: str) -> None:
    """For any text, kinds are valid, sections are not empty, and all lines are lines of the text."""
    lyrics = clean_lyrics(text)
    for section in split_sections(lyrics):
        assert section.kind in KINDS
        assert section.lines
        assert all(line.strip() and line in lyrics for line in section.lines)


@pytest.mark.parametrize(
    ("before", "unit", "size"),
    [
        ("", "a", 100_000),
        ("", "[", 100_000),
        ("", "[Verse 1]\n", 20_000),
        ("", "\n", 100_000),
        ("[Verse 1", " ", 100_000),
    ],
)
def test_sections_take_linear_time(before: str, unit: str, size: int) -> None:
    """Splitting very long lines or very many headers takes linear time and gives no empty section."""
    assert all(section.lines for section in split_sections(before + unit * size))
    assert_linear(lambda size: split_sections(before + unit * size), size)


def test_header_repeated_words_fast() -> None:
    """The word `part` is in two lists: each occurrence doubled the time, and 20 of them blocked a server."""
    [section] = split_sections(f"[Verse {'part ' * 40}!]\nhello there my friend")
    assert section.lines
    [section] = split_sections("[Verse part 2, continued]\nhello there my friend")
    assert section.kind == "verse"
