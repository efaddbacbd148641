"""What a request does: get a text ready, look up a track, search by meaning. The endpoints and the pages share it.

Knows no HTTP, and not who answers; `fanout.py` asks the analyzers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Literal

from rapray.analyzers.selection import expanded
from rapray.domain import Lyric, TrackFilter
from rapray.errors import ArtistNotFound, DeadlineExceeded, TrackNotFound
from rapray.serve.backend import SearchHit, Services, TrackDetail
from rapray.store.records import StoredArtist
from rapray.telemetry import metric
from rapray.text.submitted import submitted_lyric


async def prepared_lyric(raw: str, max_chars: int, duration_s: float | None = None) -> Lyric:
    """A caller's text, cleaned and split, in a thread: a megabyte takes longer than the event loop may stand still.

    Raises:
        InvalidLyrics: empty, too long, or not text.
    """
    return await asyncio.to_thread(submitted_lyric, "request", raw, max_chars, duration_s)


async def stored_lyric(services: Services, track_id: int) -> Lyric:
    """The lyric of a stored track. Raises TrackNotFound."""
    return lyric_of(await found_track(services, track_id))


def lyric_of(track: TrackDetail) -> Lyric:
    """A stored track as a text to analyse."""
    return Lyric(
        key=str(track.summary.id),
        lyrics=track.lyrics,
        sections=track.sections,
        content_hash=track.summary.content_hash,
        title=track.summary.title,
        language=track.summary.language,
    )


async def found_track(services: Services, track_id: int) -> TrackDetail:
    """A stored track. Raises TrackNotFound."""
    track = await services.catalogue.get_track(track_id)
    if track is None:
        raise TrackNotFound(track_id=track_id)
    return track


async def found_artist(services: Services, artist_id: int) -> StoredArtist:
    """A stored artist. Raises ArtistNotFound."""
    artist = await services.catalogue.get_artist(artist_id)
    if artist is None:
        raise ArtistNotFound(artist=artist_id)
    return artist


def check_analyzers(services: Services, names: Sequence[str] | Literal["all"] | None) -> list[str]:
    """The analyzers to run, each once, in the order given; "all" are those that are known, served here or not.

    Raises:
        UnknownAnalyzer: there is none of that name.
    """
    given = [names] if isinstance(names, str) else names
    return expanded(given or services.default_analyzers, sorted({*services.analyzers, *services.unserved}))


async def search(services: Services, query: str, filters: TrackFilter, limit: int) -> list[SearchHit]:
    """The tracks nearest in meaning to a query.

    Raises:
        DeadlineExceeded: the embedder did not answer in time.
    """
    deadline_s = services.limits.deadline_s
    started = time.perf_counter()
    try:
        async with asyncio.timeout(deadline_s):
            vector = await services.embed_query(query)
    except TimeoutError as error:
        raise DeadlineExceeded(what="The embedder", limit=f"{deadline_s:g} s") from error
    embedded = time.perf_counter()
    metric("rapray_embed_query_seconds").observe(embedded - started)
    hits = await services.catalogue.search(vector, filters, limit)
    metric("rapray_search_seconds").observe(time.perf_counter() - embedded)
    return hits
