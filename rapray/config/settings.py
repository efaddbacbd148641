"""Every setting, with its default, its bounds and a sentence that says what it does; `llm.py` has those of language
models.

Does not know where values come from: `rapray/config/loader.py` does. `rapray.example.yaml` shows each key.
"""

from __future__ import annotations

from math import floor, nan
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

import platformdirs
from pydantic import Field, PlainValidator, SecretStr, model_validator

from rapray.config.llm import LlmSettings
from rapray.config.section import Directory, Names, Section, Url
from rapray.errors import ConfigError


def default_data_dir() -> Path:
    """Return the platform's directory for a user's data, e.g. `~/.local/share/rapray` on Linux.

    Raises:
        ConfigError: the user has no home directory.
    """
    try:
        return Path(platformdirs.user_data_dir("rapray", appauthor=False))
    except RuntimeError as error:
        problems = "data_dir: this user has no home directory; set RAPRAY_DATA_DIR to an absolute path"
        raise ConfigError(problems=problems) from error


class DatabaseSettings(Section):
    """PostgreSQL 15 or newer with pgvector 0.8.4 or newer."""

    url: SecretStr | None = Field(
        default=None,
        description="postgresql://user:password@host:5432/name. Unset: an embedded server on this host.",
    )
    pool_size: int = Field(
        default=20, ge=1, le=1000, description="Connections of one ingress replica's pool."
    )
    connect_timeout_s: float = Field(default=10, gt=0, le=300, description="Longest wait for a connection.")
    statement_timeout_s: float = Field(
        default=30, gt=0, le=86_400, description="Longest statement of a served request."
    )
    pgbouncer: bool = Field(
        default=False,
        description="True where serving goes through PgBouncer in transaction mode: no prepared statements. "
        "Jobs need sessions: give them PostgreSQL's own address.",
    )


class RedisSettings(Section):
    """Redis 7 or newer, or Valkey 8 or newer. rapray is correct without it, only slower."""

    url: SecretStr | None = Field(
        default=None, description="redis://:password@host:6379/0. Unset: an embedded Valkey on this host."
    )
    enabled: bool = Field(
        default=True, description="False: use no Redis at all; shared limits are then kept in PostgreSQL."
    )
    timeout_s: float = Field(
        default=2, gt=0, le=60, description="Longest wait for one command, connecting included."
    )


class GeniusSettings(Section):
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


Gpus: TypeAlias = float | Literal["auto"]
"""GPUs of one actor or replica, or a fraction of one that several share; "auto" is decided by `gpus_on`."""
_MOST_GPUS = 64


def gpus_on(gpus: Gpus, cluster_gpus: float, models: int = 1) -> float:
    """Return the GPUs that one actor or replica asks Ray for.

    Args:
        gpus: What the settings say; a number is returned as it is.
        cluster_gpus: GPUs that the cluster has.
        models: Models that share these. "auto" is one GPU for each, a fraction if there are fewer, 0 if there are none.
    """
    if gpus == "auto":
        return min(1.0, floor(100 * cluster_gpus / models) / 100) if cluster_gpus > 0 else 0.0
    return gpus


def _as_gpus(value: object) -> Gpus:
    if value == "auto":
        return "auto"
    try:
        gpus = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else nan
    except ValueError:
        gpus = nan
    if not 0 <= gpus <= _MOST_GPUS or (gpus > 1 and not gpus.is_integer()):
        reason = f"must be 'auto', a fraction of one GPU, or a whole number up to {_MOST_GPUS}"
        raise ValueError(reason)
    return gpus


