"""Analyses tracks that have no current result of an analyzer, one analyzer after the other.

Knows the order of the steps; what an analyzer measures is its own business.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import pyarrow as pa
from psycopg import Connection

from rapray.analyzers.registry import create, spec
from rapray.config import Settings
from rapray.domain import Analysis, Failure, analyze_stage
from rapray.pipelines.job import JobContext, JobReport, job, run_plan
from rapray.pipelines.lyrics import read_due_lyrics, report, split
from rapray.pipelines.plan import computing
from rapray.pipelines.records import from_table, to_table
from rapray.store import analyses, due
from rapray.store.due import DueAnalyses


class Analyze:
    """An actor that runs one analyzer; it is created once an actor."""

    def __init__(self, analyzer: str) -> None:
        self._analyzer = create(analyzer)

    def __call__(self, block: pa.Table) -> pa.Table:
        """An analysis or a failure for every lyric of the block."""
        return to_table([(result.key, result) for result in self._analyzer.analyze(from_table(block))])


def analyze(settings: Settings, analyzers: Sequence[str], *, limit: int | None = None) -> JobReport:
    """Run each of `analyzers` over the tracks, at most `limit`, that it has no current result for.

    Raises:
        UnknownAnalyzer: there is none of that name; nothing has been analysed then.
        JobAlreadyRunning, DependencyError: see `rapray.pipelines.job.job`.
    """
    for name in analyzers:
        spec(name)
    with job("analyze", settings, {"analyzers": list(analyzers), "limit": limit}) as context:
        queries = [_due(name) for name in analyzers]
        for query in queries:
            _analyze(context, query, limit)
        return report(context, *queries)


def _due(name: str) -> DueAnalyses:
    analyzer = create(name)
    model = analyzer.model
    return DueAnalyses(
        analyzer=name,
        version=analyzer.version,
        stage=analyze_stage(name, analyzer.version),
        model=model.name if model else None,
        model_revision=model.revision if model else None,
        prompt_version=analyzer.prompt_version,
    )


def _analyze(context: JobContext, query: DueAnalyses, limit: int | None) -> None:
    settings = context.settings
    ranges = due.due_ranges(context.connection, query, settings.jobs.compute_block_rows, limit)
    run_plan(
        context,
        reader=partial(read_due_lyrics, query=query),
        key_ranges=ranges,
        total=sum(found.rows for found in ranges),
        stage=computing(settings, Analyze, {"analyzer": query.analyzer}, spec(query.analyzer).batch_size),
        writer=partial(write, max_attempts=settings.jobs.max_attempts),
    )


def write(
    connection: Connection, run_id: UUID, records: Sequence[Analysis | Failure], *, max_attempts: int
) -> None:
    """Analyses and failures of one batch, in one transaction."""
    done, failed = split(records)
    analyses.write_analyses(connection, run_id, done, failed=failed, max_attempts=max_attempts)
