"""Services that live in memory: for tests, for the OpenAPI document, for looking at a page without a server.

Knows no database and no model: a vector is a hashed bag of words, so that only texts that share words are near.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from rapray.config import AnalyzeSettings, ServeSettings
from rapray.domain import Analysis, Failure, Lyric, ModelInfo, TrackFilter
from rapray.serve.backend import (
    Answer,
    Chat,
    DependencyHealth,
    Health,
    Limits,
    Overview,
    PassageHit,
    SearchHit,
    TrackDetail,
)
from rapray.serve.limits import MAX_BATCH_TEXTS, MAX_PAGE, MAX_QUERY_CHARS
from rapray.serve.problems import Problem
from rapray.store.records import ArtistSummary, StoredArtist, TrackSummary
from rapray.text.sections import sung_lines
from rapray.text.tokens import words
from rapray.text.words.diction import distinct

DIMENSION = 64
Analyze = Callable[[Lyric], Analysis | Failure]


def _default_limits() -> Limits:
    """Return the limits by default, except that every Host header is answered."""
    serve, analyze = ServeSettings(), AnalyzeSettings()
    return Limits(
        max_body_bytes=serve.max_body_bytes,
        max_lyrics_chars=analyze.max_lyrics_chars,
        max_query_chars=MAX_QUERY_CHARS,
        search_limit=serve.search_limit,
        page_limit=MAX_PAGE,
        batch_texts=MAX_BATCH_TEXTS,
        deadline_s=analyze.deadline_s,
        body_idle_timeout_s=serve.body_idle_timeout_s,
        body_timeout_s=serve.body_timeout_s,
        is_local=False,
    )


class MemoryServices:
    """`rapray.serve.backend.Services` over a list of tracks; it is its own catalogue."""

    embedding_model = ModelInfo("embedding", "bag-of-words", "1", DIMENSION)

    def __init__(
        self,
        tracks: Iterable[TrackDetail] = (),
        analyzers: Mapping[str, Analyze] | None = None,
        *,
        limits: Limits | None = None,
        health: Health | None = None,
        unserved: Mapping[str, Problem] | None = None,
        chat: Chat | None = None,
    ) -> None:
        self.tracks = {track.summary.id: track for track in tracks}
        self._analyze = dict(analyzers or {})
        self.analyzers = dict.fromkeys(self._analyze, "1.0.0")
        self.default_analyzers = tuple(self._analyze)
        self.unserved = dict(unserved or {})
        self.chat = chat
        self.limits = limits or _default_limits()
        self.stored: dict[tuple[str, str], Analysis] = {}
        self.failures: list[Failure] = []
        self._cache: dict[tuple[str, str, str], Analysis] = {}
        self._health = health or Health((DependencyHealth("database", "up", is_required=True),))

    @property
    def catalogue(self) -> MemoryServices:
        """This object."""
        return self

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def embed_query(self, text: str) -> Sequence[float]:
        """A hashed bag of words, L2-normalised."""
        return vector_of(text)

    def deadline_s(self, name: str) -> float:
        """The same for all."""
        del name
        return self.limits.deadline_s

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        """The analyzer's function, in a thread; what it found for a text is found again."""
        key = (name, lyric.content_hash, lyric.lyrics)
        known = self._cache.get(key)
        if known is not None:
            return Answer(replace(known, key=lyric.key), is_cached=True)
        outcome = await asyncio.to_thread(self._analyze[name], lyric)
        if isinstance(outcome, Analysis):
            self._cache[key] = outcome
        return Answer(outcome)

    def leave(self, name: str, lyric: Lyric, asked: asyncio.Task[Answer]) -> None:
        """Nothing is worth waiting for."""
        del name, lyric
        asked.cancel()

    async def store(self, results: Sequence[Analysis], failures: Sequence[Failure]) -> list[str]:
        """Into two attributes."""
        self.stored |= {(result.key, result.provenance.analyzer): result for result in results}
        self.failures += failures
        return [result.provenance.analyzer for result in results]

    async def health(self) -> Health:
        """What the constructor was given."""
        return self._health

    async def is_ready(self) -> Health:
        """What the constructor was given."""
        return self._health

    async def search(self, vector: Sequence[float], filters: TrackFilter, limit: int) -> list[SearchHit]:
        """The best section of each track that fits."""
        hits = [_best(track, vector) for track in self.tracks.values() if _fits(track.summary, filters)]
        return sorted(hits, key=lambda hit: (-hit.score, hit.track.id))[:limit]

    async def get_track(self, track_id: int) -> TrackDetail | None:
        """The track, or None."""
        return self.tracks.get(track_id)

    async def list_tracks(self, filters: TrackFilter, after_id: int, limit: int) -> list[TrackSummary]:
        """Tracks in order of id."""
        found = (self.tracks[key].summary for key in sorted(self.tracks) if key > after_id)
        return [summary for summary in found if _fits(summary, filters)][:limit]

    async def list_artists(self, name: str | None, limit: int) -> list[ArtistSummary]:
        """Artists by name."""
        found = [a for a in self._artists() if name is None or name.casefold() in a.name.casefold()]
        return found[:limit]

    async def get_artist(self, artist_id: int) -> StoredArtist | None:
        """The artist with the words of all their tracks, or None; never so many that they compare."""
        artist = next((a for a in self._artists() if a.id == artist_id), None)
        if artist is None:
            return None
        own = [track for track in self.tracks.values() if track.summary.artist == artist.name]
        found = [word for t in own for line in sung_lines(t.sections) for word in words(line)]
        return StoredArtist(artist.id, artist.name, artist.tracks, len(found), distinct(found), None)

    def _artists(self) -> list[ArtistSummary]:
        counts = Counter(track.summary.artist for track in self.tracks.values())
        return [
            ArtistSummary(i, "memory", name, name, None, counts[name], 1.0)
            for i, name in enumerate(sorted(counts), start=1)
        ]

    async def overview(self) -> Overview:
        """Counts over the list."""
        tracks = self.tracks.values()
        years = [track.summary.release_year for track in tracks if track.summary.release_year]
        return Overview(
            tracks=len(tracks),
            artists=len({track.summary.artist for track in tracks}),
            year_from=min(years, default=None),
            year_to=max(years, default=None),
            languages=tuple(sorted({t.summary.language for t in tracks if t.summary.language})),
            embedded=len(tracks),
            analyzed=sum(bool(track.analyses) for track in tracks),
        )


def vector_of(text: str) -> list[float]:
    """A hashed bag of words with `DIMENSION` values, L2-normalised."""
    values = [0.0] * DIMENSION
    for line in text.splitlines():
        for word in words(line):
            values[zlib.crc32(word.encode()) % DIMENSION] += 1
    length = math.hypot(*values)
    return [value / length for value in values] if length else values


def _best(track: TrackDetail, vector: Sequence[float]) -> SearchHit:
    passages = [(i, "\n".join(s.lines)) for i, s in enumerate(track.sections, start=1)]
    scored = (
        (sum(a * b for a, b in zip(vector_of(text), vector, strict=True)), i, text) for i, text in passages
    )
    score, index, text = max(scored, key=lambda found: (found[0], -found[1]))
    section = track.sections[index - 1]
    return SearchHit(score, track.summary, PassageHit(index, section.kind, section.label, text))


def _fits(track: TrackSummary, filters: TrackFilter) -> bool:
    year = track.release_year or 0
    return (
        (filters.artist is None or filters.artist.casefold() == track.artist.casefold())
        and (filters.year_from is None or year >= filters.year_from)
        and (filters.year_to is None or (track.release_year is not None and year <= filters.year_to))
        and (filters.language is None or filters.language == track.language)
    )
