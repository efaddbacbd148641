"""What every endpoint takes from its request: the services, and the documented problems.

Knows no endpoint.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from rapray.serve.api.models import ProblemBody
from rapray.serve.backend import Services
from rapray.serve.problems import PROBLEMS


def _services(request: Request) -> Services:
    return request.app.state.services


Backend = Annotated[Services, Depends(_services)]


def documented(*codes: str, is_probe: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` of an endpoint with these problems; a probe is never overloaded."""
    by_status: dict[int | str, list[str]] = {}
    for code in dict.fromkeys((*codes, *(() if is_probe else ("overloaded",)), "internal")):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        status: {"model": ProblemBody, "description": "Problem: " + ", ".join(f"`{code}`" for code in found)}
        for status, found in sorted(by_status.items(), key=lambda pair: int(pair[0]))
    }


BODY_CODES = (
    "json_malformed",
    "body_not_utf8",
    "bad_request",
    "request_timeout",
    "body_too_large",
    "media_type_unsupported",
    "validation_failed",
)
