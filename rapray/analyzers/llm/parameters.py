"""The digest of a provider's settings that decide an answer.

Does not know what they do; `questions.py`, `forms.py` and `conversation.py` do.
"""

from __future__ import annotations

from typing import Any

from rapray.analyzers.base import digest_of
from rapray.analyzers.llm.providers import is_hosted, provider_of
from rapray.config import Settings
from rapray.config.llm import PROVIDER_PRESETS, HostedSettings, ProviderSettings

# Not `base_url`: the same model elsewhere gives the same answers, and one that does not has another `revision`. Not
# `max_parts`: a longer lyric is a failure and no other answer. Model and revision stand in the provenance itself.
DECIDING = (
    "context_tokens",
    "max_output_tokens",
    "structured_output",
    "logprobs",
    "temperature",
    "samples",
    "extra_body",
)
# Arguments of vLLM's engine that say how much of it there is; any other may change an answer.
_CAPACITY = frozenset(
    {
        "cpu_offload_gb",
        "data_parallel_size",
        "distributed_executor_backend",
        "enable_chunked_prefill",
        "enable_prefix_caching",
        "enforce_eager",
        "gpu_memory_utilization",
        "max_num_batched_tokens",
        "max_num_seqs",
        "pipeline_parallel_size",
        "swap_space",
        "tensor_parallel_size",
    }
)


def parameters_of(settings: Settings, name: str) -> str | None:
    """The digest for one provider; None where every one of them is at the preset's or the field's default."""
    values = _values(provider_of(settings, name))
    if is_hosted(settings, name):
        values["engine"] = _deciding_engine(settings.llm.hosted)
    return digest_of(values, {**defaults_of(name), "engine": {}})


def defaults_of(name: str) -> dict[str, Any]:
    """What the deciding settings of a provider are where nobody sets them."""
    preset = PROVIDER_PRESETS.get(name, {})
    fields = ProviderSettings.model_fields
    return {
        field: preset.get(field, fields[field].get_default(call_default_factory=True)) for field in DECIDING
    }


def _values(provider: ProviderSettings) -> dict[str, Any]:
    return {field: getattr(provider, field) for field in DECIDING}


def _deciding_engine(hosted: HostedSettings) -> dict[str, Any]:
    return {name: value for name, value in hosted.engine.items() if name not in _CAPACITY}
