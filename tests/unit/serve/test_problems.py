"""Every error becomes one problem, with the right status and nothing that a client may not see."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.errors import DatabaseUnavailable, Overloaded, RaprayError, all_errors
from rapray.serve.api import create_app
from rapray.serve.memory import MemoryServices
from rapray.serve.problems import PROBLEMS, of_code, of_error, quotable


def _example(error_type: type[RaprayError]) -> RaprayError:
    error = error_type.__new__(error_type)
    error.attributes = {}
    Exception.__init__(error, "postgresql://user:hunter2@db.internal:5432 went away")
    return error


@pytest.mark.parametrize("error_type", all_errors(), ids=lambda t: t.__name__)
def test_problem_covers_every_error(error_type: type[RaprayError]) -> None:
    """No class of the tree falls through to "internal" by accident."""
    assert error_type.code in PROBLEMS
    problem = of_error(_example(error_type))
    assert problem.code == error_type.code
    assert problem.detail


@pytest.mark.parametrize("error_type", all_errors(), ids=lambda t: t.__name__)
def test_problem_hides_server_cause(error_type: type[RaprayError]) -> None:
    """What is not the caller's doing is answered with the table's sentence: no address, no password."""
    problem = of_error(_example(error_type))
    if problem.status >= 500 and problem.code not in {"overloaded", "deadline_exceeded"}:
        assert "hunter2" not in json.dumps(problem.to_json())


def test_problem_foreign_exception_internal() -> None:
    """A defect shows as 500 without its message."""
    problem = of_error(KeyError("password=hunter2"))
    assert (problem.status, problem.code) == (500, "internal")
    assert "hunter2" not in json.dumps(problem.to_json())


def test_problem_overloaded_retry_after() -> None:
    """503 tells the client when to come back."""
    assert of_error(Overloaded(what="The embedder", retry_after_s=7)).retry_after_s == 7
    assert of_error(DatabaseUnavailable(address="x", reason="y")).retry_after_s


def test_problem_unknown_code_internal() -> None:
    """A failure with a code from a newer version is still a problem."""
    assert of_code("from_the_future", "whatever").code == "internal"


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_quotable_accepts_any_text(text: str) -> None:
    """What comes back to a client can be sent, whatever they sent."""
    quoted = quotable(text)
    assert len(quoted) <= 401
    quoted.encode()
    assert not any(ord(c) < 32 for c in quoted)


def test_problem_survives_pickling() -> None:
    """Problems may cross processes."""
    assert pickle.loads(pickle.dumps(of_code("not_found"))) == of_code("not_found")


JSON = {"content-type": "application/json"}
REQUESTS: list[tuple[str, str, str, dict[str, object], int, str]] = [
    ("unknown address", "GET", "/nowhere", {}, 404, "not_found"),
    ("wrong method", "DELETE", "/search", {}, 405, "method_not_allowed"),
    ("unknown track", "GET", "/track/99999", {}, 404, "track_not_found"),
    ("track that is no number", "GET", "/track/abc", {}, 422, "validation_failed"),
    ("track below one", "GET", "/track/0", {}, 422, "validation_failed"),
    ("track beyond bigint", "GET", f"/track/{2**63}", {}, 422, "validation_failed"),
    ("track of 5000 digits", "GET", "/track/" + "9" * 5000, {}, 422, "validation_failed"),
    *(
        (name, "POST", path, {"json": body}, 422, "validation_failed")
        for value in (True, 1.0, "1")
        for name, path, body in (
            (f"track {value!r} as an id", "/analyze", {"track_id": value}),
            (f"track {value!r} of a stream", "/analyze/stream", {"track_id": value}),
            (f"track {value!r} of a batch", "/analyze/batch", {"items": [{"track_id": value}]}),
        )
    ),
    (
        "limit that is true",
        "POST",
        "/search",
        {"json": {"query": "a", "limit": True}},
        422,
        "validation_failed",
    ),
    (
        "year that is text",
        "POST",
        "/search",
        {"json": {"query": "a", "year_to": "1999"}},
        422,
        "validation_failed",
    ),
    (
        "store that is a number",
        "POST",
        "/analyze",
        {"json": {"track_id": 1, "store": 1}},
        422,
        "validation_failed",
    ),
    ("track with a point", "GET", "/track/1.0", {}, 422, "validation_failed"),
    ("track with an underscore", "GET", "/track/1_0", {}, 422, "validation_failed"),
    ("artist with a point", "GET", "/artists/1.0", {}, 422, "validation_failed"),
    ("artist with an underscore", "GET", "/artists/1_0", {}, 422, "validation_failed"),
    ("limit with a point", "GET", "/tracks?limit=5.0", {}, 422, "validation_failed"),
    ("year with a sign", "GET", "/tracks?year_from=%2B1999", {}, 422, "validation_failed"),
    ("analyze unknown track", "POST", "/analyze", {"json": {"track_id": 99999}}, 404, "track_not_found"),
    (
        "analyzer that begins with a digit",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a", "analyzers": ["1a"]}},
        422,
        "validation_failed",
    ),
    (
        "analyzer with a longer name than any has",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a", "analyzers": ["a" * 41]}},
        422,
        "validation_failed",
    ),
    (
        "analyzer with the longest name",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a", "analyzers": ["a" * 40]}},
        422,
        "analyzer_unknown",
    ),
    ("no body", "POST", "/analyze", {"headers": JSON}, 400, "json_malformed"),
    ("malformed", "POST", "/analyze", {"content": b'{"lyrics": ', "headers": JSON}, 400, "json_malformed"),
    ("NaN", "POST", "/analyze", {"content": b'{"lyrics": NaN}', "headers": JSON}, 400, "json_malformed"),
    (
        "huge number",
        "POST",
        "/analyze",
        {"content": b'{"track_id": ' + b"9" * 5000 + b"}", "headers": JSON},
        400,
        "json_malformed",
    ),
    (
        "long number",
        "POST",
        "/analyze",
        {"content": b'{"track_id": ' + b"9" * 4000 + b"}", "headers": JSON},
        422,
        "validation_failed",
    ),
    ("deep nesting", "POST", "/analyze", {"content": b"[" * 200_000, "headers": JSON}, 400, "json_malformed"),
    (
        "not UTF-8",
        "POST",
        "/analyze",
        {"content": b'{"lyrics": "caf\xe9"}', "headers": JSON},
        400,
        "body_not_utf8",
    ),
    ("a list", "POST", "/analyze", {"json": []}, 422, "validation_failed"),
    ("no body", "POST", "/analyze", {}, 415, "media_type_unsupported"),
    ("null", "POST", "/analyze", {"content": "null", "headers": JSON}, 422, "validation_failed"),
    ("neither text nor track", "POST", "/analyze", {"json": {}}, 422, "validation_failed"),
    (
        "both text and track",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a", "track_id": 1}},
        422,
        "validation_failed",
    ),
    ("lyrics that are a number", "POST", "/analyze", {"json": {"lyrics": 7}}, 422, "validation_failed"),
    ("unknown field", "POST", "/analyze", {"json": {"lyrics": "a", "lyric": "b"}}, 422, "validation_failed"),
    (
        "lone surrogate",
        "POST",
        "/analyze",
        {"content": b'{"lyrics": "\\ud800"}', "headers": JSON},
        422,
        "lyrics_empty",
    ),
    (
        "surrogate as a key",
        "POST",
        "/analyze",
        {"content": b'{"\\ud800": "a"}', "headers": JSON},
        422,
        "validation_failed",
    ),
    (
        "unknown analyzer",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a b", "analyzers": ["x"]}},
        422,
        "analyzer_unknown",
    ),
    (
        "no analyzer",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a b", "analyzers": []}},
        422,
        "validation_failed",
    ),
    ("empty", "POST", "/analyze", {"json": {"lyrics": ""}}, 422, "lyrics_empty"),
    ("blank", "POST", "/analyze", {"json": {"lyrics": " \n\t\n "}}, 422, "lyrics_empty"),
    ("only NUL", "POST", "/analyze", {"json": {"lyrics": "\0\0"}}, 422, "lyrics_empty"),
    ("all emoji", "POST", "/analyze", {"json": {"lyrics": "🔥🔥\n🎤"}}, 422, "lyrics_empty"),
    ("too long", "POST", "/analyze", {"json": {"lyrics": "la " * 400_000}}, 413, "lyrics_too_long"),
    ("body too large", "POST", "/analyze", {"json": {"lyrics": "la " * 1_100_000}}, 413, "body_too_large"),
    ("form", "POST", "/search", {"data": {"query": "x"}}, 415, "media_type_unsupported"),
    (
        "text",
        "POST",
        "/search",
        {"content": b"x", "headers": {"content-type": "text/plain"}},
        415,
        "media_type_unsupported",
    ),
    (
        "latin-1",
        "POST",
        "/search",
        {"content": b"{}", "headers": {"content-type": "application/json; charset=latin-1"}},
        415,
        "media_type_unsupported",
    ),
    ("no query", "POST", "/search", {"json": {}}, 422, "validation_failed"),
    ("query of signs", "POST", "/search", {"json": {"query": "?!"}}, 422, "validation_failed"),
    ("limit too high", "POST", "/search", {"json": {"query": "a", "limit": 51}}, 422, "validation_failed"),
    (
        "limit far too high",
        "POST",
        "/search",
        {"json": {"query": "a", "limit": 10**30}},
        422,
        "validation_failed",
    ),
    (
        "years reversed",
        "POST",
        "/search",
        {"json": {"query": "a", "year_from": 2001, "year_to": 2000}},
        422,
        "validation_failed",
    ),
    (
        "NUL in a filter",
        "POST",
        "/search",
        {"json": {"query": "a", "artist": "A\0"}},
        422,
        "validation_failed",
    ),
    (
        "surrogate in a filter",
        "POST",
        "/search",
        {"content": b'{"query": "a", "artist": "\\ud800"}', "headers": JSON},
        422,
        "validation_failed",
    ),
    (
        "query of a surrogate",
        "POST",
        "/search",
        {"content": b'{"query": "\\ud800"}', "headers": JSON},
        422,
        "validation_failed",
    ),
    ("NUL in a query parameter", "GET", "/tracks?artist=A%00", {}, 422, "validation_failed"),
    ("not a cursor", "GET", "/tracks?cursor=xyz", {}, 422, "cursor_invalid"),
    (
        "every analyzer fails",
        "POST",
        "/analyze",
        {"json": {"lyrics": "a b", "analyzers": ["failing"]}},
        500,
        "analysis_failed",
    ),
]


@pytest.mark.parametrize(
    ("name", "method", "url", "sent", "status", "code"), REQUESTS, ids=[r[0] for r in REQUESTS]
)
async def test_wrong_request_gets_problem(
    client: httpx.AsyncClient,
    name: str,
    method: str,
    url: str,
    sent: dict[str, object],
    status: int,
    code: str,
) -> None:
    """Status, code and media type are right, the id is in the body and the header, and the body is small."""
    answer = await client.request(method, url, **sent)  # type: ignore[arg-type]
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail", "instance"} <= problem.keys()
    assert len(answer.content) < 6000
    assert "/etc/secret" not in answer.text


async def test_validation_problem_hides_value(
    client: httpx.AsyncClient,
) -> None:
    """The errors say where, not what: the value may be a megabyte or a secret."""
    answer = await client.post("/search", json={"query": "ok", "limit": "hunter2" * 100, "year_from": 1})
    errors = answer.json()["errors"]
    assert {e["pointer"] for e in errors} == {"#/limit", "#/year_from"}
    assert all(e["in"] == "body" for e in errors)
    assert "hunter2" not in answer.text


async def test_unexpected_exception_returns_500(
    client: httpx.AsyncClient, services: MemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect in a service is a problem like any other, without its message."""

    async def broken() -> None:
        message = "password=hunter2"
        raise RuntimeError(message)

    monkeypatch.setattr(services, "overview", broken)
    answer = await client.get("/info")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert answer.json()["request_id"]
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert "hunter2" not in answer.text


