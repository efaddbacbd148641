"""Reads for serving."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import FetchResult, ModelInfo, TrackFilter
from rapray.store import read, tracks

Pool = AsyncConnectionPool[AsyncConnection]


async def test_get_track_every_field(
    conn: Connection, pool: Pool, run_id: UUID, fetched: Callable[..., FetchResult]
) -> None:
    """Lyrics, sections and artist come back as they were stored; an unknown id is None, a huge one too."""
    result = fetched("1", album="Rooftops", identifiers={"isrc": "X"}, featured=("B",), language="en")
    tracks.write_fetched(conn, run_id, [result], max_attempts=1, retry_delay_s=0)
    [(track_id,)] = conn.execute("SELECT id FROM tracks").fetchall()
    found = await read.get_track(pool, track_id, [])
    assert found is not None
    assert result.track is not None
    assert (found.lyrics, found.sections, found.artist) == (
        result.track.lyrics,
        result.track.sections,
        "Ada Flow",
    )
    assert (found.album, found.identifiers, found.featured, found.analyses) == (
        "Rooftops",
        {"isrc": "X"},
        ("B",),
        (),
    )
    for unknown in (track_id + 1, 0, -1, 2**63):
        assert await read.get_track(pool, unknown, []) is None


async def test_list_tracks_pages(pool: Pool, store_tracks: Callable[..., dict[str, int]]) -> None:
    """The last id of a page leads to the next; filters hold on every page."""
    ids = store_tracks(25, release_year=1999)
    seen: list[int] = []
    while page := await read.list_tracks(
        pool, TrackFilter(year_from=1999), after=seen[-1] if seen else 0, limit=10
    ):
        seen += [track.id for track in page]
    assert seen == sorted(ids.values())
    assert await read.list_tracks(pool, TrackFilter(year_to=1998)) == []


async def test_find_artists_forgives_typos(
    conn: Connection, pool: Pool, run_id: UUID, fetched: Callable[..., FetchResult]
) -> None:
    """The most alike comes first."""
    results = [
        fetched(str(n), artist_id=str(n), artist=name)
        for n, name in enumerate(("Béatrice Flow", "Beat Rice", "Zed"))
    ]
    tracks.write_fetched(conn, run_id, results, max_attempts=1, retry_delay_s=0)
    assert (await read.find_artists(pool, "BEATRICE FLOW"))[0].name == "Béatrice Flow"
    assert (await read.find_artists(pool, "beatrise flwo"))[0].name == "Béatrice Flow"
    assert await read.find_artists(pool, "%'; DROP TABLE") == []
    everyone = await read.list_artists(pool)
    assert [(found.name, found.tracks) for found in everyone] == [
        ("Béatrice Flow", 1),
        ("Beat Rice", 1),
        ("Zed", 1),
    ]


async def test_corpus_stats_any_size(
    pool: Pool, model_id: int, store_tracks: Callable[..., dict[str, int]]
) -> None:
    """An empty collection has figures too."""
    assert (await read.corpus_stats(pool)).tracks == 0
    store_tracks(3, release_year=2001, language="en")
    stats = await read.corpus_stats(pool)
    assert (stats.tracks, stats.artists, stats.first_year, stats.languages) == (3, 1, 2001, {"en": 3})
    assert await read.find_model(pool, ModelInfo("embedding", "test-model", "r1", 8)) == model_id
    assert await read.find_model(pool, ModelInfo("embedding", "nobody", "r1", 8)) is None
