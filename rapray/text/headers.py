"""Section headers: kind, number and voices, in the languages that lyric pages use.

Functions take the text between the brackets. To add a word of another language, add it to `_WORDS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = (
    "verse",
    "chorus",
    "pre_chorus",
    "post_chorus",
    "bridge",
    "intro",
    "outro",
    "interlude",
    "refrain",
    "skit",
    "break",
    "drop",
    "other",
    "unlabelled",
)

# A hook is a chorus. "Refrain" is a kind of its own, because English uses both words in one song.
_WORDS = {
    "verse": "verse|vers|verso|versos|couplet|strophe|strofa|estrofa|zwrotka|part|parte|kıta|куплет|вірш",
    "chorus": "chorus|hook|coro|estribillo|refrão|refrao|ritornello|refren|nakarat|припев|приспів|kertosäe|omkväd",
    "refrain": "refrain|рефрен|riff",
    "bridge": "bridge|puente|ponte|pont|brücke|most|köprü|бридж|міст",
    "intro": "intro|introduction|introducción|introdução|introduzione|einleitung|интро|інтро|вступление|giriş",
    "outro": "outro|coda|ending|outró|аутро|концовка|çıkış|final",
    "interlude": "interlude|interludio|interlúdio|intermezzo|zwischenspiel|интерлюдия|instrumental|instrumental break|"
    "instrumental bridge|instrumental outro|instrumental intro|guitar solo|solo",
    "skit": "skit|scenette|сценка",
    "break": "break|breakdown|beat switch|beat change|beat break",
    "drop": "drop|beat drop|дроп",
    "other": "spoken|spoken word|spoken intro|spoken outro|dialogue|dialog|monologue|sample|segue|speech|freestyle|"
    "ad-libs|adlibs|scratch|scratches|build|buildup|build-up|vamp|movement",
}
_PREFIXED = {
    "pre_chorus": r"(?:pre|pré|prae|przed|пред|пере|перед)[- ]?",
    "post_chorus": r"(?:post|pós|nach|после|пост)[- ]?",
}
_KIND_OF = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}
_CHORUS_WORDS = "|".join(re.escape(word) for word in (*_WORDS["chorus"].split("|"), "refrain", "coro"))
_ALTERNATIVES = "|".join(re.escape(word) for word in sorted(_KIND_OF, key=len, reverse=True))
_NUMBER = r"(?P<number>\d{1,2}|[ivx]{1,4}|one|two|three|four|five|six|seven|eight)"
_HEAD = re.compile(
    rf"(?:(?P<ordinal>\d{{1,2}})(?:st|nd|rd|th|º|ª|er|[èe]me|\.)?\s+)?"
    rf"(?:(?P<pre>{_PREFIXED['pre_chorus']}(?:{_CHORUS_WORDS}))|(?P<post>{_PREFIXED['post_chorus']}(?:{_CHORUS_WORDS}))"
    rf"|(?P<word>{_ALTERNATIVES}))(?!\w)(?:\s*[#№nº.]*\s*{_NUMBER}(?!\w))?(?P<rest>.*)"
)
# Possessive, so that no match is tried a second way: "part" is in both lists, and each occurrence would double the time
# of a header that does not match in the end.
_REST = re.compile(
    r"(?:\s|[-–—/+&,.()x×]|\d|\b(?:"
    + _ALTERNATIVES
    + r")\b|repeated|repeat|part|pt|only|continued|cont|and)*+"
)
_DELIMITER = re.compile(r"\s*:\s*|,\s+|\s+[-–—|]\s+|\s+(?:by|performed by)\s+")
_VOICE_SEPARATOR = re.compile(
    r"\s*(?:[,;/&+]|\s(?:(?i:and|feat\.?|ft\.?|featuring|with|w/|vs\.?)|x|y|e|et|und|и)\s)\s*"  # "Big X" is a name
)
_WHOLE_NAMES = {"Tyler, The Creator": "Tyler\0 The Creator", "Earth, Wind & Fire": "Earth\0 Wind \1 Fire"}
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}
_NAMED = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}

_CREDIT = re.compile(
    r"(?:letra (?:de|da|do|y)|letra completa|paroles (?:de|du)|testo (?:di|e)|songtext (?:zu|von)|songtekst|"
    r"tekst (?:piosenki|pesme|utworu)|текст песни|текст пісні|lyrics (?:by|for|from|to)|lyrics$|produced by|prod\.? |"
    r"producido por|produit par|written by|directed by|video by|mixed by|recorded at|translation|traducción|"
    r"traduction|tradução|перевод)|.*(?:şarkı sözleri|歌詞|가사|歌词)\W*$",
    re.IGNORECASE,
)
_STAGE_WORDS = (
    "laugh laughs laughing laughter chuckles giggles gunshot gunshots gunfire gun shot shots cough coughs coughing "
    "sigh sighs inhale inhales exhale exhales scratching applause cheering cheers crowd whistle whistles whistling "
    "phone rings ringing ring dial tone beep beeps bleep static siren sirens silence pause inaudible unintelligible "
    "censored muffled screams screaming scream crying cries sobbing clears throat music beat plays fades fade out "
    "humming hums beatboxing beatbox door knock knocking footsteps glass breaks car starts engine horn horns "
    "explosion thunder rain wind vocalizing vocalization ad lib ad-lib adlib sniff sniffs kiss kisses claps "
    "clapping"
)
_DIRECTIONS = frozenset(_STAGE_WORDS.split())


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header; `label` is the line as printed."""

    kind: str
    number: int | None = None
    label: str = ""
    voices: tuple[str, ...] = ()


