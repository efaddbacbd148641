"""The bodies of `/analyze`, `/analyze/batch` and `/analyze/stream`, as pydantic sees them at the edge.

Does not know where the values come from; `analyze.py` fills them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from rapray.serve.api.fields import AnalyzerName, Request, TrackId
from rapray.serve.api.models import AnalysisBody, ProblemBody, SectionBody
from rapray.serve.limits import MAX_BATCH_TEXTS


class _Text(Request):
    """A text, or the id of a stored track; exactly one of them."""

    lyrics: Annotated[
        str | None,
        Field(
            description="The text; section headers such as [Verse 1] and the time stamps of LRC are understood."
        ),
    ] = None
    track_id: TrackId | None = None
    duration_seconds: Annotated[
        float | None,
        Field(
            ge=1,
            le=86_400,
            description="Of the song, with lyrics alone: for syllables a second without stamps.",
        ),
    ] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.lyrics is None) == (self.track_id is None):
            reason = "give either lyrics or track_id"
            raise ValueError(reason)
        if self.track_id is not None and self.duration_seconds is not None:
            reason = "duration_seconds needs lyrics: a stored track is analysed as it is stored"
            raise ValueError(reason)
        return self


class _Wishes(Request):
    """What to do with the text or texts."""

    analyzers: Annotated[
        Annotated[list[AnalyzerName], Field(min_length=1, max_length=32)] | Literal["all"] | None,
        Field(description='Which to run; those of the configuration if left out; "all" that are known.'),
    ] = None
    include_embedding: Annotated[bool, Field(description="Add each result's 256 values.")] = False
    store: Annotated[
        bool, Field(description="Write results and failures into the collection; with track_id alone.")
    ] = False


def _refuse_to_store(texts: list[_Text], store: bool) -> None:
    if store and any(text.track_id is None for text in texts):
        reason = "store needs track_id: a text of your own belongs to no stored track"
        raise ValueError(reason)


class AnalyzeRequest(_Text, _Wishes):
    """A text, or the id of a stored track; exactly one of them."""

    @model_validator(mode="after")
    def _stores_tracks_alone(self) -> Self:
        _refuse_to_store([self], self.store)
        return self


class BatchText(_Text):
    """One text of a batch: a text, or the id of a stored track; exactly one of them."""


class BatchRequest(_Wishes):
    """Several texts, each analysed on its own."""

    items: list[BatchText] = Field(min_length=1, max_length=MAX_BATCH_TEXTS)

    @model_validator(mode="after")
    def _stores_tracks_alone(self) -> Self:
        _refuse_to_store(list(self.items), self.store)
        return self


class AnalyzeResponse(BaseModel):
    """What each analyzer made of the text; those that could not are in `problems`."""

    content_hash: str
    language: str | None
    sections: list[SectionBody]
    results: dict[str, AnalysisBody]
    problems: dict[str, ProblemBody]
    stored: list[str] = Field(description="The analyzers whose result is in the collection now.")


class ResultEvent(BaseModel):
    """One analyzer's result in a stream."""

    analyzer: str
    cache: Literal["hit", "miss"]
    result: AnalysisBody


class BatchAnswer(BaseModel):
    """One text's answer; `problem` where the text could not be read or found, `answer` everywhere else."""

    index: int = Field(description="Its place among `items`, from 0.")
    cache: Literal["hit", "miss"] = Field(description='"hit" where every analyzer had a result; else "miss".')
    answer: AnalyzeResponse | None
    problem: ProblemBody | None


class BatchResponse(BaseModel):
    """An answer for each text, in the order of `items`."""

    items: list[BatchAnswer]
