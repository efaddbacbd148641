"""The small language of `--where`: artist=NAME, language=CODE, year=, year>=, year<=, year>, year<.

Makes values, never SQL. Does not know which artists there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapray.errors import UsageError
from rapray.store.scope import NamedScope

HELP = "artist=NAME, language=CODE or year>=YEAR (also =, <=, >, <). Repeatable; all must hold, of several artists one."
_CONDITION = re.compile(r"\s*(artist|language|year)\s*(>=|<=|=|>|<)\s*(.+?)\s*", re.DOTALL)
_YEARS = range(1, 10_000)


def parse(conditions: Sequence[str]) -> NamedScope:
    """The scope that these conditions ask for together.

    Raises:
        UsageError: one is none, or they contradict each other.
    """
    artists: list[str] = []
    languages: list[str] = []
    lowest: list[int] = []
    highest: list[int] = []
    for condition in conditions:
        field, operator, value = _parts(condition)
        if field == "year":
            low, high = _years(operator, value)
            lowest += low
            highest += high
        elif operator != "=":
            raise UsageError(reason=f"--where {condition!r}: {field} takes = alone")
        elif field == "artist":
            artists.append(value)
        else:
            languages.append(_language(value))
    found = NamedScope(
        tuple(artists), max(lowest, default=None), min(highest, default=None), tuple(languages)
    )
    if found.year_from is not None and found.year_to is not None and found.year_from > found.year_to:
        raise UsageError(reason=f"--where: no year is from {found.year_from} to {found.year_to}")
    return found


def _parts(condition: str) -> tuple[str, str, str]:
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise UsageError(reason=f"--where {condition!r} is no condition: {HELP}")
    field, operator, value = match.groups()
    return field, operator, value


def _years(operator: str, value: str) -> tuple[list[int], list[int]]:
    """The lowest and the highest year that a condition asks for, each where it does."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 4 and int(value) in _YEARS):
        raise UsageError(reason=f"--where: {value!r} is no year")
    year = int(value)
    low = {">=": [year], ">": [year + 1], "=": [year]}.get(operator, [])
    high = {"<=": [year], "<": [year - 1], "=": [year]}.get(operator, [])
    return low, high


def _language(value: str) -> str:
    if not re.fullmatch("[a-z]{2}", value):
        raise UsageError(reason=f"--where: {value!r} is no language; give an ISO 639-1 code such as en")
    return value
