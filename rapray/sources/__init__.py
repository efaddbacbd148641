"""Where lyrics come from: each source is one module over the protocol `Source`.

Does not know the database, the cache or Ray. To add a source, see README.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rapray.errors import UsageError
from rapray.sources.base import Discovery, Source

if TYPE_CHECKING:
    from rapray.cache import RateLimiter
    from rapray.config import Settings

# name -> module with `create(settings, limiter) -> Source`; imported on first use
SOURCES = {
    "genius": "rapray.sources.genius",
}


def create_source(name: str, settings: Settings, limiter: RateLimiter) -> Source:
    """Makes the source called `name`; call it in the process that will use the source.

    Raises:
        UsageError: There is no such source.
        ConfigError: A setting that the source needs is missing.
    """
    if name not in SOURCES:
        raise UsageError(reason=f"There is no source {name!r}; known are: {', '.join(sorted(SOURCES))}.")
    return import_module(SOURCES[name]).create(settings, limiter)


__all__ = ["SOURCES", "Discovery", "Source", "create_source"]
