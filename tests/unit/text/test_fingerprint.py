"""The content hash and the text that it is computed from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.fingerprint import content_hash, normalized

_LYRIC = "[Verse 1: A]\nDon’t stop, runnin’ — go!\n\n[Hook]\n(Yeah) 99 problems"


@pytest.mark.parametrize(
    "other",
    [
        "don't stop runnin' go\nyeah 99 problems",
        "[Strofa 2]\nDONT STOP... RUNNIN GO [laughs]\n(yeah) ９９ problems".replace(
            " [laughs]", "\n[laughs]"
        ),
        'Don`t stop, "runnin\'" go!\r\n\r\n\r\nYeah!? 99   problems',
    ],
)
def test_content_hash_ignores_formatting(other: str) -> None:
    """Case, punctuation, quotes, line breaks, width and headers make no difference."""
    assert content_hash(other) == content_hash(_LYRIC)


@pytest.mark.parametrize(
    "other", ["stop runnin go yeah 99 problems", "go dont stop runnin yeah 99 problems", "", "dont stop"]
)
def test_content_hash_distinguishes_words(other: str) -> None:
    """An added, removed or moved word changes the hash."""
    assert content_hash(other) != content_hash(_LYRIC)


def test_content_hash_is_stable() -> None:
    """The hash is stored. If it changes, every stored result becomes due, so a change must be intended."""
    assert normalized(_LYRIC) == "dont stop runnin go yeah 99 problems"
    assert content_hash(_LYRIC) == "9a5d91b0e59d9d5f5c6236f75f3444ff"


@given(st.text())
def test_normalized_text_is_idempotent(text: str) -> None:
    """Cleaning first changes nothing, nor does normalising twice; the hash has 32 hex digits."""
    lyrics = clean_lyrics(text)
    words = normalized(lyrics)
    assert normalized(words) == words
    assert re.fullmatch(r"[0-9a-f]{32}", content_hash(lyrics))


@pytest.mark.parametrize(
    ("text", "is_empty"),
    [("", True), ("😀", True), ("[Verse 1]", True), ("a", False), ("שלום", False), ("नमस्ते", False)],
)
def test_normalized_empty_without_words(text: str, is_empty: bool) -> None:
    """Letters of every script count."""
    assert (normalized(text) == "") is is_empty
