"""An OpenAPI document as rows that a page can print.

Knows OpenAPI, and none of our endpoints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a member of a body."""

    name: str
    where: str
    kind: str
    is_required: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that an endpoint may answer with."""

    status: str
    detail: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    title: str
    detail: str
    fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    example: str

    @property
    def anchor(self) -> str:
        """Its fragment on the page."""
        return f"{self.method}-{self.path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}".lower()


def endpoints(document: Mapping[str, Any]) -> list[Endpoint]:
    """Every endpoint, in the order of the document."""
    schemas = document.get("components", {}).get("schemas", {})
    return [
        _endpoint(path, method, operation, schemas)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _endpoint(path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Endpoint:
    parameters = [
        Field(p["name"], p["in"], _kind(p["schema"]), p.get("required", False), _rules(p["schema"]))
        for p in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    fields = (*parameters, *_members(body, schemas, "body"))
    answers = tuple(
        Answer(
            status,
            response["description"],
            () if int(status) >= 400 else _members(_schema(response), schemas, ""),
        )
        for status, response in sorted(operation["responses"].items())
    )
    detail = operation.get("description", "")
    return Endpoint(
        method.upper(), path, operation["summary"], detail, fields, answers, _example(method, path)
    )


def _schema(response: Mapping[str, Any]) -> Mapping[str, Any]:
    return response.get("content", {}).get("application/json", {}).get("schema", {})


def _members(schema: Mapping[str, Any], schemas: Mapping[str, Any], where: str) -> tuple[Field, ...]:
    target = schemas.get(_name(schema), {})
    required = target.get("required", ())
    return tuple(
        Field(name, where, _kind(member), name in required, _rules(member))
        for name, member in target.get("properties", {}).items()
    )


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rsplit("/", 1)[-1]


def _kind(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_kind(schema['additionalProperties'])}"
    return _name(schema) or str(schema.get("type", "any"))


_WORDS = {
    "minimum": "≥",
    "maximum": "≤",
    "minLength": "length ≥",
    "maxLength": "length ≤",
    "maxItems": "items ≤",
    "pattern": "matches",
}


def _rules(schema: Mapping[str, Any]) -> str:
    flat = {k: v for choice in (*schema.get("anyOf", ()), schema) for k, v in choice.items()}
    bounds = [f"{word} {_bound(flat[key])}" for key, word in _WORDS.items() if key in flat]
    default = [f"default {json.dumps(schema['default'])}"] if schema.get("default") is not None else []
    return "; ".join(
        [*([flat["description"].rstrip(".")] if "description" in flat else []), *bounds, *default]
    )


def _bound(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_LYRICS = {"lyrics": "[Verse]\nI count the days in bus stops\nand pay for them in raindrops"}
_BODIES = {
    "/analyze": _LYRICS,
    "/analyze/batch": {"items": [_LYRICS, {"track_id": 1}]},
    "/analyze/stream": {**_LYRICS, "analyzers": "all"},
    "/search": {"query": "growing up without much money", "limit": 5},
}


def _example(method: str, path: str) -> str:
    address = f"http://127.0.0.1:8000{path}".replace("{track_id}", "1")
    if method != "post":
        return f"curl -s {address}"
    body = json.dumps(_BODIES.get(path, {}))
    return f"curl -s {address} -H 'content-type: application/json' \\\n  -d '{body}'"