MANY = {f"field{number}": 1 for number in range(50_000)}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "a"}]}


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/search", MANY, "#"),
        ("/analyze/batch", {"items": [{"lyrics": "a"}, MANY]}, "#/items/1"),
        ("/v1/chat/completions", {**CHAT, "messages": [MANY]}, "#/messages/0"),
        ("/v1/chat/completions", {**CHAT, "stream_options": MANY}, "#/stream_options"),
    ],
)
async def test_body_many_unknown_fields(
    client: httpx.AsyncClient, path: str, body: dict[str, object], pointer: str
) -> None:
    """Unknown fields are refused by their number: an error for each would stop the event loop for seconds."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 422
    assert [(error["code"], error["pointer"]) for error in answer.json()["errors"]] == [("too_long", pointer)]


async def test_chat_many_wrong_messages(client: httpx.AsyncClient) -> None:
    """The first is named: an error for each, times its fields, would hold up the event loop."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "messages": [{"role": "user"}] * 1000})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/messages/0/content"]


async def test_chat_too_many_parts(client: httpx.AsyncClient) -> None:
    """They would be right each, and making them would hold up the event loop for half a second."""
    message = {"role": "user", "content": [{"type": "text", "text": "a"}] * 100}
    answer = await client.post("/v1/chat/completions", json={**CHAT, "messages": [message] * 1000})
    assert [(e["code"], e["pointer"]) for e in answer.json()["errors"]] == [("too_long", "#/messages")]
    answer = await client.post("/v1/chat/completions", json={**CHAT, "messages": [message] * 40})
    assert answer.json()["code"] == "chat_not_hosted"


async def test_body_many_errors_summarized(client: httpx.AsyncClient) -> None:
    """The answer stays small, and says that there is more."""
    problem = (await client.post("/analyze/batch", json={"items": [{"lyrics": 7}] * 100})).json()
    assert [error["pointer"] for error in problem["errors"]] == [
        f"#/items/{index}/lyrics" for index in range(20)
    ]
    assert problem["detail"].startswith("100 ")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("rebound.example:8000", 421),
        ("127.0.0.1.rebound.example", 421),
        ("", 421),
    ],
)
async def test_local_host_header_checked(services: MemoryServices, host: str, status: int) -> None:
    """A page whose name was made to point at loopback does not read what an ingress without keys serves."""
    services.limits = replace(services.limits, is_local=True)
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/livez", headers={"host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["code"] == "host_not_allowed"


@pytest.mark.parametrize(
    ("code", "wait"), [("overloaded", 2), ("provider_not_configured", None), ("config_invalid", None)]
)
def test_operator_problem_without_retry(code: str, wait: int | None) -> None:
    """A client that obeys Retry-After would ask for ever."""
    assert of_code(code).retry_after_s == wait
