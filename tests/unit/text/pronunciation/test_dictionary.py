"""How many words of real songs the dictionaries cover."""

from __future__ import annotations

from pathlib import Path

import pytest

import rapray
from rapray.text.language import detect_language
from rapray.text.pronunciation.pronounce import pronounce
from rapray.text.sections import split_sections, sung_lines
from rapray.text.tokens import words

_SONGS = sorted((Path(rapray.__file__).parent / "samples" / "songs").rglob("*.md"))


@pytest.mark.skipif(not _SONGS, reason="the sample corpus is not there")
def test_dictionary_covers_rap_words() -> None:
    """Dictionaries and normalisation, without rules, cover the English songs of the sample corpus."""
    tokens = [word for path in _SONGS for word in _english_words(path.read_text(encoding="utf-8"))]
    covered = sum(_is_covered(token) for token in tokens)
    assert len(tokens) > 5_000
    assert covered / len(tokens) >= 0.97


def _is_covered(word: str) -> bool:
    pronunciation = pronounce(word)
    return pronunciation is not None and pronunciation.origin != "rules"


def _english_words(document: str) -> list[str]:
    lyrics = document.split("---\n", 2)[-1]
    if detect_language(lyrics) != "en":
        return []
    return [word for line in sung_lines(split_sections(lyrics)) for word in words(line)]
