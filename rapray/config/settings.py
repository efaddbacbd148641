"""Every setting, with its default, its bounds and a sentence that says what it does.

Does not know where values come from: `rapray/config/loader.py` does. `rapray.example.yaml` shows each key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)


def _split_commas(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Directory = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split_commas)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", strip_whitespace=True)]


def default_data_dir() -> Path:
    """The platform's directory for a user's data, e.g. `~/.local/share/rapray` on Linux."""
    return Path(platformdirs.user_data_dir("rapray", appauthor=False))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DatabaseSettings(_Section):
    """PostgreSQL 15 or newer with pgvector 0.8.4 or newer."""

    url: SecretStr | None = Field(
        default=None,
        description="postgresql://user:password@host:5432/name. Unset: an embedded server on this host.",
    )
    pool_size: int = Field(
        default=20, ge=1, le=1000, description="Connections of one ingress replica's pool."
    )
    connect_timeout_s: float = Field(
        default=10, gt=0, le=300, description="Longest wait of serving for a connection."
    )
    statement_timeout_s: float = Field(
        default=30, gt=0, le=86_400, description="Longest statement of a served request."
    )
    pgbouncer: bool = Field(
        default=False,
        description="True where serving goes through PgBouncer in transaction mode: no prepared statements. "
        "Jobs need sessions: give them PostgreSQL's own address.",
    )


class RedisSettings(_Section):
    """Redis 7 or newer, or Valkey 8 or newer. rapray is correct without it, only slower."""

    url: SecretStr | None = Field(
        default=None, description="redis://:password@host:6379/0. Unset: an embedded Valkey on this host."
    )
    enabled: bool = Field(
        default=True, description="False: use no Redis at all; shared limits are then kept in PostgreSQL."
    )
    timeout_s: float = Field(default=2, gt=0, le=60, description="Longest wait for one command.")


class GeniusSettings(_Section):
    """The Genius source: https://docs.genius.com. Fetch only pages that you have the right to fetch."""

    token: SecretStr | None = Field(default=None, description="Client access token of an API client.")
    api_url: Url = Field(default="https://api.genius.com", description="Base address of the API.")
    web_url: Url = Field(default="https://genius.com", description="Base address of the song pages.")
    contact: str | None = Field(
        default=None,
        max_length=200,
        description="E-mail or address named in the user agent. Needed for any host but this one.",
    )
    requests_per_second: float = Field(
        default=1, gt=0, le=1000, description="Of all workers of all jobs together, for each host."
    )
    burst: int = Field(default=1, ge=1, le=100, description="Requests that may leave at once after a pause.")
    timeout_s: float = Field(default=20, gt=0, le=300, description="Longest wait for one answer.")
    max_body_bytes: int = Field(
        default=8_000_000, ge=10_000, le=100_000_000, description="A longer body is refused, not cut."
    )
    max_retries: int = Field(default=3, ge=0, le=10, description="Repeats of one request inside one attempt.")
    max_retry_wait_s: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="A longer Retry-After ends the attempt; the song is due again then.",
    )
    respect_robots: bool = Field(default=True, description="Honour robots.txt.")


class EmbeddingSettings(_Section):
    """Which model turns text into vectors."""

    model: str = Field(
        default="builtin",
        min_length=1,
        description="'builtin' (all-MiniLM-L6-v2 from a package), or any sentence-transformers model by name or path.",
    )
    revision: str | None = Field(
        default=None, description="Revision of a model by name; part of the stored identity."
    )
    device: str = Field(default="auto", description="'auto', 'cpu', 'cuda', 'cuda:1', 'mps'.")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="'auto': bfloat16 where the processor computes with it."
    )
    batch_tokens: int = Field(
        default=4096, ge=256, le=1_000_000, description="Padded tokens of one forward pass."
    )


class EmotionSettings(_Section):
    """Which model reads emotions."""

    model: str = Field(
        default="auto",
        min_length=1,
        description="'auto' (j-hartmann/emotion-english-distilroberta-base where its weights are on this host, "
        "else 'builtin'), 'builtin', or any sequence-classification model by name or path.",
    )
    revision: str | None = Field(
        default=None, description="Revision of a model by name; part of the stored identity."
    )
    device: str = Field(default="auto", description="'auto', 'cpu', 'cuda', 'cuda:1', 'mps'.")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="'auto': bfloat16 where the processor computes with it."
    )
    batch_tokens: int = Field(
        default=4096, ge=256, le=1_000_000, description="Padded tokens of one forward pass."
    )


class AnalyzeSettings(_Section):
    """What every analyzer shares."""

    analyzers: Names = Field(
        default=("algorithmic",),
        min_length=1,
        description="Run and served where nothing else is named; all: every one.",
    )
    deadline_s: float = Field(
        default=30, gt=0, le=600, description="Longest wait for one analyzer in a request."
    )
    max_lyrics_chars: int = Field(
        # 120 times the median lyric, and what one analyzer reads in a few seconds; a page with more is "too_long" too.
        default=300_000,
        ge=1000,
        le=5_000_000,
        description="Longest text that a request may carry.",
    )


