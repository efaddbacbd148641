"""`/` and `/tracks/{id}`: the two pages, made on this side; they work without JavaScript.

Decides what a page is about; `rapray.serve.ui` decides how it looks.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from rapray.errors import RaprayError
from rapray.serve.api import actions
from rapray.serve.api.context import Backend
from rapray.serve.api.errors import Refused, invalid, log
from rapray.serve.api.models import SearchRequest
from rapray.serve.api.search import filters_of
from rapray.serve.backend import SearchHit, Services
from rapray.serve.limits import MAX_ID, MAX_QUERY_CHARS
from rapray.serve.problems import Problem, of_code, of_error, quotable
from rapray.serve.ui import render

router = APIRouter(include_in_schema=False)
FIELDS = ("q", "artist", "year_from", "year_to", "language")
RESULTS = 20


@router.head("/")
@router.get("/")
async def search_page(request: Request, services: Backend) -> Response:
    """The search box, and below it the results of the query in the address."""
    form = {name: quotable(request.query_params.get(name, "").strip(), MAX_QUERY_CHARS) for name in FIELDS}
    overview = await services.catalogue.overview()
    outcome = await _outcome(services, form) if any(form.values()) else None
    return render.search_page(form, overview, outcome, services.embedding_model)


@router.get("/tracks/{track_id}")
async def track_page(track_id: str, services: Backend) -> Response:
    """A track with its lyrics, rhymes and measures."""
    # Measured before it is read: int() refuses 4,300 digits, and leading zeros name no track.
    if not (track_id.isascii() and track_id.isdigit()) or len(track_id) > 19 or int(track_id) > MAX_ID:
        raise Refused(of_code("track_not_found", f"There is no track {quotable(track_id, 40)}."))
    return render.track_page(await actions.found_track(services, int(track_id)))


async def _outcome(services: Services, form: Mapping[str, str]) -> list[SearchHit] | Problem:
    if not form["q"]:
        return of_code("validation_failed", errors=())
    try:
        given = {("query" if name == "q" else name): value for name, value in form.items() if value}
        form_body = {**given, "limit": min(RESULTS, services.limits.search_limit)}
        wanted = SearchRequest.model_validate(form_body, strict=False)  # years of an address are text
        return await actions.search(services, wanted.query, filters_of(wanted), wanted.limit)
    except ValidationError as error:
        return invalid([{**e, "loc": ("query", *e["loc"])} for e in error.errors()])
    except RaprayError as error:
        problem = of_error(error)
        if problem.status >= 500:
            log.error("search failed", code=problem.code, exc_info=error)
        return problem
