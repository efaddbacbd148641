"""The application on a real Ray Serve: what `rapray serve` starts, asked over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from rapray.config import ServeSettings
from rapray.errors import UsageError
from tests.integration.serve.conftest import ServedApplication

pytestmark = pytest.mark.ray


def test_served_application_answers(served_app: ServedApplication) -> None:
    """Analyse, search, pages and health go through proxy, ingress, embedder and analyzer."""
    with served_app.client() as client:
        _check_reads(client, served_app.ids)
        _check_inference(client)
        _check_batches(client)
        _check_errors(client)


def _check_reads(client: httpx.Client, ids: dict[str, int]) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}
    health = client.get("/health").json()
    assert health["status"] == "up", health
    track_id = next(iter(ids.values()))
    assert client.get(f"/track/{track_id}").json()["id"] == track_id
    assert "<mark" in client.get(f"/tracks/{track_id}").text
    assert client.get("/static/style.css").status_code == 200
    assert client.get("/docs").status_code == 200
    assert 'rapray_http_request_seconds_count{method="GET",route="/readyz"' in client.get("/metrics").text


def _check_inference(client: httpx.Client) -> None:
    hits = client.post("/search", json={"query": "working nights", "limit": 3}).json()["results"]
    assert len(hits) == 3
    answer = client.post(
        "/analyze",
        json={
            "lyrics": "I light the night\nand hold it tight",
            "analyzers": ["algorithmic"],
            "include_embedding": True,
        },
    )
    assert len(answer.json()["results"]["algorithmic"]["embedding"]) == 256


def _check_batches(client: httpx.Client) -> None:
    """Queries that share a forward pass get their own answers."""

    def first(text: str) -> float:
        return client.post("/search", json={"query": text, "limit": 1}).json()["results"][0]["score"]

    texts = [
        f"{word} in the city"
        for word in ("rain", "love", "money", "chess", "trains", "night", "bread", "war")
    ]
    alone = [first(text) for text in texts]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(first, texts))
    assert together == pytest.approx(alone, abs=0.01)


def _check_errors(client: httpx.Client) -> None:
    answer = client.get("/nowhere", headers={"x-request-id": "mine"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == "mine"
    assert answer.headers.get_list("x-request-id") == ["mine"]
    assert (
        client.post("/analyze", content=b"\xff", headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert client.post("/analyze", json={"lyrics": "🔥"}).json()["code"] == "lyrics_empty"
    long = json.dumps({"lyrics": "we ride the night and light it right\n" * 2000})
    assert (
        client.post("/analyze", content=long, headers={"content-type": "application/json"}).status_code == 200
    )


def test_off_loopback_is_refused(collection: Any) -> None:
    """Without API keys nobody else may connect."""
    from rapray.serve.app import served

    settings = collection.settings.model_copy(update={"serve": ServeSettings(host="0.0.0.0")})
    with pytest.raises(UsageError), served(settings):
        pass


def test_second_serve_is_refused(served_app: ServedApplication) -> None:
    """A second `serve` on one cluster is refused; the first keeps answering."""
    from rapray.serve.app import served

    with pytest.raises(UsageError, match="serve deploy"), served(served_app.settings):
        pass
    with served_app.client() as client:
        assert client.get("/readyz").status_code == 200
