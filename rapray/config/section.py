"""What sections of the settings are made of: their base class, the types that several of them use, what is secret.

Knows no setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

REDACTED = "********"
# Of a member that somebody else's program takes, such as "api_key" or "Authorization"; "max_tokens" is none.
_SECRET_NAME = re.compile(r"(?:key|token|secret|password|authorization|credentials?)$", re.IGNORECASE)


def redacted(members: Any) -> Any:
    """Members that another program takes, with what their names call a secret as asterisks."""
    if isinstance(members, list):
        return [redacted(inner) for inner in cast("list[Any]", members)]
    if not isinstance(members, dict):
        return members
    named = cast("dict[str, Any]", members).items()
    return {name: REDACTED if _SECRET_NAME.search(name) else redacted(inner) for name, inner in named}


def secrets_in(members: Any) -> Iterator[str]:
    """The texts that `redacted` hides."""
    if isinstance(members, list):
        for inner in cast("list[Any]", members):
            yield from secrets_in(inner)
    elif isinstance(members, dict):
        for name, inner in cast("dict[str, Any]", members).items():
            if isinstance(inner, str) and _SECRET_NAME.search(name):
                yield inner
            else:
                yield from secrets_in(inner)


def _split_commas(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


Directory = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split_commas)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", strip_whitespace=True)]


class Section(BaseModel):
    """A section: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
