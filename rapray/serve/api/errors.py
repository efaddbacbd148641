"""Turns every exception of a request into one problem, as JSON or as a page.

Does not know statuses: `rapray.serve.problems` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from rapray.errors import RaprayError
from rapray.serve.problems import (
    MEDIA_TYPE,
    FieldError,
    Problem,
    answer_headers,
    answer_members,
    of_code,
    of_error,
    quotable,
)
from rapray.serve.ui.render import problem_page
from rapray.telemetry import logger, metric

log = logger(__name__)
_MOST_ERRORS = 20
_BY_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type_unsupported",
    422: "validation_failed",
    503: "overloaded",
    504: "deadline_exceeded",
}


class Refused(Exception):
    """A request that ends with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RaprayError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def respond(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries a problem: a page where a page was asked for, problem+json elsewhere."""
    metric("rapray_problems_total").labels(code=problem.code).inc()
    request_id = getattr(request.state, "request_id", None)
    sent = {**(headers or {}), **answer_headers(problem)}
    if is_page(request):
        return problem_page(problem, request_id, sent)
    members = answer_members(problem, request.url.path, request_id)
    return JSONResponse(members, problem.status, sent, media_type=MEDIA_TYPE)


def is_page(request: Request) -> bool:
    """True for the addresses that answer HTML: they are told apart by path, never by Accept."""
    path = request.url.path
    return request.method in {"GET", "HEAD"} and (path == "/" or path.startswith(("/tracks/", "/docs")))


def respond_to_defect(request: Request, error: Exception) -> Response:
    """The answer to an exception that nobody expected; logs it with its trace."""
    problem = of_error(error)
    if problem.status >= 500:
        # The client gets the table's sentence; the cause stays here, found by the request id.
        log.error("request failed", code=problem.code, path=request.url.path, exc_info=error)
    return respond(request, problem)


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return respond(request, error.problem)


async def _on_error(request: Request, error: Exception) -> Response:
    return respond_to_defect(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    return respond(request, of_code(code), error.headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if is_page(request):
        return respond(request, of_code("not_found"))
    return respond(request, invalid(error.errors()))


def invalid(found: Sequence[Mapping[str, Any]]) -> Problem:
    """Pydantic's errors as a problem that names the first of them and says how many there are."""
    problem = of_code("validation_failed", errors=[_field_error(error) for error in found[:_MOST_ERRORS]])
    if len(found) <= _MOST_ERRORS:
        return problem
    return replace(
        problem, detail=f"{len(found)} things are not valid; errors names the first {_MOST_ERRORS}."
    )


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """One of pydantic's as ours. The value that was sent is never repeated: it may be a megabyte, or a secret."""
    where, *path = error["loc"] or ("body",)
    pointer = "#/" + "/".join(_escaped(part) for part in path) if path else "#"
    detail = str(error["msg"]).removeprefix("Value error, ")
    return FieldError(str(where), pointer, str(error["type"]), quotable(detail))


def _escaped(part: object) -> str:
    return quotable(str(part), 80).replace("~", "~0").replace("/", "~1")
