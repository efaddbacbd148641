"""What is secret among members that another program takes: it goes by their names, for rapray knows no more of them.

A setting of rapray's own that is secret is a `SecretStr`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

REDACTED = "********"
# Of a member that somebody else's program takes, such as "api_key", "tokens" or "Authorization".
_SECRET_NAME = re.compile(
    r"(?:(?:key|token|secret|credential|signature|cookie)s?|password|passwd|authorization)$"
    r"|(?:^|[_-])(?:auth|pass|pwd|bearer)$",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:Bearer|Basic|Token) +", re.IGNORECASE)


def redacted(members: Any) -> Any:
    """Members that another program takes, with what their names call a secret as asterisks; "max_tokens" is a number
    and no secret.
    """
    if isinstance(members, list):
        return [redacted(inner) for inner in cast("list[Any]", members)]
    if not isinstance(members, dict):
        return members
    named = cast("dict[str, Any]", members).items()
    return {name: REDACTED if _is_secret(name, inner) else redacted(inner) for name, inner in named}


def secrets_in(members: Any) -> Iterator[str]:
    """The texts that `redacted` hides; of "Bearer abc" the part behind the scheme too."""
    if isinstance(members, list):
        for inner in cast("list[Any]", members):
            yield from secrets_in(inner)
    elif isinstance(members, dict):
        for name, inner in cast("dict[str, Any]", members).items():
            yield from _texts(inner) if _is_secret(name, inner) else secrets_in(inner)


def _is_secret(name: str, value: object) -> bool:
    return isinstance(value, str | list | dict) and _SECRET_NAME.search(name) is not None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from {value, _SCHEME.sub("", value, count=1)}
    elif isinstance(value, list | dict):
        held = cast("dict[str, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value)
        for inner in held:
            yield from _texts(inner)
