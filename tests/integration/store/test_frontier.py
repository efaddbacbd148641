"""The frontier of songs to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.sql import SQL

from rapray.domain import Artist, FetchResult, Outcome, SongRef, WriteCounts
from rapray.store import frontier, queries, tracks

ADA, BO, CY = (Artist("genius", key, name) for key, name in (("1", "Ada"), ("2", "Bo"), ("3", "Cy")))


def _song(source_id: str, artist: Artist = ADA, title: str = "Song") -> SongRef:
    return SongRef("genius", source_id, f"https://example.test/{source_id}", title, artist)


def test_add_discovered_is_idempotent(conn: Connection) -> None:
    """Discovery is idempotent: it may run again at any time."""
    songs = [(_song("1"), False), (_song("2", BO), True)]
    assert frontier.add_discovered(conn, ADA, songs) == WriteCounts(new=2)
    assert frontier.add_discovered(conn, ADA, songs) == WriteCounts(unchanged=2)
    assert frontier.summary(conn, "genius", ["1"]) == {"due": 1, "feature": 1}


Discovery = tuple[Artist, bool]


@pytest.mark.parametrize("order", list(permutations([(ADA, True), (BO, False), (CY, True)])))
def test_add_discovered_prefers_owner(conn: Connection, order: Sequence[Discovery]) -> None:
    """A song that one artist owns and others feature on is due, and the owner's."""
    for artist, is_feature in order:
        frontier.add_discovered(conn, artist, [(_song("9", BO), is_feature)])
    assert conn.execute("SELECT state, outcome, artist_source_id FROM crawl").fetchall() == [
        ("due", None, "2")
    ]


def test_add_discovered_first_feature(conn: Connection) -> None:
    """Which artist a foreign song is counted for does not depend on the order."""
    for artist in (CY, ADA, CY):
        frontier.add_discovered(conn, artist, [(_song("9", BO), True)])
    assert frontier.summary(conn, "genius", ["1"]) == {"feature": 1}
    assert frontier.summary(conn, "genius", ["3"]) == {}


def test_add_discovered_stays_done(
    conn: Connection, run_id: UUID, fetched: Callable[..., FetchResult]
) -> None:
    """Finding a song again, with a new title, does not make it due."""
    tracks.write_fetched(conn, run_id, [fetched("1", artist_id="1")], max_attempts=3, retry_delay_s=1)
    assert frontier.add_discovered(conn, ADA, [(_song("1", title="Other"), False)]).changed == 1
    assert frontier.summary(conn, "genius", ["1"]) == {"lyrics": 1}


def test_due_ranges_cover_songs(conn: Connection, run_id: UUID, fetched: Callable[..., FetchResult]) -> None:
    """Every due song is in one range; done, waiting and other artists' songs are in none."""
    frontier.add_discovered(conn, ADA, [(_song(str(number)), False) for number in range(25)])
    frontier.add_discovered(conn, BO, [(_song(f"b{number}", BO), False) for number in range(5)])
    results = [fetched("3"), fetched("4", Outcome.NOT_FOUND), fetched("5", Outcome.THROTTLED)]
    tracks.write_fetched(conn, run_id, results, max_attempts=3, retry_delay_s=60)
    ranges = frontier.due_ranges(conn, "genius", 10, artist_source_ids=["1"])
    songs = [
        song for part in ranges for song in frontier.read_due(conn, "genius", part, artist_source_ids=["1"])
    ]
    assert sorted(song.source_id for song in songs) == sorted({str(n) for n in range(25)} - {"3", "4", "5"})
    assert [part.rows for part in ranges] == [10, 10, 2]
    assert songs[0] == _song(songs[0].source_id)
    assert sum(part.rows for part in frontier.due_ranges(conn, "genius", 100)) == 27


@pytest.mark.parametrize("name", ["due_ranges", "read_due", "summary"])
def test_frontier_reads_use_index(conn: Connection, name: str) -> None:
    """Finding a few due songs among many that are done does not read the whole table."""
    conn.execute(
        "INSERT INTO crawl (source, kind, source_id, url, title, artist_source_id, artist_name, state) "
        "SELECT 'genius', 'song', n::text, 'https://example.test/' || n, 'Song', (n % 100)::text, 'Ada', "
        "CASE WHEN n % 50 = 0 THEN 'due' ELSE 'done' END FROM generate_series(1, 20000) AS n"
    )
    conn.execute("ANALYZE crawl")
    parameters = {"source": "genius", "rows": 32, "artists": ["7", "50"], "lo": "1", "hi": "3"}
    statement = SQL("EXPLAIN ") + queries.load("frontier")[name]
    plan = "\n".join(row[0] for row in conn.execute(statement, parameters))
    assert "Seq Scan on crawl" not in plan, plan
    assert "Index" in plan or "Bitmap" in plan, plan
