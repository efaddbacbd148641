"""Which analyzers a caller means: names, lists with commas, or "all".

Loads none of them, and does not know which of them are configured.
"""

from __future__ import annotations

from collections.abc import Iterable

from rapray.analyzers.registry import spec, specs
from rapray.config import Settings

ALL = "all"


def chosen(names: Iterable[str], settings: Settings) -> list[str]:
    """The analyzers named, each once, in the order given; "all" stands for every one that is known.

    Raises:
        UnknownAnalyzer: there is none of that name.
    """
    wanted = [part.strip() for name in names for part in name.split(",") if part.strip()]
    found: list[str] = []
    for name in wanted:
        found += list(specs(settings)) if name == ALL else [spec(name, settings).name]
    return list(dict.fromkeys(found))
