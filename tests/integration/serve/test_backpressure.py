"""A queue that is full says so at once; what was accepted is answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from pydantic import SecretStr

from rapray.config import AnalyzeSettings, DatabaseSettings, RedisSettings, ServeSettings, Settings
from rapray.config.llm import LlmSettings
from tests.support.serving import free_port, local_ray
from tests.support.slow_model import SlowModel

pytestmark = [
    pytest.mark.ray,
    pytest.mark.load,
    pytest.mark.slow("starts Ray and an application"),
    pytest.mark.usefixtures("own_ray"),
    pytest.mark.timeout(240),
]
ASKED = 12
OPTIONS = {
    "qwen": {
        "max_ongoing_requests": 1,
        "max_queued_requests": 1,
        "user_config": {"threads": 1},
        "autoscaling_config": {"min_replicas": 1, "max_replicas": 1},
    }
}


def test_full_queue_returns_503(database_url: str) -> None:
    """One request works, one waits; of twelve at once some are sent away, and the other analyzer answers all."""
    pytest.importorskip("openai", reason="the llm extra is not installed")
    from rapray.serve.app import served

    with SlowModel() as model, local_ray(4):
        provider = {"base_url": model.base_url, "model": "slow", "needs_key": False}
        settings = Settings(
            database=DatabaseSettings(url=SecretStr(database_url)),
            redis=RedisSettings(enabled=False),
            analyze=AnalyzeSettings(analyzers=("algorithmic", "qwen"), deadline_s=60),
            serve=ServeSettings(port=free_port(), analyzers=("algorithmic", "qwen")),
            llm=LlmSettings.model_validate({"providers": {"qwen": provider}}),
        )
        with served(settings, OPTIONS) as address, httpx.Client(base_url=address, timeout=90) as client:

            def alone(number: int) -> httpx.Response:
                return client.post("/analyze", json={"lyrics": f"line {number}", "analyzers": ["qwen"]})

            def beside(number: int) -> httpx.Response:
                return client.post("/analyze", json={"lyrics": f"verse {number}"})

            with ThreadPoolExecutor(ASKED) as threads:
                answers = list(threads.map(alone, range(ASKED)))
                partial = [answer.json() for answer in threads.map(beside, range(ASKED))]
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["code"] == "overloaded"
            assert int(answer.headers["retry-after"]) >= 1
    assert all("algorithmic" in answer["results"] for answer in partial)
    refused = [answer["problems"]["qwen"] for answer in partial if answer["problems"]]
    assert refused
    assert all(problem["code"] == "overloaded" and problem["retry_after_s"] for problem in refused)
