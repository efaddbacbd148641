"""Decides how the reading of one song page ended.

Does not read pages: it sees what the page says of its song and the cleaned text.
"""

from __future__ import annotations

import re

from rapray.domain import Outcome
from rapray.sources.genius.accounts import is_translation_account
from rapray.sources.genius.song import Song

# A hundred times a long rap (821 words at the 95th percentile, some 4 kB): what is longer is a book or a fault.
MAX_LYRICS_CHARS = 300_000

_BRACKETED = r"[\(\[][^)\]]*\b(?:{})\b[^)\]]*[\)\]]"
# Named so by the site even where it files the page under music.
_NEVER_A_SONG = re.compile(
    _BRACKETED.format(
        r"track\s?list(?:ing)?|liner notes|album art(?:work)?|album credits|booklet|set\s?list"
    ),
    re.I,
)
# Songs carry these in brackets too ("Outro (Interview)"), so they count only where the page does not say "music".
_SELDOM_A_SONG = re.compile(
    _BRACKETED.format(r"interview|article|credits|essay|speech|transcript|review"), re.I
)
_BRACKETS = re.compile(r"\[[^\[\]]*\]|[()]")
_INSTRUMENTAL = re.compile(r"[\W_]*(?:this song is an? )?instrumental[\W_]*", re.I)
# The whole text, on one line: a lyric may contain the words.
_PLACEHOLDER_LINE = re.compile(
    r"(?:the )?lyrics for this song have yet to be (?:released|transcribed)\b.{0,100}", re.I
)

_REASONS = (
    (Outcome.UNRELEASED, re.compile(r"unreleased|not[ _-](?:been )?released|yet to be released", re.I)),
    (Outcome.INSTRUMENTAL, re.compile(r"instrumental", re.I)),
    (
        Outcome.INCOMPLETE,
        re.compile(
            r"incomplete|untranscribed|unavailable|missing|in[ _-]progress|yet to be transcribed", re.I
        ),
    ),
    (Outcome.IMAGE_ONLY, re.compile(r"\bimage", re.I)),
)
_CHALLENGE = re.compile(
    r"captcha|cf-chl|challenge-platform|challenge-form|cf-turnstile|just a moment\.\.\.|attention required!"
    r"|are you a (?:human|robot)|unusual traffic|verify (?:that )?you are (?:a )?human|access denied",
    re.I,
)
_CHALLENGE_PATH = re.compile(r"^https?://[^/?#]+/(?:[^?#]*/)?(?:captcha|challenge|cdn-cgi)(?:[/?#.]|$)", re.I)


def decide(song: Song, lyrics: str | None, has_image: bool, placeholder: str) -> tuple[Outcome, str]:
    """The outcome and a sentence that says what it rests on.

    Args:
        song: What the page says of the song.
        lyrics: The cleaned text; None where the page has no place for lyrics.
        has_image: A picture stands where the lyrics should.
        placeholder: What the page prints in their place.
    """
    return (
        _of_the_kind(song)
        or _of_the_state(song)
        or _of_the_text(lyrics or "", has_image)
        or _of_the_placeholder(song.placeholder or placeholder)
        or (Outcome.UNPARSABLE, "no lyrics container" if lyrics is None else "the lyrics container is empty")
    )


def is_challenge(html: str, url: str | None) -> bool:
    """True for a page that asks for a human; ask only of a page that is not a song, for a lyric may say anything."""
    return bool(_CHALLENGE.search(html[:200_000]) or (url and _CHALLENGE_PATH.search(url)))


def is_blank(lyrics: str) -> bool:
    """True where nothing is sung: no letter or digit outside of headers in brackets."""
    return not any(character.isalnum() for character in _BRACKETS.sub("", lyrics))


def _of_the_kind(song: Song) -> tuple[Outcome, str] | None:
    if song.artist and is_translation_account(song.artist):
        return Outcome.TRANSLATION, f"published by {song.artist}"
    if song.is_music is False:
        return Outcome.NOT_A_SONG, "the page says that it is not music"
    tag = next((tag for tag in song.tags if tag.lower().replace("-", " ") == "non music"), None)
    if tag:
        return Outcome.NOT_A_SONG, f"tagged {tag}"
    title = song.title or ""
    if _NEVER_A_SONG.search(title) or (song.is_music is None and _SELDOM_A_SONG.search(title)):
        return Outcome.NOT_A_SONG, f"titled {title!r}"
    return None


def _of_the_state(song: Song) -> tuple[Outcome, str] | None:
    """An incomplete transcription counts as such even where some lines are there: they are not the song."""
    state = (song.lyrics_state or "").lower()
    if state == "unreleased":
        return Outcome.UNRELEASED, "lyrics state unreleased"
    if song.is_instrumental:
        return Outcome.INSTRUMENTAL, "marked as instrumental"
    if state and state != "complete":
        return Outcome.INCOMPLETE, f"lyrics state {state[:60]}"
    return None


def _of_the_text(lyrics: str, has_image: bool) -> tuple[Outcome, str] | None:
    if len(lyrics) > MAX_LYRICS_CHARS:
        return Outcome.TOO_LONG, f"{len(lyrics)} characters, the limit is {MAX_LYRICS_CHARS}"
    if _INSTRUMENTAL.fullmatch(lyrics) or (is_blank(lyrics) and "instrumental" in lyrics.casefold()):
        return Outcome.INSTRUMENTAL, "the text says so"
    if _PLACEHOLDER_LINE.fullmatch(lyrics):
        return _of_the_placeholder(lyrics)
    if not is_blank(lyrics):
        return Outcome.LYRICS, ""
    if has_image:
        return Outcome.IMAGE_ONLY, "a picture stands where the lyrics should"
    return None


def _of_the_placeholder(placeholder: str) -> tuple[Outcome, str] | None:
    for outcome, pattern in _REASONS:
        if pattern.search(placeholder):
            return outcome, f"placeholder: {placeholder[:200]}"
    return None
