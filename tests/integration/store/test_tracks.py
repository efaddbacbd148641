"""Writing what was fetched."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import permutations
from uuid import UUID

import pytest
from psycopg import Connection

from rapray.domain import FetchResult, Outcome
from rapray.store import failures, frontier, runs, tracks
from rapray.store.checksum import checksum
from rapray.store.pool import connect

Make = Callable[..., FetchResult]
write = partial(tracks.write_fetched, max_attempts=3, retry_delay_s=60)


def _crawl(conn: Connection, source_id: str) -> tuple[object, ...]:
    row = conn.execute(
        "SELECT state, outcome, attempts FROM crawl WHERE source_id = %s", (source_id,)
    ).fetchone()
    assert row is not None
    return row


def test_write_fetched_new_track(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """A lyric becomes a track with every field, and its song is done."""
    result = fetched(
        "1",
        album="Rooftops",
        release_date=date(1999, 5, 1),
        release_year=1999,
        identifiers={"isrc": "X"},
        featured=("B",),
    )
    assert write(conn, run_id, [result]) == {"new": 1, "changed": 0, "unchanged": 0}
    row = conn.execute("SELECT title, album, release_year, identifiers, featured FROM tracks").fetchone()
    assert row == ("Song 1", "Rooftops", 1999, {"isrc": "X"}, ["B"])
    assert _crawl(conn, "1") == ("done", "lyrics", 0)


def test_write_fetched_replayed_batch(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """A task that is replayed after its commit counts what it counted then, and no attempt twice."""
    batch = [fetched("1"), fetched("2", Outcome.SERVER_ERROR)]
    first = write(conn, run_id, batch)
    before = checksum(conn)
    assert (
        write(conn, run_id, batch)
        == first
        == {"new": 1, "changed": 0, "unchanged": 0, "failed.server_error": 1}
    )
    assert checksum(conn) == before
    assert _crawl(conn, "2") == ("due", "server_error", 1)


def test_write_fetched_next_run(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """The same song again is unchanged; another title is a change of the same row."""
    write(conn, run_id, [fetched("1"), fetched("2")])
    later = runs.start(conn, "test", {})
    assert write(conn, later, [fetched("1"), fetched("2", title="New")]) == {
        "new": 0,
        "changed": 1,
        "unchanged": 1,
    }
    assert conn.execute("SELECT count(*) FROM tracks").fetchone() == (2,)


def test_write_fetched_keeps_tag(conn: Connection, fetched: Make) -> None:
    """A page's entity tag outlives an answer that brings none."""
    write(conn, runs.start(conn, "test", {}), [fetched("1", etag='"x"')])
    write(conn, runs.start(conn, "test", {}), [fetched("1", Outcome.SERVER_ERROR)])
    assert conn.execute("SELECT etag FROM crawl").fetchone() == ('"x"',)


def test_write_fetched_repeated_song(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """Two results of one song in a batch are no conflict: the last one counts."""
    write(conn, run_id, [fetched("1", title="Old"), fetched("1", title="New")])
    assert conn.execute("SELECT title FROM tracks").fetchall() == [("New",)]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.LYRICS and not o.is_retryable])
def test_write_fetched_rejection_done(
    conn: Connection, run_id: UUID, fetched: Make, outcome: Outcome
) -> None:
    """A page that holds no lyric is never a track: the row names the outcome."""
    assert write(conn, run_id, [fetched("1", outcome)]) == {f"rejected.{outcome}": 1}
    assert _crawl(conn, "1") == ("done", str(outcome), 0)
    assert conn.execute("SELECT count(*) FROM tracks").fetchone() == (0,)


def test_write_fetched_failure_backoff(conn: Connection, fetched: Make) -> None:
    """Each failed attempt doubles the pause; the last one makes a dead letter that `retry` makes due again."""
    pauses = []
    for _ in range(3):
        attempt = runs.start(conn, "test", {})
        counts = write(conn, attempt, [fetched("1", Outcome.UNREACHABLE, detail="reset")])
        row = conn.execute("SELECT round(extract(epoch FROM not_before - fetched_at)) FROM crawl").fetchone()
        assert row is not None
        pauses.append(int(row[0]))
    assert pauses == [60, 120, 240]
    assert counts == {"dead.unreachable": 1}
    [letter] = failures.list_(conn)
    assert (letter.stage, letter.key, letter.code, letter.attempts) == (
        "collect/genius",
        "1",
        "unreachable",
        3,
    )
    assert frontier.due_ranges(conn, "genius", 10) == []
    assert failures.retry(conn, stage="collect/genius") == 1
    assert [found.rows for found in frontier.due_ranges(conn, "genius", 10)] == [1]


