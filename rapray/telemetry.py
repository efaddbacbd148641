"""Logging to standard error, run and request ids bound to every line, and every metric declared once.

Does not know who logs or measures. Metrics live in the process that counts them; `/metrics` prints the ingress
replica's, and each name is in `METRICS` exactly once so that dashboards can be made from the table.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

EventDict = structlog.typing.EventDict
MetricKind = Literal["counter", "gauge", "histogram"]
# From one millisecond, the fastest answer, to the longest deadline.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# Bounded, because every line that is logged goes through it, on event loops too.
_SECRET = re.compile(r"(?i)(://[^:/@\s]{0,200}:)[^@\s]{1,500}(@)|(bearer\s{1,20})[A-Za-z0-9._~+/=-]+")
_LONGEST_VALUE = 4000


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric: its name says what and in which unit, `labels` what it is split by."""

    name: str
    kind: MetricKind
    summary: str
    labels: tuple[str, ...] = ()


METRICS: tuple[MetricSpec, ...] = (
    MetricSpec(
        "rapray_http_request_seconds",
        "histogram",
        "Time to answer an HTTP request, by route template.",
        ("method", "route", "status"),
    ),
    MetricSpec("rapray_http_requests_in_progress", "gauge", "HTTP requests being answered now."),
    MetricSpec(
        "rapray_analyzer_seconds",
        "histogram",
        "Time from the ingress asking an analyzer to its answer.",
        ("analyzer", "result"),
    ),
    MetricSpec("rapray_embed_query_seconds", "histogram", "Time from the ingress asking for a vector to it."),
    MetricSpec("rapray_search_seconds", "histogram", "Time of one search in PostgreSQL."),
    MetricSpec("rapray_result_cache_total", "counter", "Looks into the cache of results.", ("result",)),
    MetricSpec("rapray_problems_total", "counter", "Problem answers by code.", ("code",)),
    MetricSpec("rapray_dependency_up", "gauge", "1 where a server answered the last check.", ("dependency",)),
    MetricSpec("rapray_build_info", "gauge", "Always 1; the label says which version runs.", ("version",)),
)

_TYPES: Mapping[MetricKind, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
_REGISTRY = CollectorRegistry()


@cache
def metric(name: str) -> Any:
    """The collector of a declared metric.

    Raises:
        KeyError: the name is not in `METRICS`.
    """
    spec = {declared.name: declared for declared in METRICS}[name]
    extra = {"buckets": SECONDS} if spec.kind == "histogram" else {}
    return _TYPES[spec.kind](spec.name, spec.summary, spec.labels, registry=_REGISTRY, **extra)


def metrics_text() -> bytes:
    """This process's metrics in the Prometheus text format."""
    for spec in METRICS:
        metric(spec.name)
    return generate_latest(_REGISTRY)


def redact(text: str) -> str:
    """Passwords inside URLs and bearer tokens replaced by asterisks."""
    return _SECRET.sub(lambda m: f"{m[1]}***{m[2]}" if m[1] else f"{m[3]}***", text)


def _redact_event(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {key: redact(_short(value)) if isinstance(value, str) else value for key, value in event.items()}


def _short(text: str) -> str:
    """A logged value of bounded length; a trace, which ends with what matters, keeps its end."""
    if len(text) <= _LONGEST_VALUE:
        return text
    half = _LONGEST_VALUE // 2
    return f"{text[:half]} … {text[-half:]}"


def configure_logging(level: str = "info", output: str = "auto") -> None:
    """Send structlog's and the standard library's lines to standard error in one form.

    Args:
        level: "debug", "info", "warning" or "error".
        output: "console", "json", or "auto" (console in a terminal).
    """
    as_console = output == "console" or (output == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = structlog.dev.ConsoleRenderer() if as_console else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("rapray").setLevel(level.upper())


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module; pass `__name__`."""
    return structlog.stdlib.get_logger(name)


@contextmanager
def bound(**ids: str) -> Generator[None]:
    """Put `run_id`, `request_id` and the like on every line logged inside."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield
