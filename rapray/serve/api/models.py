"""The bodies of requests and answers, as pydantic sees them at the edge.

Does not know where the values come from; `views.py` fills them.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rapray.serve.api.fields import Language, Name, Request, Year, one_line
from rapray.serve.limits import MAX_QUERY_CHARS, MAX_SEARCH_RESULTS


class SearchRequest(Request):
    """What to look for, in words; the filters narrow it."""

    query: Annotated[str, StringConstraints(max_length=MAX_QUERY_CHARS), AfterValidator(one_line)] = Field(
        description="A thought, a line, a mood.", examples=["growing up without much money"]
    )
    limit: Annotated[int, Field(ge=1, le=MAX_SEARCH_RESULTS)] = 10
    artist: Name | None = None
    year_from: Year | None = None
    year_to: Year | None = None
    language: Language | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not any(c.isalnum() for c in self.query):
            reason = "query must hold a letter or a digit"
            raise ValueError(reason)
        if self.year_from is not None and self.year_to is not None and self.year_from > self.year_to:
            reason = "year_from must not be after year_to"
            raise ValueError(reason)
        return self


class Model(BaseModel):
    """Which weights made a vector or a result."""

    kind: str
    name: str
    revision: str
    dimension: int | None


class SectionBody(BaseModel):
    """A stanza; `lines` are the sung lines without the header."""

    kind: str
    number: int | None
    label: str
    voices: list[str]
    lines: list[str]


class AnalysisBody(BaseModel):
    """One analyzer's result; `data` is described in the documentation of the analyzer."""

    model_config = ConfigDict(protected_namespaces=())

    analyzer: str
    version: str
    sentiment: float | None
    confidence: float | None
    data: dict[str, Any]
    model: str | None
    model_revision: str | None
    prompt_version: str | None
    parameters: str | None = Field(
        description="A digest of the settings that decided it; null: all at their defaults."
    )
    content_hash: str
    seconds: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    embedding: list[float] | None = Field(default=None, description="Only where it was asked for.")


class FieldErrorBody(BaseModel):
    """One field that is not valid; `pointer` is a JSON pointer into the part named by `in`."""

    where: Literal["body", "query", "path", "header"] = Field(alias="in")
    pointer: str
    code: str
    detail: str


class ProblemBody(BaseModel):
    """RFC 9457. `code` is stable; `/docs` lists them all."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    request_id: str | None = None
    errors: list[FieldErrorBody] | None = None
    retry_after_s: int | None = None


class TrackBody(BaseModel):
    """A track without its lyrics."""

    id: int
    title: str
    artist: str
    album: str | None
    year: int | None
    language: str | None


class PassageBody(BaseModel):
    """The passage that matched; index 0 is the whole track, 1… its sections."""

    index: int
    kind: str
    label: str
    text: str


class HitBody(BaseModel):
    """One track; `score` is a cosine similarity in [-1, 1]."""

    score: float
    track: TrackBody
    passage: PassageBody


class SearchResponse(BaseModel):
    """Tracks, best first, one hit each."""

    query: str
    model: Model
    results: list[HitBody]


class TrackDetailBody(TrackBody):
    """A track with its lyrics by section. Measures and rhyme positions are in `analyses.algorithmic.data`."""

    content_hash: str
    url: str
    featured: list[str]
    release_date: date | None
    is_explicit: bool | None
    identifiers: dict[str, str]
    sections: list[SectionBody]
    analyses: dict[str, AnalysisBody]


class TrackPage(BaseModel):
    """Some tracks in order of id; `next_cursor` is null on the last page."""

    tracks: list[TrackBody]
    next_cursor: str | None


class ArtistBody(BaseModel):
    """A performer and how many tracks the collection has."""

    id: int
    name: str
    tracks: int


class ArtistDetailBody(ArtistBody):
    """A performer and the size of their vocabulary: the distinct words within their first 35,000 (M. Daniels).

    Songs are read in order of release, those with the same words once, hooks and ad-libs included; featured ones are
    another artist's.
    """

    words_read: int = Field(description="Words of these songs, at most 35,000.")
    distinct_words: int = Field(
        description="How many of them differ, apostrophes removed (runnin' is runnin)."
    )
    daniels: int | None = Field(
        description="The same count where 35,000 words are there; null below, where artists do not compare."
    )


class ArtistPage(BaseModel):
    """Artists, the best match first, or in order of id."""

    artists: list[ArtistBody]


class DependencyBody(BaseModel):
    """The state of one thing that rapray needs."""

    state: Literal["up", "degraded", "down"]
    is_required: bool
    detail: str
    version: str | None
    seconds: float | None


class HealthBody(BaseModel):
    """Everything that rapray needs, checked for this answer."""

    status: Literal["up", "degraded", "down"]
    version: str
    dependencies: dict[str, DependencyBody]
    models: list[Model]
    analyzers: dict[str, str]


class StatusBody(BaseModel):
    """One word."""

    status: Literal["up", "ready", "degraded"]


class LimitsBody(BaseModel):
    """What a request may ask for."""

    max_body_bytes: int
    max_lyrics_chars: int
    max_query_chars: int
    search_limit: int
    page_limit: int
    batch_texts: int
    deadline_s: float
    body_idle_timeout_s: float
    body_timeout_s: float


class InfoBody(BaseModel):
    """What runs here and what it takes."""

    version: str
    limits: LimitsBody
    analyzers: dict[str, str]
    deadlines_s: dict[str, float] = Field(description="Longest wait for each analyzer, in seconds.")
    embedding_model: Model
    tracks: int
    artists: int
