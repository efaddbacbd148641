"""Translation accounts against performers."""

from __future__ import annotations

import pytest

from rapray.sources.genius.accounts import is_translation_account


@pytest.mark.parametrize(
    "artist",
    [
        "Genius English Translations",
        "Genius Romanizations",
        "Genius Traducciones al Español",
        "Genius Brasil Traduções",
        "Genius Traductions Françaises",
        "Genius Deutsche Übersetzungen",
        "Genius Türkçe Çeviriler",
        "Polskie Tłumaczenia Genius",
        "Genius Russian Translations (Русские переводы)",
        "Genius Ελληνικές Μεταφράσεις",
        "Genius ترجمة عربية",
    ],
)
def test_translation_account_recognised(artist: str) -> None:
    """In whatever language it names itself."""
    assert is_translation_account(artist)


@pytest.mark.parametrize(
    "artist", ["Perfume Genius", "The Genius", "Genius", "Lost in Translation", "Ingenious Translations", ""]
)
def test_performer_account_not_translation(artist: str) -> None:
    """Both words are needed, as words."""
    assert not is_translation_account(artist)
