"""The one table from error codes to HTTP statuses, and the RFC 9457 problem object that every error becomes.

Knows no framework: `api/errors.py` turns exceptions into these, `ui/` renders them as pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapray.errors import Overloaded, RaprayError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
"""Seconds a client is told to wait where nothing better is known."""
LONGEST_QUOTE = 200


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What one code means. `detail` is what a caller reads where the cause itself is none of their business.

    One that `passes` is worth another try a little later: a status 503 that says so with Retry-After.
    """

    status: int
    title: str
    detail: str = ""

    @property
    def passes(self) -> bool:
        """Whether it does."""
        return self.status == 503 and self.detail not in (_SETUP, _NOT_CONFIGURED)


_DEPENDENCY = "A server that this request needs does not answer. It is not your request; try again later."
_SETUP = "This installation is not set up completely. The operator finds the reason in the log."
_NOT_CONFIGURED = (
    "The operator has not set up this language model (address, model, key); `rapray llm check NAME` says what is "
    "missing."
)
_INTERNAL = "Something went wrong on this side. The request id finds it in the log."

PROBLEMS: dict[str, ProblemKind] = {
    # the caller's request
    "json_malformed": ProblemKind(400, "The body is not JSON"),
    "body_not_utf8": ProblemKind(400, "The body is not UTF-8"),
    "bad_request": ProblemKind(400, "The request cannot be read", "The request cannot be read."),
    "host_not_allowed": ProblemKind(
        421, "Not served under this name", "Without API keys, only requests to localhost are answered."
    ),
    "not_found": ProblemKind(
        404, "No such address", "Nothing is served at this address; /docs lists what is."
    ),
    "track_not_found": ProblemKind(404, "No such track"),
    "artist_not_found": ProblemKind(404, "No such artist"),
    "method_not_allowed": ProblemKind(
        405,
        "Method not allowed",
        "This address does not take this method; the Allow header names those it takes.",
    ),
    "request_timeout": ProblemKind(408, "The body did not arrive in time"),
    "body_too_large": ProblemKind(413, "The body is too large", "The body is longer than /info allows."),
    "lyrics_too_long": ProblemKind(413, "The lyrics are too long"),
    "media_type_unsupported": ProblemKind(
        415, "Wrong media type", "Send the body as application/json in UTF-8."
    ),
    "validation_failed": ProblemKind(
        422, "The request is not valid", "Some fields are not valid; errors names them."
    ),
    "lyrics_empty": ProblemKind(422, "The lyrics are empty"),
    "lyrics_invalid": ProblemKind(422, "The lyrics cannot be read"),
    "analyzer_unknown": ProblemKind(422, "No such analyzer"),
    "cursor_invalid": ProblemKind(422, "The cursor does not fit"),
    "analyzer_not_served": ProblemKind(
        422,
        "The analyzer is not served here",
        "The analyzer is known and has no deployment here; the operator adds it to serve.analyzers.",
    ),
    # this side
    "overloaded": ProblemKind(503, "Too busy"),
    "not_ready": ProblemKind(503, "Not ready", _DEPENDENCY),
    "deadline_exceeded": ProblemKind(504, "Took too long"),
    "analysis_failed": ProblemKind(
        500, "The analyzer failed", "The analyzer failed on this text. It is in the log."
    ),
    "internal": ProblemKind(500, "Internal error", _INTERNAL),
    "error": ProblemKind(500, "Internal error", _INTERNAL),
    "embedding_failed": ProblemKind(
        500, "The model failed", "The model made no vector of this text. It is in the log."
    ),
    "sample_corpus": ProblemKind(500, "Internal error", _INTERNAL),
    "usage": ProblemKind(500, "Internal error", _INTERNAL),
    # what rapray depends on
    "dependency_unavailable": ProblemKind(503, "A dependency is unavailable", _DEPENDENCY),
    "database_unavailable": ProblemKind(503, "The database is unavailable", _DEPENDENCY),
    "redis_unavailable": ProblemKind(503, "Redis is unavailable", _DEPENDENCY),
    "ray_unavailable": ProblemKind(503, "The cluster is unavailable", _DEPENDENCY),
    "ray_token_unusable": ProblemKind(503, "The cluster's token cannot be used", _SETUP),
    "ray_refused": ProblemKind(503, "The cluster refuses the token", _SETUP),
    "model_unavailable": ProblemKind(503, "The model is unavailable", _DEPENDENCY),
    "database_too_new": ProblemKind(503, "The database is newer than the program", _SETUP),
    "database_too_old": ProblemKind(503, "The database is older than the program", _SETUP),
    "database_unsuitable": ProblemKind(503, "The database does not fit", _SETUP),
    "connection_budget_exceeded": ProblemKind(503, "Too few database connections", _SETUP),
    "embedded_server_failed": ProblemKind(503, "An embedded server did not start", _SETUP),
    "data_dir_unsafe": ProblemKind(503, "The data directory is not safe", _SETUP),
    "embedded_on_cluster": ProblemKind(503, "An embedded server on a cluster", _SETUP),
    "config_invalid": ProblemKind(503, "The configuration is not valid", _SETUP),
    "extra_missing": ProblemKind(503, "A package is missing", _SETUP),
    "packages_missing": ProblemKind(503, "A package is missing", _SETUP),
    "analyzer_broken": ProblemKind(503, "The analyzer's package is broken", _SETUP),
    # language models that answer elsewhere
    "provider_not_configured": ProblemKind(
        503,
        "The language model is not configured",
        _NOT_CONFIGURED,
    ),
    "provider_auth": ProblemKind(503, "The provider refuses the key", _SETUP),
    "provider_quota": ProblemKind(503, "The provider's quota is used up", _SETUP),
    "provider_unavailable": ProblemKind(503, "The provider is unavailable", _DEPENDENCY),
    "provider_rejected": ProblemKind(
        502, "The provider rejects the request", "The provider rejects the request. It is in the log."
    ),
    "provider_paused": ProblemKind(
        503,
        "The provider is paused",
        "The provider is left alone for a while after it failed; try again later.",
    ),
    "cost_limit": ProblemKind(503, "The cost limit is reached", _SETUP),
    "run_paused": ProblemKind(503, "The run is paused", _SETUP),
    "answer_invalid": ProblemKind(
        502, "The model's answer cannot be used", "The model's answer cannot be used. It is in the log."
    ),
    "answer_refused": ProblemKind(
        502, "The model refuses to answer", "The model refuses to answer about this text. It is in the log."
    ),
    # the language model that is hosted here
    "chat_not_hosted": ProblemKind(
        404, "No language model is hosted here", "The operator sets llm.hosted.model to host one."
    ),
    "chat_model_unknown": ProblemKind(
        404, "No such language model", "/v1/models lists those that are hosted here."
    ),
    "chat_invalid": ProblemKind(400, "The language model does not take the request"),
    "chat_failed": ProblemKind(
        502, "The language model failed", "The language model failed. It is in the log."
    ),
    "job_already_running": ProblemKind(409, "The job is already running"),
    # sources: a later endpoint may fetch
    "source_error": ProblemKind(502, "The source did not answer as expected", _DEPENDENCY),
    "source_artist_not_found": ProblemKind(404, "The source knows no such artist"),
    "source_auth": ProblemKind(502, "The source refused the credentials", _SETUP),
    "source_unavailable": ProblemKind(502, "The source is unavailable", _DEPENDENCY),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is not valid: where (`#/lyrics`, in the body), which rule, and why in words."""

    where: str  # "body", "query", "path" or "header"
    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as a client sees it; holds nothing that a client may not see."""

    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    retry_after_s: int | None = None
    extensions: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def kind(self) -> ProblemKind:
        """The row of the table; a code that is not in it is an internal error."""
        return PROBLEMS.get(self.code, PROBLEMS["internal"])

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.kind.status

    def to_json(self, *, instance: str | None = None, request_id: str | None = None) -> dict[str, Any]:
        """The problem+json members; those without a value are left out."""
        members: dict[str, Any] = {
            "type": f"/docs#problem-{self.code}",
            "title": self.kind.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "instance": instance,
            "request_id": request_id,
            "errors": [
                {"in": e.where, "pointer": e.pointer, "code": e.code, "detail": e.detail} for e in self.errors
            ]
            or None,
            "retry_after_s": self.retry_after_s,
            **self.extensions,
        }
        return {name: value for name, value in members.items() if value is not None}


def of_code(code: str, detail: str | None = None, errors: Sequence[FieldError] = ()) -> Problem:
    """The problem for a code; the table's sentence where it has one, else `detail`."""
    code = code if code in PROBLEMS else "internal"
    kind = PROBLEMS[code]
    retry = RETRY_AFTER_S if kind.passes else None
    return Problem(code, quotable(kind.detail or detail or kind.title), tuple(errors), retry)


def of_error(error: BaseException) -> Problem:
    """The problem for any exception; what is not a `RaprayError` becomes "internal" and says nothing about itself."""
    if isinstance(error, RaprayError):
        code = next((c for c in _codes(type(error)) if c in PROBLEMS), "internal")
        problem = of_code(code, str(error))
        if isinstance(error, Overloaded):
            wait = error.attributes.get("retry_after_s")
            seconds = int(wait) if isinstance(wait, int | float) else RETRY_AFTER_S
            return Problem(problem.code, problem.detail, (), max(1, seconds))
        return problem
    return of_code("internal")


def answer_members(problem: Problem, path: str, request_id: str | None) -> dict[str, Any]:
    """Return the JSON of an answer to a request for this path; under /v1/ with OpenAI's member `error` as well."""
    members = problem.to_json(instance=quotable(path), request_id=request_id)
    if path.startswith("/v1/"):  # clients of OpenAI's API look there
        members["error"] = {"message": problem.detail, "type": problem.code, "code": problem.code}
    return members


def answer_headers(problem: Problem) -> dict[str, str]:
    """Return the headers that go with a problem, whatever form its body has."""
    headers = {"cache-control": "no-store"}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    if problem.status == 408:  # the rest of the body would be read as the next request
        headers["connection"] = "close"
    return headers


def quotable(text: str, limit: int = LONGEST_QUOTE * 2) -> str:
    """Text that may go into an answer: encodable, no control characters, not longer than `limit`."""
    encodable = text.encode("utf-8", "replace").decode()
    printable = "".join(
        c if c.isprintable() or c == " " else "\N{REPLACEMENT CHARACTER}" for c in encodable[: limit + 1]
    )
    return printable if len(printable) <= limit else printable[:limit] + "…"


def _codes(error_type: type[RaprayError]) -> Iterable[str]:
    return (base.code for base in error_type.__mro__ if issubclass(base, RaprayError))