def parse_header(text: str, label: str) -> Header | None:
    """Parse the text inside the brackets; None if it does not name a kind of section."""
    head, _, voiced = _split_once(text)
    match = _HEAD.fullmatch(head.casefold().strip())
    if match is None:
        return None
    if not _REST.fullmatch(match["rest"]):
        unparted = head.strip()[match.start("rest") :].strip()  # "Hook Nas"
        if voiced or not unparted[:1].isupper():
            return None
        voiced = unparted
    kind = "pre_chorus" if match["pre"] else "post_chorus" if match["post"] else _KIND_OF[match["word"]]
    return Header(kind, _number(match["number"] or match["ordinal"]), label, voices_of(voiced))


def is_credit(text: str) -> bool:
    """Return True for a line that names the song or its makers instead of a section: Letra de "…", Produced by …."""
    return _CREDIT.match(text) is not None


def is_stage_direction(text: str) -> bool:
    """Return True for a sound or a repetition mark between brackets: laughs, x2, ?.

    Other text in lower case counts too, unless it names a kind of section: pages do not write such headers.
    """
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text.casefold())
    if not words or words == ["x"] or all(word in _DIRECTIONS for word in words):
        return True
    return text[0].islower() and parse_header(text, text) is None


def voices_of(text: str) -> tuple[str, ...]:
    """Return the performers that a header names, each once, in order: "A, B & (C)" gives A, B, C."""
    for name, masked in _WHOLE_NAMES.items():
        text = text.replace(name, masked)
    parts = (re.sub(r"[()\[\]]", " ", part) for part in _VOICE_SEPARATOR.split(text))
    named = (" ".join(part.split()).strip(' .:*"“”') for part in parts)
    unmasked = (part.replace("\0", ",").replace("\1", "&") for part in named)
    return tuple(dict.fromkeys(part for part in unmasked if part and not _names_a_kind(part)))


def _names_a_kind(text: str) -> bool:
    match = _HEAD.fullmatch(text.casefold())
    return match is not None and _REST.fullmatch(match["rest"]) is not None


def _split_once(text: str) -> tuple[str, str, str]:
    delimiter = _DELIMITER.search(text)
    if delimiter is None:
        return text, "", ""
    return text[: delimiter.start()], delimiter.group(), text[delimiter.end() :]


def _number(text: str | None) -> int | None:
    if not text:
        return None
    return int(text) if text.isdecimal() else _ROMAN.get(text) or _NAMED.get(text)
