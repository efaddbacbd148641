"""Which analyzers a caller means: names, lists with commas, or "all"; and which of them are set up.

Loads none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rapray.analyzers.base import ALL
from rapray.analyzers.registry import provenance_of, specs
from rapray.config import Settings
from rapray.errors import ConfigError, RaprayError, UnknownAnalyzer


@dataclass(frozen=True, slots=True)
class Selection:
    """The analyzers that a caller means: those that are set up, and why the others are not.

    `named` are those that were named themselves: who names one wants that one, who says "all" wants what there is.
    """

    ready: tuple[str, ...]
    problems: Mapping[str, RaprayError]
    named: frozenset[str]

    def required(self) -> list[str]:
        """Those that are set up, where everything that was named is.

        Raises:
            RaprayError: why one that was named is not set up.
            ConfigError: there is none left.
        """
        for name, problem in self.problems.items():
            if name in self.named:
                raise problem
        if not self.ready:
            raise ConfigError(problems="none of the analyzers is set up")
        return list(self.ready)


def selected(names: Iterable[str], settings: Settings) -> Selection:
    """The analyzers meant by names, in the order given; "all" stands for every one that is known.

    Raises:
        UnknownAnalyzer: there is none of that name.
        ConfigError: none is named.
    """
    given = _parts(names)
    if not given:
        raise ConfigError(problems="no analyzer is named")
    ready: list[str] = []
    problems: dict[str, RaprayError] = {}
    for name in expanded(given, specs(settings)):
        try:
            provenance_of(name, settings)
        except RaprayError as error:
            problems[name] = error
        else:
            ready.append(name)
    return Selection(tuple(ready), problems, frozenset(given) - {ALL})


def expanded(names: Iterable[str], known: Collection[str]) -> list[str]:
    """The analyzers named, each once, in the order given, with "all" as every known one.

    Raises:
        UnknownAnalyzer: there is none of that name.
    """
    found: list[str] = []
    for name in _parts(names):
        if name != ALL and name not in known:
            raise UnknownAnalyzer(name=name, known=", ".join(known))
        found += known if name == ALL else [name]
    return list(dict.fromkeys(found))


def _parts(names: Iterable[str]) -> list[str]:
    return [part.strip() for name in names for part in name.split(",") if part.strip()]
