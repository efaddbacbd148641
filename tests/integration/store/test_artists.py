"""An artist's vocabulary, counted from what is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import FetchResult
from rapray.store import artists, tracks

Pool = AsyncConnectionPool[AsyncConnection]
Store = Callable[..., int]


@pytest.fixture
def store(conn: Connection, run_id: UUID) -> Store:
    """Writes songs; gives the id of the artist of the first."""

    def write(*songs: FetchResult) -> int:
        tracks.write_fetched(conn, run_id, songs, max_attempts=1, retry_delay_s=0)
        row = conn.execute(
            "SELECT id FROM artists WHERE source_id = %s", (songs[0].ref.artist.source_id,)
        ).fetchone()
        assert row is not None
        return row[0]

    return write


async def test_get_artist_release_order(
    pool: Pool, store: Store, fetched: Callable[..., FetchResult]
) -> None:
    """A date, a year alone as its first day, nothing at all last: the window shows who is read first."""
    artist_id = store(
        fetched("1", lyrics="undated undated"),
        fetched("2", lyrics="late light"),
        fetched("3", lyrics="one two", release_date=date(1999, 6, 1), release_year=1999),
        fetched("4", lyrics="two three", release_year=1999),
        fetched("5", lyrics="three four", release_date=date(1998, 12, 31), release_year=1998),
    )
    order = [
        found.distinct_words
        for window in range(1, 11)
        if (found := await artists.get_artist(pool, artist_id, window=window))
    ]
    # three four | two three | one two | undated undated | late light
    assert order == [1, 2, 3, 3, 4, 4, 5, 5, 6, 7]


async def test_get_artist_duplicate_texts(
    conn: Connection, pool: Pool, store: Store, fetched: Callable[..., FetchResult]
) -> None:
    """Duplicates are known by their text, grouped or not; apostrophes make no other word."""
    artist_id = store(
        fetched("1", lyrics="runnin' the night"),
        fetched("2", lyrics="runnin' the night"),
        fetched("3", lyrics="runnin the light"),
        fetched("4", lyrics="somebody else", artist_id="other", artist="Else"),
    )
    for _ in range(2):
        found = await artists.get_artist(pool, artist_id, window=6)
        assert found is not None
        assert (found.name, found.tracks, found.words_read) == ("Ada Flow", 3, 6)
        assert (found.distinct_words, found.daniels) == (4, 4)
        tracks.group_duplicates(conn)


async def test_get_artist_few_words(pool: Pool, store: Store, fetched: Callable[..., FetchResult]) -> None:
    """What was read is said all the same."""
    artist_id = store(fetched("1", lyrics="only these four words"))
    found = await artists.get_artist(pool, artist_id)
    assert found is not None
    assert (found.words_read, found.distinct_words, found.daniels) == (4, 4, None)


async def test_get_artist_reading_window(
    conn: Connection, pool: Pool, store: Store, fetched: Callable[..., FetchResult]
) -> None:
    """Of many songs those behind the last word that counts are not looked at: one that cannot be read is no matter."""
    artist_id = store(*(fetched(f"{n:03}", lyrics=f"word{n} " * 10) for n in range(100)))
    conn.execute("UPDATE tracks SET sections = '[{}]' WHERE source_id = '099'")
    found = await artists.get_artist(pool, artist_id, window=205)
    assert found is not None
    assert (found.tracks, found.words_read, found.daniels) == (100, 205, 21)
    with pytest.raises(KeyError):
        await artists.get_artist(pool, artist_id)


async def test_get_artist_unknown_id(pool: Pool, store: Store, fetched: Callable[..., FetchResult]) -> None:
    """A huge id too."""
    artist_id = store(fetched("1"))
    for unknown in (artist_id + 1, 0, -1, 2**63):
        assert await artists.get_artist(pool, unknown) is None