class ProviderSettings(_Section):
    """One language model behind an API of OpenAI's form; each becomes an analyzer of its name."""

    base_url: Url = Field(description="Base address of the API, up to and with its version: https://host/v1.")
    model: str = Field(min_length=1, max_length=200, description="Name of the model as the API knows it.")
    revision: str = Field(
        default="unpinned",
        min_length=1,
        max_length=200,
        description="Part of the stored identity: change it when the provider changes the weights.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key of the API; empty: none.")
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
        description="Longest wait of one request for a limit, a Retry-After or a paused provider.",
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
        description="Further members of every request, as the API documents them.",
    )


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
    "local": {
        **_OWN_MACHINE,
        "enabled": False,
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "local",
        "context_tokens": 8192,
    },
}


def _with_presets(value: object) -> object:
    """Each preset under what is given for it, so that a key alone configures a provider."""
    if not isinstance(value, dict):
        return value
    given = cast("dict[str, Any]", value)
    return {
        name: {**PROVIDER_PRESETS.get(name, {}), **_as_dict(given.get(name, {}))}
        for name in [*PROVIDER_PRESETS, *(name for name in given if name not in PROVIDER_PRESETS)]
    }


def _as_dict(provider: Any) -> dict[str, Any]:
    if isinstance(provider, ProviderSettings):
        return {name: getattr(provider, name) for name in provider.model_fields_set}
    values = {name: value for name, value in dict(provider).items() if value != ""}
    return {**values, "enabled": True} if values and "enabled" not in values else values


ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class LlmSettings(_Section):
    """Language models behind APIs of OpenAI's form."""

    prompts: str = Field(
        default="v1",
        min_length=1,
        description="Version of the prompts: a folder of rapray/analyzers/prompts, or a path to one of yours.",
    )
    max_cost_usd: float | None = Field(
        default=None, ge=0, description="Most that one run may spend on each provider; unset: no limit."
    )
    providers: Annotated[dict[ProviderName, ProviderSettings], BeforeValidator(_with_presets)] = Field(
        default_factory=dict[str, ProviderSettings],
        description="Providers by name: the presets qwen, gemma, ollama and local, and any of your own.",
    )


class JobSettings(_Section):
    """Ray Data jobs."""

    max_attempts: int = Field(
        default=3, ge=1, le=100, description="After this many, a failure is a dead letter."
    )
    retry_delay_s: float = Field(
        default=60, ge=0, le=86_400, description="Pause before a failed song is due again; doubles each time."
    )
    writers: int = Field(default=2, ge=1, le=256, description="Write tasks at once, one connection each.")
    fetchers: int = Field(default=4, ge=1, le=1024, description="Fetching actors at once.")
    workers: int = Field(default=2, ge=1, le=4096, description="Embedding or analysing actors at once.")
    fetch_block_rows: int = Field(default=32, ge=1, le=256, description="Songs of one fetching task.")
    compute_block_rows: int = Field(default=512, ge=16, le=65_536, description="Tracks of one reading task.")
    progress_interval_s: float = Field(
        default=5, gt=0, le=3600, description="Between two progress lines in a log."
    )


class ServeSettings(_Section):
    """The HTTP ingress."""

    host: str = Field(default="127.0.0.1", description="Loopback alone until API keys are set up.")
    port: int = Field(default=8000, ge=1, le=65_535, description="Port of the HTTP proxy.")
    allow_unauthenticated: bool = Field(
        default=False,
        description="True: listen off loopback without API keys, behind a proxy that authenticates.",
    )
    max_body_bytes: int = Field(
        default=6_000_000, ge=10_000, le=100_000_000, description="Largest request body."
    )
    search_limit: int = Field(default=50, ge=1, le=500, description="Most results of one search.")


class RaySettings(_Section):
    """The Ray cluster that jobs and serving run on."""

    address: str | None = Field(
        default=None, description="'auto' or ray://…; unset: RAY_ADDRESS, else a cluster inside this process."
    )
    num_cpus: int | None = Field(
        default=None, ge=1, le=4096, description="Of a cluster inside this process; unset: all."
    )
    object_store_bytes: int = Field(
        default=500_000_000, ge=80_000_000, description="Object store of a cluster inside this process."
    )


class LogSettings(_Section):
    """Logging, always to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level printed."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="'auto': console in a terminal, JSON otherwise."
    )


class Settings(_Section):
    """All of rapray's settings; `RAPRAY_SECTION__FIELD` in the environment."""

    environment: Literal["dev", "staging", "prod"] = Field(
        default="dev", description="Picks the overlay: rapray.prod.yaml over rapray.yaml."
    )
    data_dir: Directory = Field(
        default_factory=default_data_dir, description="Everything that rapray keeps on this host."
    )
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    genius: GeniusSettings = GeniusSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    emotion: EmotionSettings = EmotionSettings()
    analyze: AnalyzeSettings = AnalyzeSettings()
    llm: LlmSettings = LlmSettings()
    jobs: JobSettings = JobSettings()
    serve: ServeSettings = ServeSettings()
    ray: RaySettings = RaySettings()
    log: LogSettings = LogSettings()
