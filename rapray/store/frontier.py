"""The frontier: which songs are known to exist at a source, and which of them are due to be read.

Does not fetch, and does not know how a fetch ended: `tracks.write_fetched` stores that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import Connection

from rapray.domain import Artist, SongRef, WriteCounts
from rapray.store import queries
from rapray.store.ledger import stage
from rapray.store.ranges import KeyRange, by_index
from rapray.store.values import storable_or_none
from rapray.text.storable import storable

_SQL = queries.load("frontier")
_COLUMNS = {
    "source": "text",
    "source_id": "text",
    "url": "text",
    "title": "text",
    "artist_source_id": "text",
    "artist_name": "text",
    "artist_url": "text",
    "is_feature": "bool",
}


def add_discovered(
    conn: Connection, artist: Artist, discoveries: Iterable[tuple[SongRef, bool]]
) -> WriteCounts:
    """Adds what discovery found for `artist`: pairs of a song and whether it is another artist's.

    An own song becomes due once; found again it stays as it is, but for its title and address. A feature is
    done at once with the outcome "feature", unless the song is somebody's own: own wins, whichever came first.
    """
    rows = [
        (
            storable(ref.source),
            storable(ref.source_id),
            storable(ref.url),
            storable(ref.title),
            storable(artist.source_id),
            storable(artist.name),
            storable_or_none(artist.url),
            is_feature,
        )
        for ref, is_feature in discoveries
    ]
    if not rows:
        return WriteCounts()
    with conn.transaction():
        stage(conn, "staged_songs", _COLUMNS, rows)
        row = conn.execute(_SQL["upsert_discovered"]).fetchone()
    assert row is not None
    return WriteCounts(new=row[0], changed=row[1], unchanged=row[2])


def due_ranges(
    conn: Connection, source: str, rows_per_range: int, *, artist_source_ids: Sequence[str] | None = None
) -> list[KeyRange[str]]:
    """Cuts the songs that are due now into ranges of about `rows_per_range`; of some artists alone if given."""
    parameters = {"source": source, "rows": rows_per_range, "artists": _list_or_none(artist_source_ids)}
    with by_index(conn):
        found = conn.execute(_SQL["due_ranges"], parameters).fetchall()
    return [KeyRange(lo, hi, rows) for lo, hi, rows in found]


def read_due(
    conn: Connection, source: str, key_range: KeyRange[str], *, artist_source_ids: Sequence[str] | None = None
) -> list[SongRef]:
    """The songs of a range that are still due, in order of their ids."""
    parameters = {
        "source": source,
        "lo": key_range.lo,
        "hi": key_range.hi,
        "artists": _list_or_none(artist_source_ids),
    }
    with by_index(conn):
        rows = conn.execute(_SQL["read_due"], parameters).fetchall()
    return [
        SongRef(source, source_id, url, title, Artist(source, artist_id, artist_name, artist_url))
        for source_id, url, title, artist_id, artist_name, artist_url in rows
    ]


def summary(conn: Connection, source: str, artist_source_ids: Sequence[str]) -> dict[str, int]:
    """How the songs that were discovered for these artists ended, by outcome.

    "feature" counts other artists' songs, "due" what was never tried. A retryable outcome is the last of a
    song that is due again or dead.
    """
    parameters = {"source": source, "artists": list(artist_source_ids)}
    return dict(conn.execute(_SQL["summary"], parameters).fetchall())


def _list_or_none(artist_source_ids: Sequence[str] | None) -> list[str] | None:
    return None if artist_source_ids is None else list(artist_source_ids)
