"""Whether the deployments find their CPUs."""

from __future__ import annotations

from typing import Any

import pytest
import ray

from rapray.config import EmbeddingSettings, EmotionSettings, RaySettings, Settings
from rapray.config.llm import HostedSettings, LlmSettings
from rapray.errors import UsageError
from rapray.serve import app
from rapray.serve.room import check_room, reserved_cpus

HOSTED = Settings(llm=LlmSettings(hosted=HostedSettings(model="org/m", cpus=2, min_replicas=2)))


def test_analyzers_fit_two_cpus() -> None:
    """What the laptop of the README has."""
    names = ("algorithmic", "emotion", "qwen", "gemma", "ollama", "local")
    chosen = app._chosen(names, Settings(), {})
    assert reserved_cpus(chosen, Settings()) <= 2
    assert reserved_cpus(chosen, HOSTED) == pytest.approx(reserved_cpus(chosen, Settings()) + 4)


def test_missing_gpus_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of GPUs is reserved whether they are there or not; "auto" takes what there is."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    here: dict[str, Any] = {"CPU": 4.0}
    monkeypatch.setattr(ray, "cluster_resources", lambda: here)

    def gpus_of(settings: Settings) -> list[float]:
        chosen = app._chosen(["emotion"], settings, {})
        check_room(chosen, settings)
        return [chosen[name]["ray_actor_options"].get("num_gpus", 0) for name in ("embedder", "emotion")]

    halves = Settings(embedding=EmbeddingSettings(gpus=0.5), emotion=EmotionSettings(gpus=0.5))
    assert gpus_of(Settings()) == [0, 0]
    with pytest.raises(UsageError, match="reserve 1 GPUs and Ray has 0"):
        gpus_of(halves)
    here["GPU"] = 1.0
    assert gpus_of(halves) == [0.5, 0.5]
    assert gpus_of(Settings()) == [0.5, 0.5]
    assert gpus_of(Settings(embedding=EmbeddingSettings(gpus=1))) == [1, 0]
    here["GPU"] = 3.0
    assert gpus_of(Settings()) == [1, 1]
    hosted = LlmSettings(hosted=HostedSettings(model="org/m", device="cuda", gpus=2))
    assert gpus_of(Settings(llm=hosted)) == [0.5, 0.5]


def test_missing_cpus_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve itself would wait for ever; a cluster at an address may have an autoscaler."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    here: dict[str, Any] = {"CPU": 2.0}
    monkeypatch.setattr(ray, "cluster_resources", lambda: here)
    deployments = {"a": {"ray_actor_options": {"num_cpus": 1.5}}, "b": {"num_replicas": 2}}
    with pytest.raises(UsageError, match="RAPRAY_RAY__NUM_CPUS=4"):
        check_room(deployments, Settings())
    check_room(deployments, Settings(ray=RaySettings(address="auto")))
    here["CPU"] = 4.0
    check_room(deployments, Settings())
