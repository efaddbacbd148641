"""What the settings make of the hosted model's deployment."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from rapray.analyzers.llm.providers import is_hosted, provider_of, require_configured
from rapray.config import ServeSettings, Settings
from rapray.config.llm import HostedSettings, LlmSettings
from rapray.errors import MissingExtra, ModelUnavailable
from rapray.hosting import hosted_model
from rapray.hosting.deployment import llm_config


def test_config_reserves_cpus(tmp_path: Path) -> None:
    """The placement group holds the CPUs, and a folder needs no network."""
    hosted = HostedSettings(model=str(tmp_path), cpus=3, kv_cache_gib=7, max_replicas=4)
    config = llm_config(hosted, 4096, 32)
    assert config["placement_group_config"] == {"bundles": [{"CPU": 3}]}
    assert config["deployment_config"]["ray_actor_options"] == {"num_cpus": 0}
    assert config["deployment_config"]["autoscaling_config"]["max_replicas"] == 4
    assert config["engine_kwargs"]["max_model_len"] == 4096
    assert config["model_loading_config"] == {"model_id": tmp_path.name, "model_source": str(tmp_path)}
    variables = config["runtime_env"]["env_vars"]
    assert (variables["HF_HUB_OFFLINE"], variables["VLLM_CPU_KVCACHE_SPACE"]) == ("1", "7")


def test_config_splits_across_gpus() -> None:
    """VLLM's own arguments win over ours."""
    hosted = HostedSettings(
        model="org/model", revision="abc", device="cuda", gpus=2, engine={"dtype": "float16"}
    )
    config = llm_config(hosted, 8192, 8)
    assert config["accelerator_config"] == {"kind": "gpu"}
    assert config["placement_group_config"] == {"bundle_per_worker": {"CPU": 1, "GPU": 1}}
    engine = config["engine_kwargs"]
    assert (engine["tensor_parallel_size"], engine["revision"], engine["dtype"]) == (2, "abc", "float16")
    assert "enforce_eager" not in engine
    assert "HF_HUB_OFFLINE" not in config["runtime_env"]["env_vars"]


def test_hosted_model_becomes_local() -> None:
    """Naming a model sets the provider up; programs elsewhere find it at the ingress."""
    llm = LlmSettings.model_validate({"hosted": {"model": "org/model", "revision": "abc"}})
    settings = Settings(llm=llm, serve=ServeSettings(port=8123))
    local = require_configured(settings, "local")
    assert (local.model, local.revision) == ("org/model", "abc")
    assert local.base_url == "http://127.0.0.1:8123/v1"
    assert is_hosted(settings, "local")
    assert not is_hosted(settings, "ollama")
    assert provider_of(Settings(), "local").enabled is False


def test_hosted_model_missing_parts(tmp_path: Path) -> None:
    """VLLM would take a wrong folder for a name on a hub, and ask for it for minutes."""
    settings = Settings(llm=LlmSettings(hosted=HostedSettings(model=str(tmp_path / "none"))))
    has_vllm = importlib.util.find_spec("vllm") is not None
    with pytest.raises(
        ModelUnavailable if has_vllm else MissingExtra, match=r"config\.json" if has_vllm else "vllm"
    ):
        hosted_model(settings)
