"""The Genius source: `GeniusSource` over API and pages, and `parse_page`, which needs neither.

Does not know other sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapray.sources.genius.page import ParsedPage, parse_page
from rapray.sources.genius.source import GeniusSource

if TYPE_CHECKING:
    from rapray.cache import RateLimiter
    from rapray.config import Settings


def create(settings: Settings, limiter: RateLimiter) -> GeniusSource:
    """Makes the source from the settings; see `rapray.sources.create_source`."""
    return GeniusSource(settings.genius, limiter)


__all__ = ["GeniusSource", "ParsedPage", "create", "parse_page"]
