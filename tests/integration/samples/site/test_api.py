"""The API half of the sample site, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rapray.samples.corpus import artists, songs
from rapray.samples.site import DIFFICULT_ARTIST_ID, EXPECTED, SampleSite


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    """A site with all its faults."""
    with SampleSite() as running:
        yield running


@pytest.fixture(scope="module")
def api(site: SampleSite) -> Iterator[httpx.Client]:
    """A client with the right token."""
    with httpx.Client(
        base_url=f"{site.url}/api", headers={"Authorization": f"Bearer {site.token}"}
    ) as client:
        yield client


def _response(api: httpx.Client, path: str, **query: Any) -> Any:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json()["meta"] == {"status": 200}
    return answer.json()["response"]


def _listed(api: httpx.Client, artist_id: int, **query: Any) -> list[dict[str, Any]]:
    page: int | None = 1
    found: list[dict[str, Any]] = []
    while page:
        response = _response(api, f"/artists/{artist_id}/songs", page=page, **query)
        found += response["songs"]
        page = response["next_page"]
    return found


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer wrong", "Basic sample-token", "Bearer ünfug"])
def test_api_without_token_401(site: SampleSite, token: str | None):
    """Nobody reads the API without its token, and the answer keeps the API's form."""
    headers = {} if token is None else {"Authorization": token.encode()}
    answer = httpx.get(f"{site.url}/api/search?q=mara", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["meta"]["status"] == 401
    assert "message" in answer.json()["meta"]


@pytest.mark.parametrize("per_page", [1, 4, 50])
def test_artist_songs_page_completely(api: httpx.Client, per_page: int):
    """Following `next_page` until it is null gives every song once, with the songs of others that feature the artist."""
    own = {song.id for song in songs() if song.artist_id == 1001}
    featuring = {song.id for song in songs() if "Mara Quill" in song.featured}
    found = _listed(api, 1001, per_page=per_page, sort="title")
    assert sorted(song["id"] for song in found) == sorted(own | featuring)
    assert featuring
    assert {song["id"] for song in found if song["primary_artist"]["id"] == 1001} == own


def test_artist_songs_page_limit(api: httpx.Client):
    """Whoever asks for more gets fifty a page, and nonsense counts as not given."""
    assert len(_response(api, "/artists/1001/songs", per_page="many", page="-3")["songs"]) <= 20
    assert len(_listed(api, DIFFICULT_ARTIST_ID, per_page=5000)) == len(EXPECTED)


def test_artist_songs_sort_orders(api: httpx.Client):
    """Both orders hold over all pages."""
    titles = [song["title"].casefold() for song in _listed(api, 1003, sort="title", per_page=3)]
    views = [song["stats"]["pageviews"] for song in _listed(api, 1003, sort="popularity", per_page=3)]
    assert titles == sorted(titles)
    assert views == sorted(views, reverse=True)


def test_artists_list_every_song(api: httpx.Client):
    """Discovery by artist reaches the whole corpus and every difficult page."""
    found = {
        song["id"]
        for artist_id in (*(artist.id for artist in artists()), DIFFICULT_ARTIST_ID)
        for song in _listed(api, artist_id, per_page=50)
        if song["primary_artist"]["id"] == artist_id
    }
    assert found == {song.id for song in songs()} | EXPECTED.keys()


def test_paths_are_unique(api: httpx.Client):
    """Two songs never share an address."""
    found = {song["id"]: song["path"] for one in artists() for song in _listed(api, one.id, per_page=50)}
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("query", ["Nayra del Puerto", "nayra DEL puerto", "käthe sturm", "Kathe Sturm"])
def test_search_ignores_spelling_variants(api: httpx.Client, query: str):
    """Case and accents do not count; a hit has the form of the real ones."""
    hits = _response(api, "/search", q=query, per_page=50)["hits"]
    assert hits
    assert {hit["type"] for hit in hits} == {"song"}
    assert any(hit["result"]["primary_artist"]["name"] == "Nayra del Puerto" for hit in hits)


@pytest.mark.parametrize("query", ["", "  ", "no such words at all"])
def test_search_without_hits_empty(api: httpx.Client, query: str):
    """No hit is an answer, not an error."""
    assert _response(api, "/search", q=query)["hits"] == []


def test_search_pages_cover_hits(api: httpx.Client):
    """Pages of a search do not overlap and together hold all hits."""
    whole = [hit["result"]["id"] for hit in _response(api, "/search", q="bop carousel", per_page=50)["hits"]]
    halves = [
        hit["result"]["id"]
        for page in (1, 2, 3)
        for hit in _response(api, "/search", q="bop carousel", per_page=4, page=page)["hits"]
    ]
    assert len(whole) > 4
    assert halves == whole[:12]


def test_artist_name_and_address(api: httpx.Client, site: SampleSite):
    """An artist by id, and the page that its address leads to."""
    artist = _response(api, "/artists/1010")["artist"]
    assert (artist["id"], artist["name"]) == (1010, "Nayra del Puerto")
    assert httpx.get(artist["url"]).status_code == 200


def test_song_metadata_without_lyrics(api: httpx.Client, site: SampleSite):
    """Album, release, guests, language and Spotify's address; the lyrics are on the page alone."""
    sample = next(song for song in songs() if song.isrc and song.featured and song.album)
    song = _response(api, f"/songs/{sample.id}", text_format="plain")["song"]
    released = sample.release_date
    assert song["album"]["name"] == sample.album
    assert song["release_date"] == released.isoformat()
    assert song["release_date_components"] == {
        "year": released.year,
        "month": released.month,
        "day": released.day,
    }
    assert tuple(guest["name"] for guest in song["featured_artists"]) == sample.featured
    assert (song["language"], song["lyrics_state"]) == (sample.language, "complete")
    assert song["url"] == site.url + song["path"]
    spotify = next(medium for medium in song["media"] if medium["provider"] == "spotify")
    assert spotify["native_uri"].startswith("spotify:track:")
    assert sample.lyrics.split("\n")[2] not in str(song)


@pytest.mark.parametrize(
    "path",
    ["/songs/1", "/songs/x", "/songs/²", "/artists/77/songs", "/artists/-1", "/nothing", "", "/songs/"],
)
def test_api_unknown_path_404(api: httpx.Client, path: str):
    """What is not there is said so in JSON."""
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["meta"]["status"] == 404