class LocalModelSettings(Section):
    """A model that runs inside rapray's own processes."""

    model: str = Field(min_length=1, description="'builtin', or a model by name or path.")
    revision: str | None = Field(
        default=None, description="Revision of a model by name; part of the stored identity."
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$",
        description="'auto', 'cpu', 'cuda', 'cuda:1', 'mps'.",
    )
    gpus: Annotated[Gpus, PlainValidator(_as_gpus)] = Field(
        default="auto",
        description="GPUs that each actor or replica asks Ray for; several share one with a fraction (0.25). 'auto': "
        "one if the cluster has a GPU and device allows it, else none. A number also wakes a GPU group at zero.",
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="'auto': bfloat16 where the processor computes with it."
    )
    batch_tokens: int = Field(
        default=4096, ge=256, le=1_000_000, description="Padded tokens of one forward pass."
    )

    @model_validator(mode="after")
    def _is_placeable(self) -> Self:
        if not self._may_use_gpu and self.gpus not in ("auto", 0):
            reason = (
                f"gpus is {self.gpus:g}, but device is {self.device!r}: set device to 'auto', or gpus to 0"
            )
            raise ValueError(reason)
        return self

    @property
    def gpus_needed(self) -> Gpus:
        """What each actor or replica asks Ray for; 0 if `device` names no GPU of CUDA."""
        return self.gpus if self._may_use_gpu else 0.0

    @property
    def _may_use_gpu(self) -> bool:
        return self.device == "auto" or self.device.startswith("cuda")

    def placed_on(self, gpus: int) -> Self:
        """Return the settings for a worker that has so many GPUs of Ray.

        A worker without one may see devices that belong to others: Ray hides none from it.
        """
        return self if gpus else self.model_copy(update={"gpus": 0.0})


class EmbeddingSettings(LocalModelSettings):
    """Which model turns text into vectors."""

    model: str = Field(
        default="builtin",
        min_length=1,
        description="'builtin' (all-MiniLM-L6-v2 from a package), or any sentence-transformers model by name or path.",
    )


class EmotionSettings(LocalModelSettings):
    """Which model reads emotions."""

    model: str = Field(
        default="auto",
        min_length=1,
        description="'auto' (j-hartmann/emotion-english-distilroberta-base where its weights are on this host, "
        "else 'builtin'), 'builtin', or any sequence-classification model by name or path.",
    )


class AnalyzeSettings(Section):
    """What every analyzer shares."""

    analyzers: Names = Field(
        default=("algorithmic",),
        min_length=1,
        description="Run where a job or a request names none; all: every one that is set up.",
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


class JobSettings(Section):
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


class ServeSettings(Section):
    """The HTTP ingress."""

    analyzers: Names = Field(
        default=("all",),
        min_length=1,
        description="Those that requests may ask; all: every one that is set up.",
    )
    host: str = Field(default="127.0.0.1", description="Loopback alone until API keys are set up.")
    port: int = Field(default=8000, ge=1, le=65_535, description="Port of the HTTP proxy.")
    allow_unauthenticated: bool = Field(
        default=False,
        description="True: listen off loopback without API keys, behind a proxy that authenticates.",
    )
    max_body_bytes: int = Field(
        default=6_000_000, ge=10_000, le=100_000_000, description="Largest request body."
    )
    head_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Longest wait for a request's first line and headers; then its connection is closed.",
    )
    body_idle_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        description="Longest wait for the next byte of a request's body; then it is answered with a 408.",
    )
    body_timeout_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="Longest wait for a request's whole body; then it is answered with a 408.",
    )
    unread_timeout_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="Longest wait for a client to take an answer, or 64 kB more of it; then the connection is closed.",
    )
    search_limit: int = Field(default=50, ge=1, le=500, description="Most results of one search.")


class RaySettings(Section):
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


class LogSettings(Section):
    """Logging, always to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level printed."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="'auto': console in a terminal, JSON otherwise."
    )


class Settings(Section):
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

    def placed_on(self, gpus: int) -> Self:
        """Return the settings for a worker that has so many GPUs of Ray; see `LocalModelSettings.placed_on`."""
        models = {"embedding": self.embedding.placed_on(gpus), "emotion": self.emotion.placed_on(gpus)}
        return self.model_copy(update=models)
