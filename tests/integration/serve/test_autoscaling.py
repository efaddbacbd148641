"""Every deployment scales on its own: load comes and replicas go up, load goes and they go down."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest

from rapray.config import AnalyzeSettings, ServeSettings
from rapray.config.llm import LlmSettings
from rapray.serve.roster import to_deploy
from tests.support.serving import Load, Send, free_port, local_ray, replicas
from tests.support.slow_model import SlowModel
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.ray, pytest.mark.load, pytest.mark.usefixtures("own_ray"), pytest.mark.timeout(420)]
# Serve looks at the last seconds alone and waits for none of its usual half minute.
QUICK: dict[str, Any] = {
    "min_replicas": 1,
    "max_replicas": 2,
    "target_ongoing_requests": 1,
    "upscale_delay_s": 0.5,
    "downscale_delay_s": 2,
    "metrics_interval_s": 0.5,
    "look_back_period_s": 2,
}
LANGUAGE_MODELS = ("qwen", "gemma", "ollama", "local")
VERSE = (
    "we ride the night and light it right\nand count the days in bus stops and pay for them in raindrops\n"
)


def analyzing(names: list[str]) -> Send:
    """Asks with a text that nobody has asked for, and that takes a while."""

    def analyze(client: httpx.Client, number: int) -> httpx.Response:
        body = {"lyrics": VERSE * 100 + f"number {number}", "analyzers": names}
        return client.post("/analyze", json=body)

    return analyze


def search(client: httpx.Client, number: int) -> httpx.Response:
    """A query that nobody has asked for, as long as one may be."""
    return client.post("/search", json={"query": (f"{number} " + VERSE * 30)[:2000], "limit": 1})


def test_load_scales_every_deployment(collection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ingress, embedder and each of the analyzers get a second replica under load and lose it afterwards."""
    pytest.importorskip("openai", reason="the llm extra is not installed")
    from rapray.serve.app import served

    monkeypatch.setenv("RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S", "0.5")
    monkeypatch.setenv("RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S", "0.5")
    stack = contextlib.ExitStack()
    model = stack.enter_context(SlowModel())
    provider = {"base_url": model.base_url, "model": "slow", "needs_key": False, "concurrency": 64}
    settings = collection.settings.model_copy(
        update={
            "serve": ServeSettings(port=free_port()),
            "analyze": AnalyzeSettings(deadline_s=120),
            "llm": LlmSettings.model_validate({"providers": dict.fromkeys(LANGUAGE_MODELS, provider)}),
        }
    )
    analyzers = to_deploy(["all"], settings)
    assert {"algorithmic", *LANGUAGE_MODELS} <= set(analyzers)
    names = {"ingress", "embedder", *analyzers}
    options = {
        name: {
            "autoscaling_config": QUICK,
            "ray_actor_options": {"num_cpus": 0.1},
            "graceful_shutdown_timeout_s": 5,
        }
        for name in names
    }
    with stack, local_ray(8), served(settings, options) as address:
        assert replicas() == dict.fromkeys(names, 1)
        seen = dict.fromkeys(names, 1)

        def all_grew() -> bool:
            for name, count in replicas().items():
                seen[name] = max(seen[name], count)
            return all(count > 1 for count in seen.values())

        with Load(address, [analyzing(analyzers)] * 6 + [search] * 6) as load:
            wait_for(all_grew, f"every deployment grows: {seen}", 180)
        wait_for(lambda: replicas() == dict.fromkeys(names, 1), "every deployment shrinks again", 120)
        assert httpx.get(f"{address}/readyz").status_code == 200
    assert load.ends["200"] > 0
    assert set(load.ends) <= {"200", "503 with Retry-After"}, load.ends
