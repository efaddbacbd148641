"""The analyzers of installed packages. One that is broken stays known, with the reason, and breaks nobody else.

A package adds an analyzer by an entry point of the group "rapray.analyzers" that names an `AnalyzerSpec`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from rapray.analyzers.base import AnalyzerSpec
from rapray.errors import AnalyzerBroken, MissingExtra, MissingPackages, RaprayError

ENTRY_POINT_GROUP = "rapray.analyzers"


def installed() -> Iterator[AnalyzerSpec]:
    """A spec for each entry point, broken or not; what it takes to be used is not loaded."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        package = point.dist.name if point.dist else point.module
        yield replace(_spec_of(point), package=package)


def require_whole(chosen: AnalyzerSpec) -> None:
    """Raises AnalyzerBroken where the package has not even a spec."""
    if chosen.problem is not None:
        raise AnalyzerBroken(name=chosen.name, package=chosen.package, reason=chosen.problem)


@contextmanager
def faults_of(chosen: AnalyzerSpec) -> Generator[None]:
    """What the code of an analyzer raises, as an error that names it; rapray's own is left to show where it broke."""
    try:
        yield
    except RaprayError:
        raise
    except Exception as error:
        translated = _missing(chosen, error) or _broken(chosen, error)
        if translated is None:
            raise
        raise translated from error


def _spec_of(point: EntryPoint) -> AnalyzerSpec:
    try:
        loaded: object = point.load()
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything: it is kept as the reason
        return _without_spec(point, _told(error))
    if isinstance(loaded, AnalyzerSpec):
        return loaded
    return _without_spec(point, f"{point.value} is no AnalyzerSpec")


def _without_spec(point: EntryPoint, problem: str) -> AnalyzerSpec:
    return AnalyzerSpec(point.name, version="", factory=point.value, summary="Broken.", problem=problem)


def _missing(chosen: AnalyzerSpec, error: Exception) -> RaprayError | None:
    feature = f"The analyzer {chosen.name}"
    if not isinstance(error, ModuleNotFoundError):
        return None
    if chosen.needs.install is not None:
        return MissingPackages(feature=feature, install=chosen.needs.install)
    return MissingExtra(feature=feature, extra=chosen.needs.extra) if chosen.needs.extra else None


def _broken(chosen: AnalyzerSpec, error: Exception) -> RaprayError | None:
    if chosen.package is None:
        return None
    return AnalyzerBroken(name=chosen.name, package=chosen.package, reason=_told(error))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
