"""Analyses tracks that have no current result of an analyzer, one analyzer after the other.

Knows the order of the steps; what an analyzer measures is its own business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from uuid import UUID

import pyarrow as pa
from psycopg import Connection

from rapray.analyzers.base import Analyzer, Charged, failure
from rapray.analyzers.llm.providers import is_hosted
from rapray.analyzers.outcomes import outcomes_of
from rapray.analyzers.registry import create, preflight, provenance_of, spec
from rapray.config import Settings
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.errors import RaprayError, RayUnavailable, RunPaused
from rapray.pipelines.job import JobContext, JobReport, job, run_plan
from rapray.pipelines.lyrics import HELD, read_due_lyrics, report, split
from rapray.pipelines.plan import Stage, computing
from rapray.pipelines.records import from_table, to_table
from rapray.store import analyses, due
from rapray.store.costs import RunBudget
from rapray.store.due import DueAnalyses
from rapray.store.ledger import batch_id, write_once
from rapray.store.scope import EVERY_TRACK, NamedScope
from rapray.telemetry import logger

log = logger(__name__)
_MOST_TASKS = 20_000  # of reading: the driver holds each of them


class Analyze:
    """An actor that runs one analyzer; it is created once an actor, with the first block.

    An analyzer that cannot be made leaves its lyrics due. Raised from here, Ray would hand the driver a text that names
    neither error nor analyzer, and the job would end as if Ray had failed.
    """

    def __init__(self, provenance: Provenance, settings: Settings, budget: RunBudget | None = None) -> None:
        self._provenance, self._settings, self._budget = provenance, settings, budget

    def __call__(self, block: pa.Table) -> pa.Table:
        """An analysis or a failure for every lyric of the block."""
        return to_table([(result.key, result) for result in self._results(block)])

    def _results(self, block: pa.Table) -> Sequence[Analysis | Failure]:
        lyrics: list[Lyric] = from_table(block)
        made = self._analyzer
        if isinstance(made, RaprayError):
            return [_untried(self._provenance, lyric, made) for lyric in lyrics]
        return outcomes_of(made, lyrics)

    @cached_property
    def _analyzer(self) -> Analyzer | RaprayError:
        try:
            made = create(self._provenance.analyzer, self._settings)
            if self._budget is not None and isinstance(made, Charged):
                made.charge_to(self._budget)
        except RaprayError as error:
            name = self._provenance.analyzer
            log.error("analyzer cannot be made", analyzer=name, code=error.code, detail=str(error))
            return error
        return made


def _untried(provenance: Provenance, lyric: Lyric, error: RaprayError) -> Failure:
    return replace(failure(provenance, lyric, error), blames_text=False)


def analyze(
    settings: Settings,
    analyzers: Sequence[str],
    *,
    limit: int | None = None,
    where: NamedScope = EVERY_TRACK,
) -> JobReport:
    """Run each of `analyzers` over the tracks, at most `limit`, that it has no current result for.

    An analyzer that cannot be made or go on leaves its tracks due and lets the others run: it is one of the report's
    `stopped`.

    Raises:
        UnknownAnalyzer, ConfigError, MissingExtra, ModelUnavailable, ProviderRefused and the like: of any of them;
            nothing has been analysed then.
        JobAlreadyRunning: another run has one of the analyzers; runs of others may stand beside this one.
        DependencyError: see `rapray.pipelines.job.job`.
    """
    provenances = [provenance_of(name, settings) for name in analyzers]
    parameters = {"analyzers": list(analyzers), "limit": limit, "where": where.as_json()}
    # Each actor that asks a provider keeps the run's account over a connection of its own.
    accounts = settings.jobs.workers if any(spec(name, settings).is_remote for name in analyzers) else 0
    shares = ("analyzers", analyzers)
    with job("analyze", settings, parameters, more_connections=accounts, shares=shares) as context:
        scope = where.resolved(context.connection)
        queries = [DueAnalyses(provenance, scope) for provenance in provenances]
        for query in queries:
            if due.count(context.connection, query):
                _check(settings, query.provenance.analyzer)
        for query in queries:
            _try(context, query, limit)
        return report(context, *queries)


def _check(settings: Settings, analyzer: str) -> None:
    """Make sure that an analyzer can do its work, the hosted model's weights among it."""
    preflight(analyzer, settings)
    if is_hosted(settings, analyzer):
        from rapray.hosting import check_hosted  # imports Ray Serve, which no other worker needs

        check_hosted(settings)


