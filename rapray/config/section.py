"""What sections of the settings are made of: their base class and the types that several of them use.

Knows no setting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints


def _split_commas(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def expanded(path: Path) -> Path:
    """Return the path with `~` replaced by the user's home directory.

    Raises:
        ValueError: the user has no home directory, like an account in a container that has no name.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        reason = f"this user has no home directory for {path}: use an absolute path, or set HOME"
        raise ValueError(reason) from error


def _absolute(path: Path) -> Path:
    return expanded(path).absolute()


def _without_secrets(url: str) -> str:
    """An address is shown and logged; a secret has a setting of its own that is not."""
    host = url.partition("://")[2].partition("/")[0]
    if "@" in host or "?" in url or "#" in url:
        reason = "an address has no user name, password or query: a secret belongs into api_key or token"
        raise ValueError(reason)
    return url


Directory = Annotated[Path, AfterValidator(_absolute)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split_commas)]
Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s]+$", strip_whitespace=True),
    AfterValidator(_without_secrets),
]


class Section(BaseModel):
    """A section: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
