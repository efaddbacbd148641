"""Cleaning: which lines go, which stay, and that a second pass changes nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rapray.errors import EmptyLyrics, LyricsTooLong
from rapray.text.cleaning.lyrics import checked_lyrics, clean_lyrics
from tests.support.growth import assert_linear

_JUNK = st.sampled_from(
    ["You might also like", "See Nova Live", "Get tickets as low as $57", "12Embed", "Embed", "3 Contributors",
     "12 ContributorsTranslationsEspañolMy Song Lyrics", "My Song Lyrics", "Translations", "Español", "[Verse 1]",
     "a bio of the song… Read More", "I run the block", "love you12Embed", "", "  ", "[Hook]5Embed", "1.2KEmbed",
     "See Nova LiveGet tickets as low as $1You might also like"]
)  # fmt: skip


def test_clean_invisible_characters_removed() -> None:
    """Zero-width and control characters go, odd blanks and line ends become plain, text is NFC."""
    raw = "\ufeffI\u200b run\u00a0the\u2005block\u205f\x00now \r\ncafe\u0301\rlast\u2028end\t"
    assert clean_lyrics(raw) == "I run the block now\ncafé\nlast\nend"


def test_clean_collapses_empty_lines() -> None:
    """Stanzas are split by exactly one empty line."""
    assert clean_lyrics("\n\n a \n \n\n\nb\nc\n\n") == "a\n\nb\nc"


def test_clean_removes_page_junk() -> None:
    """Header, advertising and embed counter of a stored page leave nothing behind."""
    raw = (
        "12 ContributorsTranslationsEspañolDeutschMy Song Lyrics\n[Verse 1]\nfirst line\nSee Nova Live\n"
        "Get tickets as low as $57\nYou might also like\nsecond line\n\n[Hook]\nlast line12Embed"
    )
    assert clean_lyrics(raw) == "[Verse 1]\nfirst line\nsecond line\n\n[Hook]\nlast line"


def test_clean_removes_spread_header() -> None:
    """Contributors, translations menu, title line and bio each on a line of its own are one header."""
    raw = (
        "2 Contributors\nTranslations\nEspañol\nBahasa Indonesia\nMy Song Lyrics\nThe second single,\n"
        "written in a night… Read More\n[Verse]\nfirst"
    )
    assert clean_lyrics(raw) == "[Verse]\nfirst"


@pytest.mark.parametrize(
    "lyric",
    [
        "You might also like my style",
        "I said you might also like\nSee me Live\nthat's it",
        "See Them Live\nI never could",
        "Get tickets as low as you can",
        "They embed\nI Embed",
        "I wrote these Lyrics\nfor you",
        "Contributors\n12 Contributors to the cause",
        "Translations\nof my heart are hard to read",
        "nobody reads… Read More\nbooks",
        "Read More\nread more",
    ],
)
def test_clean_preserves_sung_words(lyric: str) -> None:
    """A lyric may contain all words of page junk: lines are not cut, and a line must also stand where junk stands."""
    assert clean_lyrics(lyric) == lyric


def test_clean_removes_title_line() -> None:
    """A first line "<title> Lyrics" goes in upper or lower case if the title is passed; another title's line stays."""
    assert clean_lyrics("My Song Lyrics\nfirst", "my song") == "first"
    assert clean_lyrics("My Song Lyrics\nfirst", "Other") == "My Song Lyrics\nfirst"
    assert clean_lyrics("My Song Lyrics\n[Verse]\nfirst") == "[Verse]\nfirst"


@given(st.text())
@example("a\u0345\u0300" * 40)
def test_clean_text_is_idempotent(raw: str) -> None:
    """A second cleaning changes nothing, and PostgreSQL accepts the result."""
    once = clean_lyrics(raw)
    assert clean_lyrics(once) == once
    assert "\0" not in once
    assert once.encode("utf-8").decode("utf-8") == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.lists(_JUNK, max_size=14).map("\n".join), st.sampled_from([None, "My Song"]))
def test_clean_junk_is_idempotent(raw: str, title: str | None) -> None:
    """Removing junk never turns other lines into junk."""
    once = clean_lyrics(raw, title)
    assert clean_lyrics(once, title) == once


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [("", "a", ""), ("", "\n", ""), ("", "1Embed", ""), ("", "1Embed", "x"), ("", "2 Contributors\n", ""),
     ("", "x Lyrics\n", ""), ("", "See ", ""), ("a", "\u0315\u0300", ""), ("", "[", ""), ("", "\0", ""),
     ("", "\u200b", ""), ("", "😀", ""), ("", "שלום ", "")],
    ids=repr,
)  # fmt: skip
def test_clean_takes_linear_time(before: str, unit: str, after: str) -> None:
    """Cleaning a megabyte of repetitive text takes linear time and never makes the text longer."""
    size = 1_000_000 // len(unit)
    assert len(clean_lyrics(before + unit * size + after)) <= len(before + unit * size + after)
    assert_linear(lambda size: clean_lyrics(before + unit * size + after), size // 4)


def test_clean_preserves_hebrew_letters() -> None:
    """Direction marks go, letters and their order stay."""
    assert clean_lyrics("\u200fשלום\u200e עולם") == "שלום עולם"


@pytest.mark.parametrize(
    "raw", ["", " \n\t", "😀🔥", "\0\0", "\u200b", "[Verse 1]\n[Chorus]", "...", "\u200f!"]
)
def test_checked_lyrics_without_words(raw: str) -> None:
    """A text without a letter or digit to sing is refused."""
    with pytest.raises(EmptyLyrics):
        checked_lyrics(raw, 1000)


def test_checked_lyrics_too_long() -> None:
    """The limit counts characters after cleaning, and the message has both figures."""
    assert checked_lyrics("a" * 10 + "\u200b" * 50, 10) == "a" * 10
    with pytest.raises(LyricsTooLong, match=r"11 characters.*10"):
        checked_lyrics("a" * 11, 10)
