"""Language of a lyric."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rapray.text.language import detect_language

_LINES = {
    "en": "I'm ridin' through the city with the windows down, tryna get it",
    "es": "Yo caminaba por la calle con mi gente, buscando el camino",
    "fr": "je marche dans la rue avec mes frères",
    "de": "ich laufe durch die Stadt und suche meine Brüder",
    "ru": "я иду по городу и ищу своих друзей",
    "he": "אני הולך ברחוב ומחפש את החברים שלי",
}


@pytest.mark.parametrize(("language", "line"), _LINES.items())
def test_detect_language_single_line(language: str, line: str) -> None:
    """One line is enough; headers in another language do not count."""
    assert detect_language(line) == language
    assert detect_language(f"[Produced by the English Header Company of London]\n{line}") == language


@pytest.mark.parametrize("text", ["", "yeah", "😀" * 500, "1234 " * 50, "\0", "na " * 60, "brr skrrt " * 10])
def test_detect_language_without_evidence(text: str) -> None:
    """Too few letters, or noise that fits all languages equally well, give None."""
    assert detect_language(text) is None


def test_detect_language_long_text() -> None:
    """A long text costs little, and the slices come from all parts of it."""
    assert detect_language((_LINES["fr"] + "\n") * 25_000) == "fr"
    assert detect_language(_LINES["es"].replace("\n", " ") * 15_000) == "es"


def test_detect_language_across_threads() -> None:
    """The model is loaded once and then only read."""
    lines = list(_LINES.values()) * 10
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(detect_language, lines)) == list(_LINES) * 10
