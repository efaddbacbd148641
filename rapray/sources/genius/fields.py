"""Reads values of foreign JSON without trusting their types.

Does not know which fields there are. Text comes out as PostgreSQL can hold it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from rapray.text.storable import storable

_MAX_NAME = 500
_INVISIBLE = re.compile("[\x00\u200b-\u200f\u2060\ufeff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def mapping(value: object) -> Mapping[str, Any]:
    """The JSON object, or an empty one where the value is something else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """The JSON array, or an empty one where the value is something else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def first(source: Mapping[str, Any], *keys: str) -> Any:
    """The value of the first key that is there and not null."""
    return next((source[key] for key in keys if source.get(key) is not None), None)


def name(value: object) -> str | None:
    """A name or title on one line, None where there is none; cut at 500 characters."""
    if not isinstance(value, str):
        return None
    return _CONTROL.sub(" ", storable(_INVISIBLE.sub("", value))).strip()[:_MAX_NAME].strip() or None


def number(value: object) -> int | None:
    """A positive whole number, from a number or from its digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    digits = str(value) if isinstance(value, int) and abs(value) < 10**18 else value
    if isinstance(digits, str) and digits.isascii() and digits.isdecimal() and len(digits) <= 18:
        return int(digits) or None
    return None


def flag(value: object) -> bool | None:
    """True or False, None for anything else."""
    return value if isinstance(value, bool) else None


def markup(html: str) -> str:
    """Foreign HTML without NUL, which browsers leave out too."""
    return storable(html.replace("\x00", ""))
