"""Embeds tracks that have no current vectors of the chosen model.

Knows the order of the steps; how text becomes vectors is `rapray.embeddings`' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pyarrow as pa
import ray
from psycopg import Connection

from rapray.analyzers.base import Needs
from rapray.config import EmbeddingSettings, Settings
from rapray.domain import Failure, LyricVectors, embed_stage
from rapray.embeddings import embed_lyrics, load_embedder, model_info
from rapray.pipelines.job import JobReport, job, run_plan
from rapray.pipelines.lyrics import read_due_lyrics, report, split
from rapray.pipelines.plan import computing
from rapray.pipelines.records import from_table, to_table
from rapray.store import due, models, vectors
from rapray.store.due import DueEmbeddings

# Small enough that a killed worker loses seconds, large enough to fill batches of equal length.
BATCH_ROWS = 32


class Embed:
    """An actor that turns lyrics into vectors; the model is loaded once an actor."""

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._embedder = load_embedder(settings.placed_on(len(ray.get_gpu_ids())))

    def __call__(self, block: pa.Table) -> pa.Table:
        """Vectors or a failure for every lyric of the block."""
        return to_table([(result.key, result) for result in embed_lyrics(self._embedder, from_table(block))])


def embed(settings: Settings, *, limit: int | None = None) -> JobReport:
    """Embed every track, at most `limit`, that the configured model has not embedded in its present form.

    Raises:
        MissingExtra, ModelUnavailable: the model cannot be loaded.
        JobAlreadyRunning, DependencyError: see `rapray.pipelines.job.job`.
    """
    model = model_info(settings.embedding)
    parameters = {"model": model.name, "revision": model.revision, "limit": limit}
    with job("embed", settings, parameters) as context:
        model_id = models.register_model(context.connection, model)
        query = DueEmbeddings(model_id, embed_stage(model))
        ranges = due.due_ranges(context.connection, query, settings.jobs.compute_block_rows, limit)
        run_plan(
            context,
            reader=partial(read_due_lyrics, query=query),
            key_ranges=ranges,
            total=sum(found.rows for found in ranges),
            stage=computing(
                settings,
                Embed,
                {"settings": settings.embedding},
                BATCH_ROWS,
                needs=Needs(gpu=settings.embedding.gpus_needed),
            ),
            writer=partial(
                write,
                model_id=model_id,
                dimension=models.dimension_of(context.connection, model_id),
                stage=query.stage,
                max_attempts=settings.jobs.max_attempts,
            ),
        )
        return report(context, query)


def write(
    connection: Connection,
    run_id: UUID,
    records: Sequence[LyricVectors | Failure],
    *,
    model_id: int,
    dimension: int,
    stage: str,
    max_attempts: int,
) -> None:
    """Vectors and failures of one batch, in one transaction."""
    done, failed = split(records)
    vectors.write_embeddings(
        connection, run_id, model_id, dimension, done, stage=stage, failed=failed, max_attempts=max_attempts
    )
