"""Where the ingress may listen: only on loopback, as long as there are no API keys."""

from __future__ import annotations

import re

from rapray.config import ServeSettings
from rapray.errors import UsageError
from rapray.net.loopback import is_loopback

# A request id that a client may send; it appears in logs and in the answer.
REQUEST_ID = re.compile(r"[A-Za-z0-9._~:+/=-]{1,128}")
_PORT = re.compile(r":\d{1,5}$")


def is_own_name(host_header: str) -> bool:
    """Return True if a `Host` header names this machine's loopback.

    A web page can make its own name point at 127.0.0.1 (DNS rebinding), and could then read what an ingress without
    keys serves. Its requests carry that name in `Host`, so they are refused.
    """
    name = _PORT.sub("", host_header.strip()).strip("[]")
    return is_loopback(name)


def check_host(host: str, settings: ServeSettings) -> None:
    """Refuse to listen on an address that other machines can reach.

    Raises:
        UsageError: the host is not loopback, and the settings do not allow others.
    """
    if is_loopback(host) or settings.allow_unauthenticated:
        return
    reason = (
        f"the ingress would listen on {host}, where others can reach it without an API key: listen on 127.0.0.1, "
        "or put a proxy that authenticates in front and set RAPRAY_SERVE__ALLOW_UNAUTHENTICATED=true"
    )
    raise UsageError(reason=reason)
