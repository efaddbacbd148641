"""What is secret among members that another program takes: it goes by their names, for rapray knows no more of them.

A setting of rapray's own that is secret is a `SecretStr`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

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
