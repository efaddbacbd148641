"""What can go wrong with a page, and how the fetch of each must end: the songs of "The Difficult Pages".

Does not know how a page is drawn or sent; `pages` and `routes` act on the fault that is named here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from rapray.domain import Outcome
from rapray.samples.corpus import SampleSong

DIFFICULT_ARTIST_ID: int = 1099
DIFFICULT_ARTIST = "The Difficult Pages"


class Fault(StrEnum):
    """One way in which a page is not a plain lyric page that comes at the first try."""

    INSTRUMENTAL = "instrumental"
    INSTRUMENTAL_TEXT = "instrumental_text"
    UNRELEASED = "unreleased"
    INCOMPLETE = "incomplete"
    IMAGE_ONLY = "image_only"
    TRACKLIST = "tracklist"
    INTERVIEW = "interview"
    TRANSLATION = "translation"
    MOVED = "moved"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    CAPTCHA = "captcha"
    CAPTCHA_REDIRECT = "captcha_redirect"
    THROTTLED_ONCE = "throttled_once"
    THROTTLED_ONCE_BARE = "throttled_once_bare"
    THROTTLED = "throttled"
    ERROR_ONCE = "error_once"
    ERROR = "error"
    TRUNCATED = "truncated"
    TRUNCATED_ONCE = "truncated_once"
    SLOW = "slow"
    OVERSIZED = "oversized"
    NOT_HTML = "not_html"
    GARBAGE = "garbage"
    INVALID_UTF8 = "invalid_utf8"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    DISALLOWED = "disallowed"
    JUNK = "junk"


OUTCOMES: dict[Fault, Outcome] = {
    Fault.INSTRUMENTAL: Outcome.INSTRUMENTAL,
    Fault.INSTRUMENTAL_TEXT: Outcome.INSTRUMENTAL,
    Fault.UNRELEASED: Outcome.UNRELEASED,
    Fault.INCOMPLETE: Outcome.INCOMPLETE,
    Fault.IMAGE_ONLY: Outcome.IMAGE_ONLY,
    Fault.TRACKLIST: Outcome.NOT_A_SONG,
    Fault.INTERVIEW: Outcome.NOT_A_SONG,
    Fault.TRANSLATION: Outcome.TRANSLATION,
    Fault.MOVED: Outcome.LYRICS,
    Fault.NOT_FOUND: Outcome.NOT_FOUND,
    Fault.FORBIDDEN: Outcome.BLOCKED,
    Fault.CAPTCHA: Outcome.BLOCKED,
    Fault.CAPTCHA_REDIRECT: Outcome.BLOCKED,
    Fault.THROTTLED_ONCE: Outcome.LYRICS,
    Fault.THROTTLED_ONCE_BARE: Outcome.LYRICS,
    Fault.THROTTLED: Outcome.THROTTLED,
    Fault.ERROR_ONCE: Outcome.LYRICS,
    Fault.ERROR: Outcome.SERVER_ERROR,
    Fault.TRUNCATED: Outcome.UNREACHABLE,
    Fault.TRUNCATED_ONCE: Outcome.LYRICS,
    Fault.SLOW: Outcome.UNREACHABLE,
    Fault.OVERSIZED: Outcome.TOO_LONG,
    Fault.NOT_HTML: Outcome.UNPARSABLE,
    Fault.GARBAGE: Outcome.UNPARSABLE,
    Fault.INVALID_UTF8: Outcome.UNPARSABLE,
    Fault.EMPTY: Outcome.UNPARSABLE,
    Fault.TOO_LONG: Outcome.TOO_LONG,
    Fault.DISALLOWED: Outcome.DISALLOWED,
    Fault.JUNK: Outcome.LYRICS,
}


@dataclass(frozen=True, slots=True)
class DifficultSong:
    """A song of the difficult artist and what is wrong with its page."""

    song: SampleSong
    fault: Fault


@cache
def difficult_songs() -> tuple[DifficultSong, ...]:
    """Every song of `difficult.yaml`, by id."""
    text = files("rapray.samples.site").joinpath("difficult.yaml").read_text(encoding="utf-8")
    return tuple(sorted((_difficult(entry) for entry in yaml.safe_load(text)), key=lambda one: one.song.id))


def _difficult(entry: dict[str, Any]) -> DifficultSong:
    song = SampleSong(
        id=entry["id"],
        title=entry["title"],
        artist=DIFFICULT_ARTIST,
        artist_id=DIFFICULT_ARTIST_ID,
        featured=(),
        album="Handle with Care",
        release_date=date(2024, 2, 29),
        language="en",
        explicit=False,
        layout=entry.get("layout", 1),
        isrc=None,
        duplicate_of=None,
        lyrics=entry.get("lyrics", "").strip("\n"),
    )
    return DifficultSong(song, Fault(entry["fault"]))


class FirstTimes:
    """Says whether a song's page is asked for the first time; one instance a site, any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[int] = set()

    def first(self, song_id: int) -> bool:
        """True once for each id."""
        with self._lock:
            is_first = song_id not in self._seen
            self._seen.add(song_id)
        return is_first


# Song id to the outcome where a client must end that has a time-out below the site's `slow_s`, a body limit below its
# `oversized_bytes`, and repeats a refused or broken request at least once.
EXPECTED: dict[int, Outcome] = {one.song.id: OUTCOMES[one.fault] for one in difficult_songs()}
