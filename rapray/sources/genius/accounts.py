"""Tells accounts that publish translations and romanisations from performers.

Does not know the account's songs: the name alone decides, because every such account is named the same way.
"""

from __future__ import annotations

import re

from rapray.text.fold import folded

# "Genius English Translations", "Genius Traducciones al Español", "Genius Türkçe Çeviriler", "Polskie tłumaczenia
# Genius" …: the word Genius, and a word for translation in the account's language (stems, accents removed).
_STEMS = (
    "translation",
    "romaniz",
    "romanis",
    "romanliz",
    "traduc",
    "traduz",
    "ubersetz",
    "uebersetz",
    "vertaling",
    "oversaett",
    "oversætt",
    "oversett",
    "oversatt",
    "ceviri",
    "tlumacz",
    "tłumacz",
    "preklad",
    "prevod",
    "prijevod",
    "fordit",
    "kaann",
    "terjemah",
    "vertimai",
    "tolked",
    "перевод",
    "переклад",
    "превод",
    "μεταφρασ",
    "תרגומ",
    "תרגום",
    "ترجم",
    "अनुवाद",
    "翻訳",
    "翻译",
    "翻譯",
    "번역",
    "ban dich",
)
_WORD = re.compile(r"\w+")


def is_translation_account(artist: str) -> bool:
    """True for "Genius Romanizations"; False for "Perfume Genius" and for GZA, The Genius."""
    plain = folded(artist)
    return "genius" in _WORD.findall(plain) and any(stem in plain for stem in _PLAIN_STEMS)


_PLAIN_STEMS = tuple(folded(stem) for stem in _STEMS)
