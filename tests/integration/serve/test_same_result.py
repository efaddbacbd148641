"""The same lyric through a job and through HTTP: the same result."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest

from rapray.analyzers.registry import identity
from rapray.config import AnalyzeSettings, RedisSettings, ServeSettings, Settings
from rapray.serve.roster import to_deploy
from tests.support.model_results import assert_same_result, dtype_of
from tests.support.serving import free_port, local_ray

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]
# Those of a language model are asked elsewhere, and it promises no two answers alike.
COMPARED = (
    "version",
    "sentiment",
    "confidence",
    "data",
    "model",
    "model_revision",
    "prompt_version",
    "content_hash",
)


def deterministic(settings: Settings) -> list[str]:
    """Every analyzer that is set up here and computes by itself: with rules, or with a model of its own."""
    identities = {name: identity(name, settings) for name in to_deploy(["all"], settings)}
    return [name for name, found in identities.items() if found.model is None or found.model.kind != "llm"]


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    """What must be the same; the vector in the half precision that PostgreSQL keeps."""
    halves = np.asarray(result["embedding"], dtype=np.float16)
    return {**{name: result[name] for name in COMPARED}, "embedding": halves.tolist()}


def stored(url: str) -> dict[tuple[int, str], dict[str, Any]]:
    """Every stored result by track and analyzer."""
    columns = ", ".join(COMPARED)
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            f"SELECT track_id, analyzer, analysis_embedding::text, {columns} FROM analysis_results"  # type: ignore[arg-type]
        ).fetchall()
    return {
        (key, analyzer): {**dict(zip(COMPARED, values, strict=True)), "embedding": json.loads(embedding)}
        for key, analyzer, embedding, *values in rows
    }


def test_result_job_equals_request(collection: Any) -> None:
    """For every analyzer that computes: a stored track, and the same text sent by a stranger."""
    from rapray.pipelines.analyze import analyze
    from rapray.serve.app import served

    url = collection.settings.database.url.get_secret_value()
    names = deterministic(collection.settings)
    dtype = dtype_of(collection.settings.emotion)
    settings = collection.settings.model_copy(
        update={
            "serve": ServeSettings(port=free_port(), analyzers=tuple(names)),
            "redis": RedisSettings(enabled=False),
            "analyze": AnalyzeSettings(analyzers=tuple(names), deadline_s=120),
        }
    )
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DELETE FROM analysis_results")
        texts = dict(conn.execute("SELECT id, lyrics FROM tracks").fetchall())
    with local_ray(4):
        assert analyze(settings, names).new == len(texts) * len(names)
        by_job = stored(url)
        with served(settings) as address, httpx.Client(base_url=address, timeout=120) as client:
            for track_id, lyrics in texts.items():
                for text in ({"track_id": track_id}, {"lyrics": lyrics}):
                    answer = client.post("/analyze", json={**text, "include_embedding": True}).json()
                    assert set(answer["results"]) == set(names), answer["problems"]
                    for name, result in answer["results"].items():
                        row = by_job[track_id, name]
                        assert_same_result(comparable(result), comparable(row), dtype)
