"""Records of the backend as the bodies of answers.

Decides nothing: each function copies one record into one model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from rapray import __version__
from rapray.analyzers.base import to_json
from rapray.domain import Analysis, ModelInfo, Section
from rapray.serve.api import models
from rapray.serve.backend import Health, SearchHit, TrackDetail
from rapray.store.records import ArtistSummary, StoredArtist, TrackSummary


def section(record: Section) -> models.SectionBody:
    """A stanza."""
    return models.SectionBody(
        kind=record.kind,
        number=record.number,
        label=record.label,
        voices=list(record.voices),
        lines=list(record.lines),
    )


def model(record: ModelInfo) -> models.Model:
    """Which weights."""
    return models.Model(**asdict(record))


def analysis(record: Analysis, *, include_embedding: bool = False) -> models.AnalysisBody:
    """One analyzer's result."""
    return models.AnalysisBody(**to_json(record, include_embedding=include_embedding))


def track(record: TrackSummary) -> models.TrackBody:
    """A track in a list."""
    return models.TrackBody(
        id=record.id,
        title=record.title,
        artist=record.artist,
        album=record.album,
        year=record.release_year,
        language=record.language,
    )


def hit(record: SearchHit) -> models.HitBody:
    """One result of a search."""
    return models.HitBody(
        score=round(record.score, 6),
        track=track(record.track),
        passage=models.PassageBody(**asdict(record.passage)),
    )


def track_detail(record: TrackDetail) -> models.TrackDetailBody:
    """A track with everything that is stored of it."""
    return models.TrackDetailBody(
        **track(record.summary).model_dump(),
        content_hash=record.summary.content_hash,
        url=record.summary.url,
        featured=list(record.summary.featured),
        release_date=record.release_date,
        is_explicit=record.is_explicit,
        identifiers=dict(record.identifiers),
        sections=sections(record.sections),
        analyses={a.provenance.analyzer: analysis(a) for a in record.analyses},
    )


def artist(record: ArtistSummary) -> models.ArtistBody:
    """An artist in a list."""
    return models.ArtistBody(id=record.id, name=record.name, tracks=record.tracks)


def artist_detail(record: StoredArtist) -> models.ArtistDetailBody:
    """An artist with the size of their vocabulary."""
    return models.ArtistDetailBody(**asdict(record))


def sections(records: Iterable[Section]) -> list[models.SectionBody]:
    """The stanzas of a lyric."""
    return [section(record) for record in records]


def health(record: Health, analyzers: dict[str, str]) -> models.HealthBody:
    """The state of everything."""
    return models.HealthBody(
        status=record.state,
        version=__version__,
        dependencies={
            d.name: models.DependencyBody(
                state=d.state,
                is_required=d.is_required,
                detail=d.detail,
                version=d.version,
                seconds=None if d.seconds is None else round(d.seconds, 4),
            )
            for d in record.dependencies
        },
        models=[model(m) for m in record.models],
        analyzers=analyzers,
    )
