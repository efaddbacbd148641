"""Where the ingress may listen: on loopback alone, as long as there are no API keys.

Does not know how the proxy is started.
"""

from __future__ import annotations

import re

from rapray.config import ServeSettings
from rapray.errors import UsageError
from rapray.net.loopback import is_loopback

# An id that a client may give its request; it appears in logs and in the answer.
REQUEST_ID = re.compile(r"[A-Za-z0-9._~:+/=-]{1,128}")
_PORT = re.compile(r":\d{1,5}$")


def is_own_name(host_header: str) -> bool:
    """True where a `Host` header names this host's loopback.

    A web page whose name is made to point at 127.0.0.1 (DNS rebinding) sends its own name, and could otherwise read
    what an ingress without keys serves.
    """
    name = _PORT.sub("", host_header.strip()).strip("[]")
    return is_loopback(name)


def check_host(host: str, settings: ServeSettings) -> None:
    """Refuse an address that others reach.

    Raises:
        UsageError: the host is not loopback and the settings do not allow that.
    """
    if is_loopback(host) or settings.allow_unauthenticated:
        return
    reason = (
        f"the ingress would listen on {host}, where others reach it, and there are no API keys: listen on 127.0.0.1, "
        "or put a proxy that authenticates in front and set RAPRAY_SERVE__ALLOW_UNAUTHENTICATED=true"
    )
    raise UsageError(reason=reason)
