"""`POST /search`: tracks by meaning.

Does not know how a query becomes a vector, nor how the nearest are found.
"""

from __future__ import annotations

from fastapi import APIRouter

from rapray.domain import TrackFilter
from rapray.serve.api import actions, views
from rapray.serve.api.body import JsonRoute
from rapray.serve.api.context import BODY_CODES, Backend, documented
from rapray.serve.api.errors import Refused
from rapray.serve.api.models import SearchRequest, SearchResponse
from rapray.serve.problems import FieldError, Problem, of_code

router = APIRouter(route_class=JsonRoute, tags=["search"])
_CODES = (*BODY_CODES, "overloaded", "dependency_unavailable", "deadline_exceeded")


@router.post("/search", summary="Search by meaning", responses=documented(*_CODES))
async def search(request: SearchRequest, services: Backend) -> SearchResponse:
    """The tracks nearest in meaning to `query`, one hit each, with the passage that matched best."""
    if request.limit > services.limits.search_limit:
        raise Refused(_limit_too_high(services.limits.search_limit))
    hits = await actions.search(services, request.query, filters_of(request), request.limit)
    return SearchResponse(
        query=request.query, model=views.model(services.embedding_model), results=[views.hit(h) for h in hits]
    )


def filters_of(request: SearchRequest) -> TrackFilter:
    """The filters of a search."""
    return TrackFilter(request.artist, request.year_from, request.year_to, request.language)


def _limit_too_high(limit: int) -> Problem:
    error = FieldError("body", "#/limit", "less_than_equal", f"Input should be less than or equal to {limit}")
    return of_code("validation_failed", errors=[error])
