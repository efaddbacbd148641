"""Records as HTML pages.

Knows no request and no service. Jinja escapes every value; nothing is ever marked safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rapray import __version__
from rapray.domain import Analysis, ModelInfo, Section
from rapray.serve.backend import Overview, PassageHit, SearchHit, TrackDetail
from rapray.serve.problems import Problem, ProblemKind
from rapray.serve.ui.marks import marked
from rapray.serve.ui.measures import explained
from rapray.serve.ui.reference import endpoints

HERE = Path(__file__).parent
STATIC = HERE / "static"
PASSAGE_LINES = 6
# More marks than this and a browser crawls; such a text is no song.
_MOST_MARKED_CHARS = 200_000


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own_globals: dict[str, Any] = {"version": __version__}
    own_filters: dict[str, Any] = {"passage_lines": passage_lines, "plural": plural, "heading": heading}
    environment.globals.update(own_globals)
    environment.filters.update(own_filters)
    return environment


def search_page(
    form: Mapping[str, str],
    overview: Overview,
    outcome: Sequence[SearchHit] | Problem | None,
    model: ModelInfo,
) -> Response:
    """The search box and, where something was asked, what was found or what is wrong."""
    problem = outcome if isinstance(outcome, Problem) else None
    hits = None if problem or outcome is None else outcome
    wrong = (
        {e.pointer.removeprefix("#/").replace("query", "q"): e.detail for e in problem.errors}
        if problem
        else {}
    )
    context = {
        "form": form,
        "overview": overview,
        "hits": hits,
        "problem": problem,
        "wrong": wrong,
        "model": model,
    }
    return _page("search.html", context, problem.status if problem else 200)


def track_page(track: TrackDetail) -> Response:
    """A track: lyrics by section with the rhymes marked, then what was measured."""
    algorithmic = next((a for a in track.analyses if a.provenance.analyzer == "algorithmic"), None)
    sections = marked(track.sections, _chains(track, algorithmic))
    groups = explained(algorithmic.data) if algorithmic else []
    context = {"track": track, "sections": sections, "groups": groups, "algorithmic": algorithmic}
    return _page("track.html", context)


def problem_page(problem: Problem, request_id: str | None, headers: Mapping[str, str]) -> Response:
    """An error of a page, as a page."""
    return _page("problem.html", {"problem": problem, "request_id": request_id}, problem.status, headers)


def reference_page(document: Mapping[str, Any], problems: Mapping[str, ProblemKind]) -> Response:
    """The API's reference, made from its OpenAPI document and the table of problems."""
    context = {"info": document["info"], "endpoints": endpoints(document), "problems": problems}
    return _page("reference.html", context)


def passage_lines(text: str) -> list[str]:
    """The first lines of a passage, for a result."""
    return [line for line in text.splitlines() if line.strip()][:PASSAGE_LINES]


def heading(section: Section | PassageHit) -> str:
    """What stands above a stanza: its header without the brackets, else its kind; "" where it has neither."""
    if section.label:
        return section.label.strip("[] ")
    return "" if section.kind in {"unlabelled", "track"} else section.kind.replace("_", " ").capitalize()


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: "1 track", "2,000 tracks"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _chains(track: TrackDetail, analysis: Analysis | None) -> Sequence[Mapping[str, Any]]:
    is_current = analysis is not None and analysis.content_hash == track.summary.content_hash
    if analysis is None or not is_current or len(track.lyrics) > _MOST_MARKED_CHARS:
        return ()
    return analysis.data.get("rhyme", {}).get("chains", ())


def _page(
    template: str, context: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    text = _environment().get_template(template).render(context)
    return HTMLResponse(
        text.encode("utf-8", "replace"), status, {"cache-control": "no-cache", **(headers or {})}
    )