def _try(context: JobContext, query: DueAnalyses, limit: int | None) -> None:
    """Run one analyzer; what stops it is kept, for another analyzer may still do its work."""
    try:
        _analyze(context, query, limit)
    except RayUnavailable:
        raise
    except RaprayError as error:
        name = query.provenance.analyzer
        log.error("analyzer stopped", analyzer=name, code=error.code, detail=str(error))
        context.stopped[name] = error


def _analyze(context: JobContext, query: DueAnalyses, limit: int | None) -> None:
    settings = context.settings
    before = _held(context)
    ranges = due.due_ranges(context.connection, query, _block_rows(context, query), limit)
    if not ranges:
        return
    with _stage(context, query.provenance) as stage:
        run_plan(
            context,
            reader=partial(read_due_lyrics, query=query),
            key_ranges=ranges,
            total=sum(found.rows for found in ranges),
            stage=stage,
            writer=partial(write, max_attempts=settings.jobs.max_attempts),
        )
    if held := _held(context) - before:
        reasons = ", ".join(f"{n} {name.removeprefix(HELD)}" for name, n in sorted(held.items()))
        raise RunPaused(analyzer=query.provenance.analyzer, count=held.total(), reason=reasons)


def _batch_rows(settings: Settings, analyzer: str) -> int:
    """Lyrics of one call: of a language model no more than it answers at once."""
    provider = settings.llm.providers.get(analyzer)
    return spec(analyzer, settings).batch_size if provider is None else provider.concurrency


def _block_rows(context: JobContext, query: DueAnalyses) -> int:
    """Lyrics of one task, whose results are written together: what a kill loses.

    Ray Data makes one block of a range and one of its results, however small the batches are. Answers of others are
    paid: a task is one batch of them, or a little more where that would be too many tasks.
    """
    settings, name = context.settings, query.provenance.analyzer
    if is_hosted(settings, name) or not spec(name, settings).is_remote:
        return settings.jobs.compute_block_rows
    fewest = due.count(context.connection, query) // _MOST_TASKS
    return min(settings.jobs.compute_block_rows, max(_batch_rows(settings, name), fewest))


@contextmanager
def _stage(context: JobContext, provenance: Provenance) -> Generator[Stage]:
    """The actors of an analyzer; before those of the hosted model, that model is asked about many lyrics at once."""
    settings, name = context.settings, provenance.analyzer
    budget = RunBudget(context.endpoints.database_url, context.run_id, settings.llm.max_cost_usd)
    arguments = {"provenance": provenance, "settings": settings, "budget": budget}
    needs = spec(name, settings).needs
    stage = partial(computing, settings, batch_rows=_batch_rows(settings, name), needs=needs)
    if not is_hosted(settings, name):
        yield stage(Analyze, arguments)
        return
    from rapray.hosting import running_model  # imports Ray Serve, which no other worker needs
    from rapray.pipelines.ahead import AnalyzeAhead, asked_ahead  # it imports this file

    context.start_ray()
    with running_model(settings) as application:
        yield stage(
            AnalyzeAhead,
            {**arguments, "application": application},
            before=partial(asked_ahead, settings=settings, application=application),
        )


def _held(context: JobContext) -> Counter[str]:
    """Tracks of this run that were not tried, for a reason that is not the lyric's, by error code."""
    return Counter({name: n for name, n in context.written().items() if name.startswith(HELD)})


def write(
    connection: Connection, run_id: UUID, records: Sequence[Analysis | Failure], *, max_attempts: int
) -> None:
    """Analyses and failures of one batch, in one transaction.

    A failure that says nothing about its lyric is counted and not stored: the lyric is due as before.
    """
    done, failed = split(records)
    held = [one for one in failed if not one.blames_text]
    tried = [one for one in failed if one.blames_text]
    analyses.write_analyses(connection, run_id, done, failed=tried, max_attempts=max_attempts)
    if held:
        counts = Counter(f"{HELD}{one.code}" for one in held)
        keys = ["held", *(f"{one.stage}\x1f{one.key}" for one in held)]
        write_once(connection, run_id, batch_id(keys), lambda _: counts)
