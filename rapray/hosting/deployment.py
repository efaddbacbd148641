"""`hosted_model(settings)`: the Serve deployment of the hosted model.

`llm.hosted.engine` passes any further argument to vLLM's engine.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ray import serve

from rapray.analyzers.llm.providers import provider_of
from rapray.config import Settings
from rapray.config.llm import HOSTED_PROVIDER, HostedSettings
from rapray.errors import MissingExtra, ModelUnavailable
from rapray.hosting.logging_guard import own_logging

DEPLOYMENT = "local-model"
_ENGINE: dict[str, Any] = {
    "dtype": "bfloat16",
    # A weak model fills its answer with blanks where a grammar allows any.
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
}
# torch.compile takes minutes on CPUs and gains little there.
_ENGINE_ON_CPU: dict[str, Any] = {"enforce_eager": True}
_ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "RAYLLM_ENABLE_REQUEST_PROMPT_LOGS": "0"}
# Serve waits `graceful_shutdown_timeout_s` for the requests of a replica that it stops; one may take 120 s.
_LIFE = {"health_check_period_s": 10, "health_check_timeout_s": 60, "graceful_shutdown_timeout_s": 130}


def check_hosted(settings: Settings) -> None:
    """Check, before anything starts, that the hosted model can come up here.

    Raises:
        MissingExtra: vLLM is not installed here.
        ModelUnavailable: the folder does not exist; vLLM would take its path for a name on a hub.
    """
    hosted = settings.llm.hosted
    if find_spec("vllm") is None:
        raise MissingExtra(feature="A hosted language model", extra="vllm")
    if _is_folder(hosted) and not (Path(str(hosted.model)) / "config.json").is_file():
        reason = f"there is no config.json in {hosted.model}{os.sep}"
        raise ModelUnavailable(model=hosted.served_name, reason=reason)


def hosted_model(settings: Settings) -> serve.Application:
    """Return the hosted model, ready to be bound into an application.

    Raises:
        MissingExtra, ModelUnavailable: see `check_hosted`; or vLLM refuses the settings.
    """
    check_hosted(settings)
    with own_logging():
        return _deployment(settings)


def _deployment(settings: Settings) -> serve.Application:
    from ray.serve.llm import LLMConfig, build_llm_deployment  # both need vLLM

    from rapray.hosting.server import HostedModel

    hosted, provider = settings.llm.hosted, provider_of(settings, HOSTED_PROVIDER)
    with _map_errors(hosted.served_name):
        return build_llm_deployment(
            LLMConfig(**llm_config(hosted, provider.context_tokens, provider.concurrency)),
            bind_kwargs={"timeout_s": provider.timeout_s},
            override_serve_options={"name": DEPLOYMENT},
            deployment_cls=HostedModel,
        )


@contextmanager
def _map_errors(model: str) -> Generator[None]:
    """Raise ModelUnavailable if Ray or vLLM refuses the settings."""
    try:
        yield
    except ValueError as error:
        raise ModelUnavailable(model=model, reason=str(error)) from error


def llm_config(hosted: HostedSettings, context_tokens: int, concurrency: int) -> dict[str, Any]:
    """Return the arguments of `ray.serve.llm.LLMConfig`.

    Args:
        hosted: the settings of the model.
        context_tokens: longest prompt and answer together.
        concurrency: requests that one replica works on at once before another one is started.
    """
    on_cpu = hosted.device == "cpu"
    return {
        "model_loading_config": {"model_id": hosted.served_name, "model_source": hosted.model},
        "accelerator_config": {"kind": "cpu" if on_cpu else "gpu"},
        "placement_group_config": _places(hosted),
        "engine_kwargs": _engine(hosted, context_tokens),
        "runtime_env": {"env_vars": _environment(hosted)},
        "deployment_config": {
            "ray_actor_options": {"num_cpus": 0},  # the placement group reserves them
            "max_ongoing_requests": 2 * concurrency,
            "max_queued_requests": 8 * concurrency,
            "autoscaling_config": {
                "min_replicas": hosted.min_replicas,
                "max_replicas": hosted.max_replicas,
                "target_ongoing_requests": concurrency,
                "upscale_delay_s": 10,
                "downscale_delay_s": 300,  # a model takes a minute and more to come up again
            },
            **_LIFE,
        },
        "log_engine_metrics": True,
    }


def _places(hosted: HostedSettings) -> dict[str, Any]:
    if hosted.device == "cpu":
        return {"bundles": [{"CPU": hosted.cpus}]}
    return {"bundle_per_worker": {"CPU": 1, "GPU": 1}}


def _engine(hosted: HostedSettings, context_tokens: int) -> dict[str, Any]:
    on_device = _ENGINE_ON_CPU if hosted.device == "cpu" else {"tensor_parallel_size": hosted.gpus}
    revision = {"revision": hosted.revision} if hosted.revision else {}
    return {**_ENGINE, **on_device, **revision, "max_model_len": context_tokens, **hosted.engine}


def _environment(hosted: HostedSettings) -> dict[str, str]:
    """Return the replica's environment. A folder needs no hub, and one that does not answer would delay the start."""
    offline = {"HF_HUB_OFFLINE": "1"} if _is_folder(hosted) else {}
    on_cpu = {"VLLM_CPU_KVCACHE_SPACE": str(hosted.kv_cache_gib)} if hosted.device == "cpu" else {}
    return {**_ENVIRONMENT, **offline, **on_cpu}


def _is_folder(hosted: HostedSettings) -> bool:
    return hosted.model is not None and Path(hosted.model).is_absolute()
