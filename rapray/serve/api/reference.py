"""The OpenAPI document, with problems where FastAPI puts its own errors, and `/docs`, which needs no other host.

Knows no endpoint.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from rapray.serve.problems import PROBLEMS
from rapray.serve.ui.render import reference_page


def install(app: FastAPI) -> None:
    """Serve the document at `/openapi.json` and the page at `/docs`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    async def docs() -> Response:
        return reference_page(openapi(), PROBLEMS)

    app.openapi = openapi
    app.add_api_route("/docs", docs, include_in_schema=False)


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`."""
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for operations in schema["paths"].values():
        for operation in operations.values():
            # FastAPI documents a 422 of its own for a route with parameters. A route without ours sends none.
            if _is_fastapis_own(operation["responses"].get("422", {})):
                del operation["responses"]["422"]
            for status, response in operation["responses"].items():
                if int(status) >= 400 and response.get("content"):
                    (described,) = response["content"].values()  # under the media type of the route's success
                    response["content"] = {"application/problem+json": described}
    schemas = schema["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return schema


def _is_fastapis_own(response: dict[str, Any]) -> bool:
    schemas = [described.get("schema", {}) for described in response.get("content", {}).values()]
    return {"$ref": "#/components/schemas/HTTPValidationError"} in schemas