def test_write_fetched_retry_after(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """A host that names a time is asked again then."""
    write(conn, run_id, [fetched("1", Outcome.THROTTLED, retry_after_s=5.0)])
    row = conn.execute("SELECT round(extract(epoch FROM not_before - fetched_at)) FROM crawl").fetchone()
    assert row == (5,)
    assert frontier.due_ranges(conn, "genius", 10) == []


def test_write_fetched_clears_failure(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """A song that is read at last leaves no failure behind."""
    tracks.write_fetched(conn, run_id, [fetched("1", Outcome.BLOCKED)], max_attempts=1, retry_delay_s=0)
    assert len(failures.list_(conn)) == 1
    write(conn, run_id, [fetched("1")])
    assert failures.list_(conn) == []
    assert _crawl(conn, "1") == ("done", "lyrics", 0)


def test_write_fetched_hostile_text(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """What PostgreSQL cannot hold is replaced, so that one page never costs the batch."""
    bad = fetched(
        "1",
        lyrics="a\x00b\ud800c",
        title="t\x00",
        album="\ud800",
        release_year=99_999,
        identifiers={"k\x00": "v\x00"},
    )
    assert write(conn, run_id, [bad, fetched("2"), fetched("3", Outcome.BLOCKED, detail="x\x00")])["new"] == 2
    row = conn.execute("SELECT lyrics, release_year FROM tracks WHERE source_id = '1'").fetchone()
    assert row == ("a\ufffdb\ufffdc", None)


def test_write_fetched_huge_lyrics(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """Text beyond the limit of a tsvector is stored all the same."""
    text = " ".join(f"wörd{number}" for number in range(150_000))
    write(conn, run_id, [fetched("1", lyrics=text)])
    assert conn.execute("SELECT length(lyrics) FROM tracks").fetchone() == (len(text),)


def test_write_fetched_overlapping_writers(database_url: str, conn: Connection, fetched: Make) -> None:
    """Writers of the same songs and artist in different orders end in one row a song, with no deadlock."""
    songs = [fetched(str(number), artist_id=str(number % 3)) for number in range(60)]

    def one_writer(number: int) -> None:
        ordered = songs[number:] + songs[:number]
        with connect(database_url, application_name="writer") as own:
            write(own, runs.start(own, "test", {}), ordered if number % 2 else ordered[::-1])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(one_writer, range(8)))
    assert conn.execute("SELECT count(*), count(DISTINCT source_id) FROM tracks").fetchone() == (60, 60)
    assert conn.execute("SELECT count(*) FROM artists").fetchone() == (3,)


def _groups(conn: Connection) -> dict[str, str]:
    return dict(
        conn.execute(
            "SELECT t.source_id, leader.source_id FROM tracks t LEFT JOIN duplicates d ON d.track_id = t.id "
            "JOIN tracks leader ON leader.id = coalesce(d.leader_id, t.id)"
        ).fetchall()
    )


@pytest.mark.parametrize("order", list(permutations(("10", "2", "b"))))
def test_group_duplicates_any_order(
    conn: Connection, run_id: UUID, fetched: Make, order: tuple[str, ...]
) -> None:
    """Which track stands for a text does not depend on the order they came in, also over several groupings."""
    for source_id in order:
        write(conn, run_id, [fetched(source_id, lyrics="the same words")])
        tracks.group_duplicates(conn)
    assert _groups(conn) == {"10": "10", "2": "10", "b": "10"}
    assert tracks.group_duplicates(conn) == 0


def test_group_duplicates_changed_text(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """When the track that stands for a group gets another text, the others find a new one."""
    write(conn, run_id, [fetched(source_id, lyrics="same") for source_id in ("1", "2", "3")])
    tracks.group_duplicates(conn)
    write(conn, run_id, [fetched("1", lyrics="other")])
    tracks.group_duplicates(conn)
    assert _groups(conn) == {"1": "1", "2": "2", "3": "2"}


def test_group_duplicates_rewrites_no_track(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """Not even where a text changed behind a grouping's back, which the next one notices."""
    write(conn, run_id, [fetched(source_id, lyrics="same") for source_id in ("1", "2", "3")])
    versions = "SELECT source_id, xmin::text, ctid::text FROM tracks ORDER BY id"
    before = conn.execute(versions).fetchall()
    assert tracks.group_duplicates(conn) == 2
    assert conn.execute(versions).fetchall() == before
    conn.execute("UPDATE tracks SET content_hash = 'other' WHERE source_id = '2'")
    assert tracks.group_duplicates(conn) == 1
    assert _groups(conn) == {"1": "1", "2": "2", "3": "1"}


def test_group_duplicates_without_words(conn: Connection, run_id: UUID, fetched: Make) -> None:
    """Two tracks of punctuation alone share the empty hash and are no duplicates."""
    write(conn, run_id, [fetched("1"), fetched("2")])
    conn.execute("UPDATE tracks SET content_hash = ''")
    tracks.group_duplicates(conn)
    assert _groups(conn) == {"1": "1", "2": "2"}
