"""The same lyric through a job and through HTTP: the same result."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import psycopg
import pytest

from rapray.analyzers.registry import spec
from rapray.serve.roster import to_deploy
from tests.integration.serve.conftest import COMPUTING, ServedApplication
from tests.support.model_results import assert_same_result, dtype_of

pytestmark = [
    pytest.mark.slow("asks for every stored track twice"),
    pytest.mark.ray,
    pytest.mark.timeout(300),
]
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


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    """What must be the same; the vector in the half precision that PostgreSQL keeps."""
    halves = np.asarray(result["embedding"], dtype=np.float16)
    return {**{name: result[name] for name in COMPARED}, "embedding": halves.tolist()}


def stored(url: str) -> dict[tuple[int, str], dict[str, Any]]:
    """Every stored result by track and analyzer."""
    columns = ", ".join(COMPARED)
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            f"SELECT track_id, analyzer, analysis_embedding::text, {columns} "  # type: ignore[arg-type]
            "FROM analysis_results JOIN provenances ON provenances.id = provenance_id"
        ).fetchall()
    return {
        (key, analyzer): {**dict(zip(COMPARED, values, strict=True)), "embedding": json.loads(embedding)}
        for key, analyzer, embedding, *values in rows
    }


def test_result_job_equals_request(served_app: ServedApplication) -> None:
    """For every analyzer that computes: a stored track, and the same text sent by a stranger."""
    assert served_app.settings.database.url is not None
    url = served_app.settings.database.url.get_secret_value()
    dtype = dtype_of(served_app.settings.emotion)
    by_job = stored(url)
    with psycopg.connect(url) as conn:
        texts = dict(conn.execute("SELECT id, lyrics FROM tracks").fetchall())
    assert by_job.keys() == {(track_id, name) for track_id in texts for name in COMPUTING}
    with served_app.client() as client:
        for track_id, lyrics in texts.items():
            for text in ({"track_id": track_id}, {"lyrics": lyrics}):
                question = {**text, "analyzers": COMPUTING, "include_embedding": True}
                answer = client.post("/analyze", json=question).json()
                assert set(answer["results"]) == set(COMPUTING), answer["problems"]
                for name, result in answer["results"].items():
                    assert_same_result(comparable(result), comparable(by_job[track_id, name]), dtype)


def test_computing_analyzers_are_complete(served_app: ServedApplication) -> None:
    """The comparison above leaves out no analyzer that computes by itself."""
    settings = served_app.settings
    computing = {name for name in to_deploy(["all"], settings) if not spec(name, settings).is_remote}
    assert computing == set(COMPUTING)
