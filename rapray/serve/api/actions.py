"""What a request does: analyse a text, search by meaning. The endpoints and the pages share it.

Knows no HTTP beyond problems, and not who answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rapray.domain import Analysis, Failure, Lyric
from rapray.errors import DeadlineExceeded, RaprayError, TrackNotFound, UnknownAnalyzer
from rapray.serve.backend import Filters, SearchHit, Services, TrackDetail
from rapray.serve.problems import Problem, of_code, of_error
from rapray.telemetry import logger, metric
from rapray.text.clean import checked_lyrics
from rapray.text.fingerprint import content_hash
from rapray.text.language import detect_language
from rapray.text.sections import split_sections

LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Analyzed:
    """One text, what each analyzer made of it, and why some could not."""

    lyric: Lyric
    results: dict[str, Analysis]
    problems: dict[str, Problem]


async def prepared_lyric(raw: str, max_chars: int) -> Lyric:
    """A caller's text, cleaned and split, in a thread: a megabyte takes longer than the event loop may stand still.

    Raises:
        InvalidLyrics: empty, too long, or not text.
    """
    return await asyncio.to_thread(_prepare, raw, max_chars)


def _prepare(raw: str, max_chars: int) -> Lyric:
    lyrics = checked_lyrics(raw, max_chars)
    return Lyric(
        key="request",
        lyrics=lyrics,
        sections=split_sections(lyrics),
        content_hash=content_hash(lyrics),
        language=detect_language(lyrics),
    )


async def stored_lyric(services: Services, track_id: int) -> Lyric:
    """The lyric of a stored track. Raises TrackNotFound."""
    return lyric_of(await found_track(services, track_id))


def lyric_of(track: TrackDetail) -> Lyric:
    """A stored track as a text to analyse."""
    return Lyric(
        key=str(track.summary.id),
        lyrics=track.lyrics,
        sections=track.sections,
        content_hash=track.content_hash,
        title=track.summary.title,
        language=track.summary.language,
    )


async def found_track(services: Services, track_id: int) -> TrackDetail:
    """A stored track. Raises TrackNotFound."""
    track = await services.catalogue.get_track(track_id)
    if track is None:
        raise TrackNotFound(track_id=track_id)
    return track


def check_analyzers(services: Services, names: Sequence[str] | None) -> list[str]:
    """The analyzers to run, each once, in the order given. Raises UnknownAnalyzer."""
    wanted = list(dict.fromkeys(names or services.default_analyzers))
    for name in wanted:
        if name not in services.analyzers:
            raise UnknownAnalyzer(name=name, known=", ".join(sorted(services.analyzers)))
    return wanted


async def analyze(services: Services, lyric: Lyric, names: Sequence[str]) -> Analyzed:
    """Ask every analyzer at once, with a deadline each; one that fails does not take the others' results along."""
    answers = await asyncio.gather(*(_analyze_one(services, name, lyric) for name in names))
    by_name = dict(zip(names, answers, strict=True))
    results = {name: answer for name, answer in by_name.items() if isinstance(answer, Analysis)}
    problems = {name: answer for name, answer in by_name.items() if isinstance(answer, Problem)}
    return Analyzed(lyric, results, problems)


async def _analyze_one(services: Services, name: str, lyric: Lyric) -> Analysis | Problem:
    started = time.perf_counter()
    answer = await _answer(services, name, lyric)
    labels = {"analyzer": name, "result": answer.code if isinstance(answer, Problem) else "ok"}
    metric("rapray_analyzer_seconds").labels(**labels).observe(time.perf_counter() - started)
    return answer


async def _answer(services: Services, name: str, lyric: Lyric) -> Analysis | Problem:
    deadline_s = services.limits.deadline_s
    try:
        async with asyncio.timeout(deadline_s):
            outcome = await services.analyze(name, lyric)
    except TimeoutError:
        return of_error(DeadlineExceeded(what=f"The analyzer {name}", limit=f"{deadline_s:g} s"))
    except RaprayError as error:
        LOG.warning("analyzer failed", analyzer=name, code=error.code, detail=str(error))
        return of_error(error)
    except Exception as error:
        LOG.exception("analyzer broke", analyzer=name)
        return of_error(error)
    if isinstance(outcome, Failure):
        LOG.warning("analyzer failed", analyzer=name, code=outcome.code, detail=outcome.detail)
        return of_code(outcome.code, outcome.detail)
    return outcome


async def search(services: Services, query: str, filters: Filters, limit: int) -> list[SearchHit]:
    """The tracks nearest in meaning to a query.

    Raises:
        DeadlineExceeded: the embedder did not answer in time.
    """
    deadline_s = services.limits.deadline_s
    started = time.perf_counter()
    try:
        async with asyncio.timeout(deadline_s):
            vector = await services.embed_query(query)
    except TimeoutError as error:
        raise DeadlineExceeded(what="The embedder", limit=f"{deadline_s:g} s") from error
    embedded = time.perf_counter()
    metric("rapray_embed_query_seconds").observe(embedded - started)
    hits = await services.catalogue.search(vector, filters, limit)
    metric("rapray_search_seconds").observe(time.perf_counter() - embedded)
    return hits
