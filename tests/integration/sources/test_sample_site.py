"""The Genius source against the sample site, which was built from facts.md alone: the two check each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from rapray.cache import RedisRateLimiter, connect
from rapray.config import GeniusSettings
from rapray.domain import Artist, FetchResult, Outcome
from rapray.embedded import Endpoints
from rapray.samples import corpus
from rapray.samples.site import SampleSite, faults
from rapray.sources.base import Discovery
from rapray.sources.genius import GeniusSource
from rapray.text.cleaning.lyrics import clean_lyrics


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    """The site with every difficult page."""
    with SampleSite() as running:
        yield running


@pytest.fixture(scope="module")
def source(site: SampleSite, servers: Endpoints) -> Iterator[GeniusSource]:
    """A source that waits as it would in earnest, at a rate that suits a test."""
    settings = GeniusSettings(
        token=SecretStr(site.token),
        api_url=f"{site.url}/api",
        web_url=site.url,
        requests_per_second=500,
        burst=20,
        timeout_s=2,
        max_retries=1,
        max_retry_wait_s=3,
    )
    assert servers.redis_url is not None
    with connect(servers.redis_url, timeout_s=5) as redis:
        made = GeniusSource(settings, RedisRateLimiter(redis, 500, burst=20))
        yield made
        made.close()


@pytest.fixture(scope="module")
def found(site: SampleSite, source: GeniusSource) -> dict[int, Discovery]:
    """Every song that the API lists for anybody, as its own artist's where both list it."""
    artists = {corpus_artist.name for corpus_artist in corpus.artists()}
    everything: dict[int, Discovery] = {}
    todo: list[Artist] = [source.find_artist(name) for name in sorted(artists)]
    todo.append(source.find_artist("The Difficult Pages"))
    for artist in todo:
        for discovery in source.discover(artist):
            number = int(discovery.ref.source_id)
            if number not in everything or not discovery.is_feature:
                everything[number] = discovery
    return everything


@pytest.fixture(scope="module")
def fetched(source: GeniusSource, found: dict[int, Discovery]) -> dict[int, FetchResult]:
    """The result of one attempt at each."""
    return {number: source.fetch(discovery.ref) for number, discovery in found.items()}


def test_site_difficult_page_outcomes(fetched: dict[int, FetchResult]) -> None:
    """Each fault of the site's table, and nothing stored but lyrics."""
    expected = {number: str(outcome) for number, outcome in faults.EXPECTED.items() if number in fetched}
    assert expected == {number: str(fetched[number].outcome) for number in expected}
    assert len(expected) > 15
    for result in fetched.values():
        assert (result.track is not None) is (result.outcome is Outcome.LYRICS)


def test_site_corpus_round_trips(fetched: dict[int, FetchResult]) -> None:
    """In all five layouts, through bytes, HTML and cleaning: the very text, and what belongs to it."""
    songs = [song for song in corpus.songs() if song.id in fetched and song.id not in faults.EXPECTED]
    assert len(songs) >= 60
    assert {song.layout for song in songs} == {1, 2, 3, 4, 5}
    for song in songs:
        track = fetched[song.id].track
        assert track is not None, (song.id, fetched[song.id].outcome, fetched[song.id].detail)
        assert track.lyrics == clean_lyrics(song.lyrics, song.title)
        assert (track.title, track.artist.name) == (song.title, song.artist)


def test_site_difficult_lyrics_exact(fetched: dict[int, FetchResult]) -> None:
    """Moved, refused once, cut off once, or full of other people's words: nothing of that is in the text."""
    stored = [
        difficult.song
        for difficult in faults.difficult_songs()
        if faults.EXPECTED[difficult.song.id] is Outcome.LYRICS
    ]
    assert stored
    for song in stored:
        track = fetched[song.id].track
        assert track is not None
        assert track.lyrics == clean_lyrics(song.lyrics, song.title), song.title


def test_site_song_facts_survive(fetched: dict[int, FetchResult]) -> None:
    """Album, release, language and guests, where the page carries its state. (An ISRC is not on the page.)"""
    wrong: list[tuple[int, str, object, object]] = []
    for song in corpus.songs():
        track = fetched[song.id].track
        if track is None or song.layout in {3, 4}:
            continue
        pairs = {
            "album": (track.album, song.album),
            "release_date": (track.release_date, song.release_date),
            "language": (track.language, song.language),
            "featured": (track.featured, song.featured),
        }
        wrong += [(song.id, what, got, want) for what, (got, want) in pairs.items() if got != want]
    assert not wrong
