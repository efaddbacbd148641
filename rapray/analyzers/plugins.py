"""The analyzers of installed packages. One that is broken stays known, with the reason, and breaks nobody else.

A package adds an analyzer by an entry point of the group "rapray.analyzers" that names an `AnalyzerSpec`.
"""

from __future__ import annotations

import re
from asyncio import CancelledError
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args, get_type_hints

from rapray.analyzers.base import ALL, ENDS_THE_PROGRAM, Analyzer, AnalyzerSpec
from rapray.domain import ANALYZER_NAME, Provenance
from rapray.errors import AnalyzerBroken, MissingExtra, MissingPackages, RaprayError

ENTRY_POINT_GROUP = "rapray.analyzers"
_NAMES = "a letter, then letters, digits, '_' and '-', all small, at most 40, and not 'all'"
_VERSION = re.compile(r"[^\s/]{1,40}")
# An error of rapray names its own cause. The others come from outside of the block: its task is cancelled, or
# the frame that it stands in is discarded.
_NO_FAULTS = (RaprayError, CancelledError, GeneratorExit, *ENDS_THE_PROGRAM)
_MAX_REASON_CHARS = 1000
# The types of each field, exactly: a value of a subclass may do anything where it is used.
_TYPES = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(AnalyzerSpec).items()}
_VERSIONS = "1 to 40 characters without blanks and '/'"


def installed() -> Iterator[AnalyzerSpec]:
    """A spec for each entry point, broken or not; what it takes to be used is not loaded."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        yield replace(_spec_of(point), package=_package_of(point))


def require_whole(chosen: AnalyzerSpec) -> None:
    """Raises AnalyzerBroken where the package has not even a spec."""
    if chosen.problem is not None:
        raise AnalyzerBroken(name=chosen.name, package=chosen.package, reason=chosen.problem)


def as_told(chosen: AnalyzerSpec, made: Any) -> Analyzer:
    """Return the analyzer the factory built.

    Its provenance must name the spec's analyzer and version, or its results would never count as current.

    Raises:
        AnalyzerBroken: it is no analyzer, or another one.
    """
    with faults_of(chosen):  # a property of it may raise
        _require(chosen, made, made.provenance if isinstance(made, Analyzer) else None, "Analyzer")
    return made


def as_identified(chosen: AnalyzerSpec, told: Any) -> Provenance:
    """Return the provenance that `identify` told; see `as_told`."""
    _require(chosen, told, told, "Provenance")
    return told


@contextmanager
def faults_of(chosen: AnalyzerSpec) -> Generator[None]:
    """What the code of an analyzer raises, as an error that names it; rapray's own is left to show where it broke."""
    try:
        yield
    except _NO_FAULTS:
        raise
    except BaseException as error:
        translated = _missing(chosen, error) or _broken(chosen, error)
        if translated is None:
            raise
        raise translated from error


def _require(chosen: AnalyzerSpec, made: Any, provenance: Any, kind: str) -> None:
    if chosen.package is None:
        return
    if type(provenance) is not Provenance:
        reason = f"it made a {type(made).__name__}, which is no {kind}"
    elif not all(value is None or type(value) is str for value in astuple(provenance)):
        reason = f"its {kind} has a provenance with a value that is no text"
    elif (provenance.analyzer, provenance.version) != (chosen.name, chosen.version):
        told = f"{provenance.analyzer} {provenance.version}"
        reason = f"its spec says {chosen.name} {chosen.version}, its {kind} {told}"
    else:
        return
    raise AnalyzerBroken(name=chosen.name, package=chosen.package, reason=reason)


def _spec_of(point: EntryPoint) -> AnalyzerSpec:
    try:
        loaded: object = point.load()
        if not isinstance(loaded, AnalyzerSpec):
            return _without_spec(point, f"{point.value} is no AnalyzerSpec")
        flaw = _flaw(loaded)
        # A plain copy: a subclass whose attributes raise then fails inside this `try`.
        return _plain(loaded) if flaw is None else _without_spec(point, flaw)
    except ENDS_THE_PROGRAM:
        raise
    except BaseException as error:  # noqa: BLE001 - a stranger's module may even exit: that is kept as the reason
        return _without_spec(point, _told(error))


def _plain(spec: AnalyzerSpec) -> AnalyzerSpec:
    return AnalyzerSpec(**{field.name: getattr(spec, field.name) for field in fields(AnalyzerSpec)})


def _without_spec(point: EntryPoint, problem: str) -> AnalyzerSpec:
    """A broken one has to be named too: where its own name is none, after its package."""
    name = point.name if _is_name(point.name) else f"{_package_of(point)}:{point.name}"
    return AnalyzerSpec(name, version="", factory=point.value, summary="Broken.", problem=problem)


def _package_of(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.module


def _is_name(name: object) -> bool:
    return type(name) is str and name != ALL and re.fullmatch(ANALYZER_NAME, name) is not None


def _flaw(told: Any) -> str | None:
    """Why nobody could ask for an analyzer of this spec, or keep its results apart."""
    if not _is_name(told.name):
        return f"{told.name!r} cannot be its name: {_NAMES}"
    if type(told.version) is not str or _VERSION.fullmatch(told.version) is None:
        return f"{told.version!r} cannot be its version: {_VERSIONS}"
    for name, types in _TYPES.items():
        if type(getattr(told, name)) not in types:
            return f"its {name} is of a type that it cannot have"
    if told.batch_size < 1:
        return f"{told.batch_size!r} cannot be its batch_size: it is a whole number above 0"
    return None


def _missing(chosen: AnalyzerSpec, error: BaseException) -> RaprayError | None:
    feature = f"The analyzer {chosen.name}"
    if not isinstance(error, ModuleNotFoundError):
        return None
    if chosen.needs.install is not None:
        return MissingPackages(feature=feature, install=chosen.needs.install)
    return MissingExtra(feature=feature, extra=chosen.needs.extra) if chosen.needs.extra else None


def _broken(chosen: AnalyzerSpec, error: BaseException) -> RaprayError | None:
    if chosen.package is None:
        return None
    return AnalyzerBroken(name=chosen.name, package=chosen.package, reason=_told(error))


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:_MAX_REASON_CHARS]
    except ENDS_THE_PROGRAM:
        raise
    except BaseException:  # noqa: BLE001 - another package's error may raise even here
        return "an error whose message cannot be read"
