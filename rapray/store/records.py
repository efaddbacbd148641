"""What reading the store gives back: tracks, their analyses and artists as they are stored.

Knows no SQL and no HTTP; ids here are the database's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime

from rapray.domain import Analysis, Section


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """A track without its lyrics: what a list or a search result shows.

    `duplicate_group` is the id of the track that stands for all with its text: its own if it repeats none.
    """

    id: int
    title: str
    artist_id: int
    artist: str
    featured: tuple[str, ...]
    album: str | None
    release_year: int | None
    language: str | None
    url: str
    content_hash: str
    duplicate_group: int


@dataclass(frozen=True, slots=True)
class StoredAnalysis:
    """An analysis of a track, without its embedding.

    `is_current` says that it has the provenance that the settings ask for and is of the track's present text.
    """

    analysis: Analysis
    created_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """Everything that is stored of a track, its analyses included."""

    id: int
    source: str
    source_id: str
    title: str
    artist_id: int
    artist: str
    featured: tuple[str, ...]
    lyrics: str
    sections: tuple[Section, ...]
    language: str | None
    album: str | None
    release_date: date | None
    release_year: int | None
    is_explicit: bool | None
    identifiers: Mapping[str, str]
    url: str
    content_hash: str
    duplicate_group: int
    created_at: datetime
    updated_at: datetime
    analyses: tuple[StoredAnalysis, ...]

    @property
    def summary(self) -> TrackSummary:
        """What a list shows of it."""
        return TrackSummary(**{field.name: getattr(self, field.name) for field in fields(TrackSummary)})


@dataclass(frozen=True, slots=True)
class ArtistSummary:
    """An artist and the number of tracks; `similarity` to the name that was asked for, 1 without one."""

    id: int
    source: str
    source_id: str
    name: str
    url: str | None
    tracks: int
    similarity: float


@dataclass(frozen=True, slots=True)
class StoredArtist:
    """An artist with `words_read` words of the first songs, of which `distinct_words` differ, apostrophes removed.

    `daniels` is that count where the whole window of 35,000 words is there, else None.
    """

    id: int
    name: str
    tracks: int
    words_read: int
    distinct_words: int
    daniels: int | None


@dataclass(frozen=True, slots=True)
class CorpusStats:
    """Figures of the whole collection."""

    tracks: int
    artists: int
    first_year: int | None
    last_year: int | None
    languages: Mapping[str, int]
    embedded: Mapping[str, int]
    analyzed: Mapping[str, int]
