"""Asks several analyzers about one text at once, each with a deadline of its own.

Knows no HTTP beyond problems, and not who answers. One that fails does not take the others' results along.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import DeadlineExceeded, RaprayError
from rapray.serve.backend import Answer, Services
from rapray.serve.problems import Problem, of_code, of_error
from rapray.telemetry import logger, metric

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one analyzer answered: a result or a problem; `failure` where it read the text and could not."""

    analyzer: str
    result: Analysis | None = None
    problem: Problem | None = None
    failure: Failure | None = None
    is_cached: bool = False

    @property
    def cache_state(self) -> Literal["hit", "miss"]:
        """A hit where the answer had been made before; a problem never had."""
        return "hit" if self.is_cached else "miss"


@dataclass(frozen=True, slots=True)
class Analyzed:
    """One text and what each analyzer made of it, in the order that was asked for."""

    lyric: Lyric
    findings: tuple[Finding, ...]
    stored: tuple[str, ...] = ()

    @property
    def results(self) -> dict[str, Analysis]:
        """By analyzer."""
        return {found.analyzer: found.result for found in self.findings if found.result is not None}

    @property
    def problems(self) -> dict[str, Problem]:
        """By analyzer."""
        return {found.analyzer: found.problem for found in self.findings if found.problem is not None}

    @property
    def cache_state(self) -> Literal["hit", "miss"]:
        """A hit where every answer is one."""
        return "hit" if all(found.is_cached for found in self.findings) else "miss"


async def analyze(services: Services, lyric: Lyric, names: Sequence[str], *, store: bool = False) -> Analyzed:
    """Every analyzer's answer, once all have answered or run out of time; written down where `store` says so.

    Raises:
        DependencyError: the collection cannot be written to.
        DeadlineExceeded: that takes too long.
    """
    asked = started(services, lyric, names)
    try:
        findings = tuple(await asyncio.gather(*asked))
    finally:
        give_up(asked)
    stored = await written(services, findings) if store else ()
    return Analyzed(lyric, findings, tuple(stored))


def started(services: Services, lyric: Lyric, names: Sequence[str]) -> list[asyncio.Task[Finding]]:
    """One task an analyzer, none of which raises; whoever asked gives up those that are not wanted any more."""
    return [asyncio.create_task(_find(services, name, lyric)) for name in names]


def give_up(asked: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what has not answered: nobody waits for it."""
    for task in asked:
        task.cancel()


async def written(services: Services, findings: Iterable[Finding]) -> list[str]:
    """Write results and failures of a stored track; the names of those that are stored.

    Raises:
        DependencyError: the collection cannot be written to.
        DeadlineExceeded: it takes too long; it may be written all the same.
    """
    found = list(findings)
    results = [one.result for one in found if one.result is not None]
    failures = [one.failure for one in found if one.failure is not None]
    if not results and not failures:
        return []
    deadline_s = services.limits.deadline_s
    try:
        async with asyncio.timeout(deadline_s):
            return await services.store(results, failures)
    except TimeoutError as error:
        raise DeadlineExceeded(what="The collection", limit=f"{deadline_s:g} s") from error


async def _find(services: Services, name: str, lyric: Lyric) -> Finding:
    if name in services.unserved:
        return Finding(name, problem=services.unserved[name])
    started = time.perf_counter()
    found = await _answer(services, name, lyric)
    labels = {"analyzer": name, "result": found.problem.code if found.problem else "ok"}
    metric("rapray_analyzer_seconds").labels(**labels).observe(time.perf_counter() - started)
    return found


async def _in_time(services: Services, name: str, lyric: Lyric, deadline_s: float) -> Answer:
    """Raises TimeoutError. Whoever asked and leaves takes the request along; a deadline need not."""
    asked = asyncio.create_task(services.analyze(name, lyric))
    try:
        async with asyncio.timeout(deadline_s):
            return await asyncio.shield(asked)
    except TimeoutError:
        services.leave(name, lyric, asked)
        raise
    except asyncio.CancelledError:
        asked.cancel()
        raise


async def _answer(services: Services, name: str, lyric: Lyric) -> Finding:
    deadline_s = services.deadline_s(name)
    try:
        answer = await _in_time(services, name, lyric, deadline_s)
    except TimeoutError:
        late = DeadlineExceeded(what=f"The analyzer {name}", limit=f"{deadline_s:g} s")
        return Finding(name, problem=of_error(late))
    except RaprayError as error:
        log.warning("analyzer failed", analyzer=name, code=error.code, detail=str(error))
        return Finding(name, problem=of_error(error))
    except Exception as error:
        log.exception("analyzer broke", analyzer=name)
        return Finding(name, problem=of_error(error))
    outcome = answer.outcome
    if isinstance(outcome, Failure):
        log.warning("analyzer failed", analyzer=name, code=outcome.code, detail=outcome.detail)
        # A provider that is paused says nothing about the text: that is no failure of it.
        failure = outcome if outcome.blames_text else None
        return Finding(name, problem=of_code(outcome.code, outcome.detail), failure=failure)
    return Finding(name, result=outcome, is_cached=answer.is_cached)
