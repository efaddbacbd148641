"""Which analyzers there are: the built-in ones and those of installed packages.

Loads no analyzer to list it. A package adds one by an entry point of the group "rapray.analyzers" that names an
`AnalyzerSpec`.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from rapray.analyzers.base import Analyzer, AnalyzerSpec
from rapray.errors import ConfigError, MissingExtra, UnknownAnalyzer

ENTRY_POINT_GROUP = "rapray.analyzers"

_BUILT_IN = (
    AnalyzerSpec(
        name="algorithmic",
        version="1.0.0",
        factory="rapray.analyzers.algorithmic:AlgorithmicAnalyzer",
        summary="Rhymes, flow, vocabulary and repetition, measured from the text alone.",
        batch_size=64,
    ),
)


def specs() -> dict[str, AnalyzerSpec]:
    """All analyzers by name, sorted. A built-in name cannot be taken by another package."""
    found = {spec.name: spec for spec in _installed(entry_points(group=ENTRY_POINT_GROUP))}
    found |= {spec.name: spec for spec in _BUILT_IN}
    return dict(sorted(found.items()))


def spec(name: str) -> AnalyzerSpec:
    """The spec of one analyzer.

    Raises:
        UnknownAnalyzer: there is none of that name.
        ConfigError: an installed package offers something else as an analyzer.
    """
    known = specs()
    if name not in known:
        raise UnknownAnalyzer(name=name, known=", ".join(known))
    return known[name]


def create(name: str, **options: Any) -> Analyzer:
    """Load an analyzer and build it with its own options.

    Raises:
        UnknownAnalyzer: there is none of that name.
        MissingExtra: its packages are not installed.
    """
    chosen = spec(name)
    module, _, attribute = chosen.factory.partition(":")
    try:
        factory = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if chosen.needs.extra is None:
            raise
        raise MissingExtra(feature=f"The analyzer {name}", extra=chosen.needs.extra) from error
    return factory(**options)


def _installed(points: Iterable[EntryPoint]) -> Iterable[AnalyzerSpec]:
    for point in points:
        loaded: object = point.load()
        if not isinstance(loaded, AnalyzerSpec):
            problem = (
                f"entry point {point.name!r} of {ENTRY_POINT_GROUP!r} is not an AnalyzerSpec: {point.value}"
            )
            raise ConfigError(problems=problem)
        yield loaded
