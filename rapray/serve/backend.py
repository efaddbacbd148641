"""What the HTTP app may ask of the rest of rapray, as protocols and the records that answer.

Knows neither PostgreSQL nor Ray, only the records that reading gives (`rapray.store.records`): `live.py` answers from
the store, `deployments.py` from Ray Serve, tests from memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

from rapray.analyzers.llm.completions import Reply
from rapray.domain import Analysis, Failure, Lyric, ModelInfo, Section, TrackFilter
from rapray.serve.problems import Problem
from rapray.store.records import ArtistSummary, StoredArtist, TrackSummary

State = Literal["up", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may ask for; `/info` publishes it."""

    max_body_bytes: int
    max_lyrics_chars: int
    max_query_chars: int
    search_limit: int
    page_limit: int
    batch_texts: int
    deadline_s: float
    body_idle_timeout_s: float
    body_timeout_s: float
    is_local: bool  # only requests to this host by a name of its own are answered


@dataclass(frozen=True, slots=True)
class PassageHit:
    """The passage that matched: index 0 is the whole track, 1… its sections."""

    index: int
    kind: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One track of a search answer.

    `score` is the cosine similarity, in [-1, 1], of the track's nearest passage, the whole track included; `passage` is
    what to show of it: its nearest section where it has sections.
    """

    score: float
    track: TrackSummary
    passage: PassageHit


@dataclass(frozen=True, slots=True)
class TrackDetail:
    """A stored track with its lyrics and every current analysis."""

    summary: TrackSummary
    lyrics: str
    sections: tuple[Section, ...]
    release_date: date | None = None
    is_explicit: bool | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict[str, str])
    analyses: tuple[Analysis, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page says of the collection; `embedded` with the model that searches, `analyzed` at all."""

    tracks: int
    artists: int
    year_from: int | None = None
    year_to: int | None = None
    languages: tuple[str, ...] = ()
    embedded: int = 0
    analyzed: int = 0


@dataclass(frozen=True, slots=True)
class DependencyHealth:
    """One thing that rapray needs. `detail` names no address and no secret; `is_required` decides readiness."""

    name: str
    state: State
    is_required: bool
    detail: str = ""
    version: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The state of everything that rapray needs, from one check."""

    dependencies: tuple[DependencyHealth, ...]
    models: tuple[ModelInfo, ...] = ()

    @property
    def state(self) -> State:
        """Down without a required dependency, degraded where anything else is not up."""
        if any(d.state == "down" and d.is_required for d in self.dependencies):
            return "down"
        return "up" if all(d.state == "up" for d in self.dependencies) else "degraded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an analyzer made of a text, or why nothing; `is_cached` where it had been made before."""

    outcome: Analysis | Failure
    is_cached: bool = False


class Chat(Protocol):
    """The hosted language model, in plain JSON of OpenAI's form."""

    async def describe(self) -> dict[str, Any]:
        """The model as `/v1/models` lists it. Raises DependencyError."""
        ...

    async def complete(self, request: dict[str, Any]) -> Reply:
        """The whole answer. Raises Overloaded, DependencyError."""
        ...

    def stream(self, request: dict[str, Any]) -> AsyncGenerator[str | Reply]:
        """The answer as lines of server-sent events; a `Reply` where it is refused. Raises as `complete`."""
        ...


class Catalogue(Protocol):
    """Reads of the collection."""

    async def search(self, vector: Sequence[float], filters: TrackFilter, limit: int) -> list[SearchHit]:
        """The nearest tracks, best first, one hit a track."""
        ...

    async def get_track(self, track_id: int) -> TrackDetail | None:
        """A track with its lyrics and analyses, or None."""
        ...

    async def list_tracks(self, filters: TrackFilter, after_id: int, limit: int) -> list[TrackSummary]:
        """Tracks with an id above `after_id`, in order of id."""
        ...

    async def list_artists(self, name: str | None, limit: int) -> list[ArtistSummary]:
        """Artists whose name is like `name`, the most alike first; where it is None, in order of id."""
        ...

    async def get_artist(self, artist_id: int) -> StoredArtist | None:
        """An artist with the size of their vocabulary, or None."""
        ...

    async def overview(self) -> Overview:
        """How much is in the collection."""
        ...


class Services(Protocol):
    """All that the app needs; `open` and `close` frame its life."""

    @property
    def limits(self) -> Limits:
        """What a request may ask for."""
        ...

    @property
    def analyzers(self) -> Mapping[str, str]:
        """Name to version of every analyzer that answers here."""
        ...

    @property
    def unserved(self) -> Mapping[str, Problem]:
        """Every analyzer that is known and does not answer here, with the reason."""
        ...

    @property
    def default_analyzers(self) -> Sequence[str]:
        """Those that run where a request names none."""
        ...

    @property
    def embedding_model(self) -> ModelInfo:
        """Which weights make the query vectors."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """Reads of the collection."""
        ...

    @property
    def chat(self) -> Chat | None:
        """The language model that is hosted here, if any."""
        ...

    async def open(self) -> None:
        """Start what has a lifetime; does not fail where a server is down, `health` says so."""
        ...

    async def close(self) -> None:
        """Stop what `open` started."""
        ...

    async def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a query. Raises Overloaded, DependencyError."""
        ...

    def deadline_s(self, name: str) -> float:
        """Longest wait for this analyzer in a request."""
        ...

    async def analyze(self, name: str, lyric: Lyric) -> Answer:
        """One analyzer's result, from the cache where it is there. Raises Overloaded, DependencyError."""
        ...

    def leave(self, name: str, lyric: Lyric, asked: asyncio.Task[Answer]) -> None:
        """An `analyze` whose deadline is over: let it end for the next caller where it is worth it, else cancel it."""
        ...

    async def store(self, results: Sequence[Analysis], failures: Sequence[Failure]) -> list[str]:
        """Write into the collection what was found of one stored track.

        Returns the analyzers whose result is stored now: one that does not fit is kept as a failure. Raises
        DependencyError.
        """
        ...

    async def health(self) -> Health:
        """Return the state of every dependency; never raises."""
        ...

    async def is_ready(self) -> Health:
        """Check what readiness needs and no more."""
        ...
