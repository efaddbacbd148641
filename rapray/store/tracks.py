"""Writes what was fetched: artists, tracks and how each song's fetch ended; groups tracks with one text.

Does not know who fetched, nor when a song is due: `frontier.py` reads that back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from rapray.domain import FetchResult, Track
from rapray.store import queries
from rapray.store.ledger import batch_id, stage, write_once
from rapray.store.values import (
    marks_of,
    normalize_name,
    storable_or_none,
    storable_year,
    to_jsonb,
)
from rapray.text.storable import storable

_SQL = queries.load("tracks")
_TRACK_COLUMNS = {
    "ordinal": "int4",
    "source": "text",
    "source_id": "text",
    "artist_source": "text",
    "artist_source_id": "text",
    "artist_name": "text",
    "artist_name_normalized": "text",
    "artist_url": "text",
    "title": "text",
    "featured": "text[]",
    "lyrics": "text",
    "sections": "jsonb",
    "language": "text",
    "album": "text",
    "release_date": "date",
    "release_year": "int2",
    "is_explicit": "bool",
    "identifiers": "jsonb",
    "url": "text",
    "content_hash": "text",
}
_FETCH_COLUMNS = {
    "ordinal": "int4",
    "source": "text",
    "source_id": "text",
    "url": "text",
    "title": "text",
    "artist_source_id": "text",
    "artist_name": "text",
    "artist_url": "text",
    "outcome": "text",
    "is_retryable": "bool",
    "retry_after_s": "float8",
    "http_status": "int4",
    "final_url": "text",
    "etag": "text",
    "detail": "text",
}
# A host that asks for more than this is asked again then: an "infinite" Retry-After must not overflow a time.
_LONGEST_RETRY_AFTER_S = 30 * 86_400.0


def write_fetched(
    conn: Connection,
    run_id: UUID,
    results: Sequence[FetchResult],
    *,
    max_attempts: int,
    retry_delay_s: float,
) -> Counter[str]:
    """Stores the results of one fetching task in one transaction; a replay of it changes nothing.

    Lyrics become tracks; they and rejections are done. Other outcomes are due again after `Retry-After`, or
    `retry_delay_s` doubled with each attempt, and dead letters of stage `collect/<source>` after
    `max_attempts`.

    Args:
        conn: of this task alone.
        run_id: from `runs.start`.
        results: at most one a song matters; of several the last.
        max_attempts: of one song.
        retry_delay_s: pause after the first attempt.

    Returns:
        Counts by name: `new`, `unchanged`, `changed` tracks; `rejected.<outcome>`; `failed.<outcome>` for what
        is due again; `dead.<outcome>` for what will not be tried again.
    """
    if not results:
        return Counter()
    batch = batch_id(map(_batch_key, results))
    limits = {"max_attempts": max_attempts, "retry_delay_s": retry_delay_s}
    return write_once(conn, run_id, batch, lambda inside: _write(inside, results, limits))


def _batch_key(result: FetchResult) -> str:
    found = result.track.content_hash if result.track else ""
    return "\x1f".join(("fetched", result.ref.source, result.ref.source_id, result.outcome, found))


def _write(conn: Connection, results: Sequence[FetchResult], limits: dict[str, Any]) -> Counter[str]:
    counts = _write_tracks(conn, [result.track for result in results if result.track is not None])
    stage(conn, "staged_fetches", _FETCH_COLUMNS, _fetch_rows(results))
    for state, outcome, songs in conn.execute(_SQL["upsert_fetches"], limits).fetchall():
        if outcome == "lyrics":
            continue
        kind = {"done": "rejected", "due": "failed", "dead": "dead"}[state]
        counts[f"{kind}.{outcome}"] += songs
    return counts


def _write_tracks(conn: Connection, tracks: Sequence[Track]) -> Counter[str]:
    if not tracks:
        return Counter()
    stage(conn, "staged_tracks", _TRACK_COLUMNS, map(_track_row, range(len(tracks)), tracks))
    conn.execute(_SQL["upsert_artists"])
    conn.execute(_SQL["ungroup_changed"])
    row = conn.execute(_SQL["upsert_tracks"]).fetchone()
    assert row is not None
    return Counter({"new": row[0], "changed": row[1], "unchanged": row[2]})


def _track_row(ordinal: int, track: Track) -> tuple[Any, ...]:
    lyrics = storable(track.lyrics)
    return (
        ordinal,
        storable(track.source),
        storable(track.source_id),
        storable(track.artist.source),
        storable(track.artist.source_id),
        storable(track.artist.name),
        normalize_name(track.artist.name),
        storable_or_none(track.artist.url),
        storable(track.title),
        [storable(name) for name in track.featured],
        lyrics,
        Jsonb(marks_of(lyrics, track.sections)),
        storable_or_none(track.language),
        storable_or_none(track.album),
        track.release_date,
        storable_year(track.release_year),
        track.is_explicit,
        to_jsonb(dict(track.identifiers)),
        storable(track.url),
        track.content_hash,
    )


def _fetch_rows(results: Sequence[FetchResult]) -> Iterator[tuple[Any, ...]]:
    for ordinal, result in enumerate(results):
        ref, wait = result.ref, result.retry_after_s
        yield (
            ordinal,
            storable(ref.source),
            storable(ref.source_id),
            storable(ref.url),
            storable(ref.title),
            storable(ref.artist.source_id),
            storable(ref.artist.name),
            storable_or_none(ref.artist.url),
            str(result.outcome),
            result.outcome.is_retryable,
            None if wait is None else min(max(wait, 0.0), _LONGEST_RETRY_AFTER_S),
            result.http_status,
            storable_or_none(result.final_url),
            storable_or_none(result.etag),
            storable(result.detail),
        )


def group_duplicates(conn: Connection) -> int:
    """Store which tracks repeat another track's text, and return how many rows changed; no track is rewritten.

    The leader of a text is its track with the smallest (source, source_id), byte by byte, so the order in which the
    tracks came does not matter. Tracks without a word repeat nothing.
    """
    with conn.transaction():
        ungrouped = conn.execute(_SQL["ungroup"]).rowcount
        return ungrouped + conn.execute(_SQL["group"]).rowcount
