"""What a page says of its song, from its state and from its head."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.genius_page import FIRST, read, song_state


def test_page_state_fills_fields() -> None:
    """Names are looked up by id in the entities."""
    state = song_state(
        url="https://genius.com/mc-test-paper-planets-lyrics",
        album=3,
        language="EN",
        explicit=True,
        isMusic=True,
        spotifyUuid="4uLU6hMCjMI75M1A2tKUQC",
        appleMusicId=1440650711,
        isrc="us-abc-97-12345",
        featuredArtists=[8],
        writerArtists=[7, {"id": 9, "name": "Inline"}],
        releaseDateComponents={"year": 1997, "month": 2, "day": 29},
    )
    state["entities"]["albums"] = {"3": {"name": "First\u200b Album"}}
    state["entities"]["artists"]["8"] = {"name": "Guest"}
    parsed = read(FIRST.format("one"), state=state)
    assert (parsed.song_id, parsed.title, parsed.artist, parsed.artist_id) == (
        "42",
        "Paper Planets",
        "MC Test",
        "7",
    )
    assert (parsed.album, parsed.language, parsed.is_explicit) == ("First Album", "en", True)
    assert (parsed.featured, parsed.writers) == (("Guest",), ("MC Test", "Inline"))
    assert (parsed.release_date, parsed.release_year) == (None, 1997)  # 1997 had no 29 February
    assert parsed.identifiers == {
        "spotify_id": "4uLU6hMCjMI75M1A2tKUQC",
        "apple_music_id": "1440650711",
        "isrc": "USABC9712345",
    }


def test_page_tracking_data_fallback() -> None:
    """`trackingData` repeats the most important fields as a list of keys and values."""
    pairs = {
        "Song ID": 5,
        "Title": "T",
        "Primary Artist": "A",
        "Lyrics Language": "de",
        "Release Date": "2001-04-03",
    }
    state = {"songPage": {"trackingData": [{"key": k, "value": v} for k, v in pairs.items()]}}
    parsed = read(FIRST.format("eins"), state=state)
    assert (parsed.song_id, parsed.title, parsed.artist, parsed.language) == ("5", "T", "A", "de")
    assert parsed.release_date == date(2001, 4, 3)


def test_page_names_from_head() -> None:
    """Saved pages may have lost their scripts; the head still names artist, title and song."""
    head = (
        "<title>MC Test – Dash - Ing Lyrics | Genius Lyrics</title>"
        '<meta property="al:ios:url" content="genius://songs/99"><link rel="canonical" href="https://genius.com/x">'
    )
    parsed = read(FIRST.format("one"), head=head)
    assert (parsed.artist, parsed.title, parsed.song_id) == ("MC Test", "Dash - Ing", "99")
    assert parsed.url == "https://genius.com/x"


@pytest.mark.parametrize("value", [None, [], {}, "x", -1, 2.5, True, "\ud800", {"id": {}}, [[]]])
def test_page_state_wrong_types(value: Any) -> None:
    """Foreign JSON may hold anything anywhere; the lyrics on the page are still the lyrics."""
    keys = (
        "title",
        "primaryArtist",
        "album",
        "releaseDateComponents",
        "featuredArtists",
        "language",
        "spotifyUuid",
    )
    state = song_state(**dict.fromkeys(keys, value))
    assert read(FIRST.format("one"), state=state).lyrics == "one"
    for broken in ({"songPage": value}, {"entities": value}, {"songPage": {"lyricsData": value}}):
        assert read(FIRST.format("one"), state=broken).lyrics == "one"
