"""Which device a model computes on, and how that is explained."""

from __future__ import annotations

import pytest

from rapray.config import EmbeddingSettings, RaySettings, Settings
from rapray.embeddings.precision import explain_device, pick_device
from rapray.errors import ModelUnavailable, UsageError

torch = pytest.importorskip("torch", reason="the embeddings extra is not installed")


@pytest.fixture(autouse=True)
def _visible_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that torch sees, as in a worker without one of its own: Ray hides no device."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


@pytest.mark.parametrize(
    ("settings", "explanation"),
    [
        (EmbeddingSettings(), "cuda, because torch sees one here; on a cluster with GPUs one for each"),
        (
            EmbeddingSettings(gpus=0.5),
            "cuda, because torch sees one here; each actor and replica asks for 0.5 GPU",
        ),
        (EmbeddingSettings(gpus=0), "cpu, because gpus is 0; actors and replicas ask for no GPU"),
        (
            EmbeddingSettings(device="cpu"),
            "cpu, as the setting device says; actors and replicas ask for no GPU",
        ),
    ],
)
def test_device_is_explained(settings: EmbeddingSettings, explanation: str) -> None:
    """The device, the reason, and what Ray is asked for."""
    assert explain_device(settings).startswith(explanation)


@pytest.mark.parametrize("device", ["cuda:1", "mps"])
def test_absent_device_is_named(device: str) -> None:
    """Torch raises an AssertionError or a RuntimeError of its own for it, in the middle of loading a model."""
    with pytest.raises(ModelUnavailable, match=f"device is '{device}', and torch sees no such device here"):
        pick_device(EmbeddingSettings(device=device))
    assert pick_device(EmbeddingSettings(device="cuda:0")) == "cuda:0"


def test_worker_without_gpu_uses_cpu() -> None:
    """It leaves the device to the workers that Ray gave it to."""
    settings = Settings()
    assert pick_device(settings.placed_on(1).embedding) == "cuda"
    assert pick_device(settings.placed_on(0).embedding) == "cpu"
    assert pick_device(settings.placed_on(0).emotion) == "cpu"


def test_job_without_gpus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would wait for ever; a cluster at an address may have an autoscaler."""
    import ray

    from rapray.pipelines.cluster import check_gpus

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    check_gpus(Settings(), 0)
    with pytest.raises(UsageError, match="each actor is to have 1 GPUs, and this host has 0"):
        check_gpus(Settings(), 1)
    check_gpus(Settings(ray=RaySettings(address="auto")), 1)
