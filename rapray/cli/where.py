"""The conditions of `--where`: artist=NAME, language=CODE, year=, year>=, year<=, year>, year<."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rapray.errors import UsageError

if TYPE_CHECKING:
    from rapray.store.scope import NamedScope

HELP = (
    "artist=NAME, language=CODE or year>=YEAR (also =, <=, >, <). Repeatable: a track must meet every condition, "
    "but only one of several artists or languages."
)
# A pattern is compiled when it is used: every start of the program loads this module.
_CONDITION = r"(?s)\s*(artist|language|year)\s*(>=|<=|=|>|<)\s*(.+?)\s*"
_YEARS = range(1, 10_000)


def parse(conditions: Sequence[str]) -> NamedScope:
    """Return the scope of the tracks that meet these conditions.

    Raises:
        UsageError: a condition cannot be read, or two contradict each other.
    """
    from rapray.store.scope import NamedScope

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
            raise UsageError(reason=f"--where {condition!r}: use = with {field}, not {operator}")
        elif field == "artist":
            artists.append(value)
        else:
            languages.append(_language(value))
    scope = NamedScope(
        tuple(artists), max(lowest, default=None), min(highest, default=None), tuple(languages)
    )
    if scope.year_from is not None and scope.year_to is not None and scope.year_from > scope.year_to:
        raise UsageError(reason=f"--where: no year is from {scope.year_from} to {scope.year_to}")
    return scope


def _parts(condition: str) -> tuple[str, str, str]:
    match = re.fullmatch(_CONDITION, condition)
    if match is None:
        raise UsageError(reason=f"--where {condition!r} is not a condition. Write {HELP}")
    field, operator, value = match.groups()
    return field, operator, value


def _years(operator: str, value: str) -> tuple[list[int], list[int]]:
    """Return the lowest and the highest year that a condition allows; an empty list is no bound."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 4 and int(value) in _YEARS):
        raise UsageError(reason=f"--where: {value!r} is not a year; write it in digits, such as 1999")
    year = int(value)
    low = {">=": [year], ">": [year + 1], "=": [year]}.get(operator, [])
    high = {"<=": [year], "<": [year - 1], "=": [year]}.get(operator, [])
    return low, high


def _language(value: str) -> str:
    if not re.fullmatch("[a-z]{2}", value):
        raise UsageError(reason=f"--where: {value!r} is not a language; write an ISO 639-1 code such as en")
    return value
