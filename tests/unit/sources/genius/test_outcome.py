"""How the reading of a page ends: each outcome, and what decides it."""

from __future__ import annotations

from typing import Any

import pytest

from rapray.domain import Outcome
from rapray.sources.genius import parse_page
from tests.support.genius_page import FIRST, page, read, song_state


@pytest.mark.parametrize(
    ("song", "expected"),
    [
        ({"instrumental": True}, Outcome.INSTRUMENTAL),
        ({"lyricsState": "unreleased"}, Outcome.UNRELEASED),
        ({"lyricsState": "incomplete"}, Outcome.INCOMPLETE),
        ({"isMusic": False}, Outcome.NOT_A_SONG),
        ({"tags": [{"name": "Non-Music"}]}, Outcome.NOT_A_SONG),
        ({"title": "Album [Tracklist + Album Art]"}, Outcome.NOT_A_SONG),
        ({"title": "Album (Liner Notes)", "isMusic": True}, Outcome.NOT_A_SONG),
        ({"title": "On Writing (Interview)"}, Outcome.NOT_A_SONG),
        ({"title": "Outro (Interview)", "isMusic": True}, Outcome.LYRICS),
        ({"title": "Tracklist"}, Outcome.LYRICS),
        ({"artist": "Genius English Translations"}, Outcome.TRANSLATION),
        ({"artist": "Perfume Genius"}, Outcome.LYRICS),
    ],
)
def test_page_state_decides_first(song: dict[str, Any], expected: Outcome) -> None:
    """What the page says of its song holds even where some text is printed."""
    parsed = read(FIRST.format("some text"), state=song_state(**song))
    assert parsed.outcome is expected
    assert (parsed.lyrics is None) is (expected is not Outcome.LYRICS)
    assert parsed.detail or expected is Outcome.LYRICS


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("instrumental", Outcome.INSTRUMENTAL),
        ("unreleased", Outcome.UNRELEASED),
        ("incomplete", Outcome.INCOMPLETE),
        ("something new", Outcome.UNPARSABLE),
        (None, Outcome.UNPARSABLE),
    ],
)
def test_page_placeholder_reason(reason: str | None, expected: Outcome) -> None:
    """A page without words is only what it says it is, and otherwise not understood."""
    state = song_state({"body": {"html": ""}, "lyricsPlaceholderReason": reason})
    assert read(FIRST.format(""), state=state).outcome is expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("This song is an instrumental", Outcome.INSTRUMENTAL),
        (
            "Lyrics for this song have yet to be released. Please check back once it is out.",
            Outcome.UNRELEASED,
        ),
        ("Lyrics for this song have yet to be transcribed.", Outcome.INCOMPLETE),
    ],
)
def test_page_placeholder_message(message: str, expected: Outcome) -> None:
    """The message is no lyric, wherever it stands."""
    shown = f'<div class="LyricsPlaceholder__Message-sc-14skmn5-2">{message}</div>'
    assert read(shown).outcome is expected
    assert read(FIRST.format(shown)).outcome is expected
    assert read(FIRST.format(message)).outcome is expected


@pytest.mark.parametrize("text", ["[Instrumental]", "Instrumental", "[Intro]<br>[Instrumental Break]"])
def test_page_says_instrumental(text: str) -> None:
    """Transcribers write it into the lyrics."""
    assert read(FIRST.format(text)).outcome is Outcome.INSTRUMENTAL


def test_page_picture_image_only() -> None:
    """A scan in place of text; a picture beside text changes nothing, nor one in the excluded header."""
    picture = '<img src="scan.jpg" alt="words">'
    header = f'<div data-exclude-from-selection="true">{picture}</div>'
    assert read(FIRST.format(picture)).outcome is Outcome.IMAGE_ONLY
    assert read(state=song_state({"body": {"html": f"<p>{picture}</p>"}})).outcome is Outcome.IMAGE_ONLY
    assert read(FIRST.format(picture + "one")).lyrics == "one"
    assert read(FIRST.format(header)).outcome is Outcome.UNPARSABLE


def test_page_only_headers_unparsable() -> None:
    """Headers are not lyrics, and an empty lyric is never stored."""
    assert read(FIRST.format("[Verse 1]<br>[Chorus]")).outcome is Outcome.UNPARSABLE


def test_page_lyrics_too_long() -> None:
    """300,000 characters are kept, more is no song."""
    line = "word " * 1999 + "ends.<br>"  # 10,000 characters with its break
    assert read(FIRST.format(line * 29)).outcome is Outcome.LYRICS
    assert read(FIRST.format(line * 31)).outcome is Outcome.TOO_LONG


@pytest.mark.parametrize(
    "html",
    [
        "<title>Just a moment...</title><div id='challenge-form'></div>",
        "<h1>One more step</h1><div class='g-recaptcha'></div>",
        "<script src='/cdn-cgi/challenge-platform/h/b.js'></script>",
    ],
)
def test_page_challenge_is_blocked(html: str) -> None:
    """A page that asks for a human is a block, whatever its status."""
    assert parse_page(html).outcome is Outcome.BLOCKED
    assert parse_page("<p>wait</p>", "https://genius.com/captcha?next=1").outcome is Outcome.BLOCKED


def test_page_song_about_captchas() -> None:
    """Words of a challenge count only on a page that holds no song."""
    parsed = parse_page(
        page(FIRST.format("just a moment... captcha")), "https://genius.com/mc-test-captcha-lyrics"
    )
    assert parsed.outcome is Outcome.LYRICS


@pytest.mark.parametrize(
    "body", ["", b"", "plain words", b"\x00\xff\xfe\x01", "{}", b"%PDF-1.7", "<html></html>", "<"]
)
def test_page_without_song_unparsable(body: str | bytes) -> None:
    """Not understood is an outcome of its own."""
    parsed = parse_page(body)
    assert (parsed.outcome, parsed.lyrics) == (Outcome.UNPARSABLE, None)
