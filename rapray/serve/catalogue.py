"""The collection as the app reads it: `rapray.store` for the queries, one short cache for the figures.

Knows no HTTP and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import Analysis, ModelInfo, Provenance, TrackFilter
from rapray.serve.backend import Overview, PassageHit, SearchHit, TrackDetail
from rapray.store import artists, read, records
from rapray.store.search import Hit, search

Pool = AsyncConnectionPool[AsyncConnection]
# Counting reads whole indexes; every visit of the first page asks.
OVERVIEW_SECONDS = 10


class StoredCatalogue:
    """`rapray.serve.backend.Catalogue` over PostgreSQL.

    Args:
        pool: opens the pool of connections.
        model: the embedding model of searches.
        current: the provenances that the settings ask for; their results are preferred.
    """

    def __init__(
        self, pool: Callable[[], Awaitable[Pool]], model: ModelInfo, current: Collection[Provenance]
    ) -> None:
        self._pool, self._model, self._current = pool, model, current
        self._model_id: int | None = None
        self._overview: tuple[float, Overview] | None = None

    async def search(self, vector: Sequence[float], filters: TrackFilter, limit: int) -> list[SearchHit]:
        """The nearest tracks; none as long as nothing was embedded with this model."""
        pool = await self._pool()
        if self._model_id is None:
            self._model_id = await read.find_model(pool, self._model)
        if self._model_id is None:
            return []
        return [_hit(hit) for hit in await search(pool, self._model_id, vector, filters, limit=limit)]

    async def get_track(self, track_id: int) -> TrackDetail | None:
        """Return a track with one analysis of its present text for each analyzer that has any."""
        track = await read.get_track(await self._pool(), track_id, self._current)
        return None if track is None else _detail(track)

    async def list_tracks(
        self, filters: TrackFilter, after_id: int, limit: int
    ) -> list[records.TrackSummary]:
        """Tracks in order of id."""
        return await read.list_tracks(await self._pool(), filters, after=after_id, limit=limit)

    async def list_artists(self, name: str | None, limit: int) -> list[records.ArtistSummary]:
        """Artists like `name`, or the first by id."""
        pool = await self._pool()
        if name is None:
            return await read.list_artists(pool, limit=limit)
        return await read.find_artists(pool, name, limit=limit)

    async def get_artist(self, artist_id: int) -> records.StoredArtist | None:
        """An artist, with up to 35,000 words read for it."""
        return await artists.get_artist(await self._pool(), artist_id)

    async def overview(self) -> Overview:
        """Figures of the collection, at most `OVERVIEW_SECONDS` old."""
        now = time.monotonic()
        if self._overview is None or now - self._overview[0] > OVERVIEW_SECONDS:
            self._overview = (now, _overview(await read.corpus_stats(await self._pool()), self._model))
        return self._overview[1]


def _hit(hit: Hit) -> SearchHit:
    if hit.section is None or hit.section_passage is None:
        return SearchHit(hit.score, hit.track, PassageHit(0, "track", "", ""))
    section = hit.section
    passage = PassageHit(hit.section_passage, section.kind, section.label, "\n".join(section.lines))
    return SearchHit(hit.score, hit.track, passage)


def _detail(track: records.StoredTrack) -> TrackDetail:
    return TrackDetail(
        summary=track.summary,
        lyrics=track.lyrics,
        sections=track.sections,
        release_date=track.release_date,
        is_explicit=track.is_explicit,
        identifiers=track.identifiers,
        analyses=tuple(_newest(track)),
    )


def _newest(track: records.StoredTrack) -> Iterable[Analysis]:
    """One result an analyzer, of the present text; the store gives the current one first, then the newest."""
    seen: set[str] = set()
    for stored in track.analyses:
        analyzer = stored.analysis.provenance.analyzer
        if stored.analysis.content_hash == track.content_hash and analyzer not in seen:
            seen.add(analyzer)
            yield stored.analysis


def _overview(found: records.CorpusStats, model: ModelInfo) -> Overview:
    return Overview(
        tracks=found.tracks,
        artists=found.artists,
        year_from=found.first_year,
        year_to=found.last_year,
        languages=tuple(sorted(found.languages)),
        embedded=found.embedded.get(f"{model.name}@{model.revision}", 0),
        analyzed=max(found.analyzed.values(), default=0),
    )
