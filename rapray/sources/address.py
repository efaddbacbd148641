"""Which addresses a source may fetch, and the name under which it does.

Does not resolve names and opens no connection: it judges the text of an address alone.
"""

from __future__ import annotations

import ipaddress
import re

import httpx

import rapray
from rapray.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTACT = re.compile(r"[\x20-\x7e]+")


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port; what a secret is bound to."""
    return url.scheme, url.host, _port(url)


def is_loopback(host: str) -> bool:
    """True for this machine alone: `localhost`, 127.0.0.0/8, ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Site:
    """The pages under one base address, e.g. `https://genius.com`.

    An answer of the API or a redirect may name any address; only those of the site are followed, so that no
    answer can make rapray fetch 169.254.169.254 or a service of the local network.
    """

    def __init__(self, base: str) -> None:
        self.base = httpx.URL(base)

    def holds(self, url: httpx.URL) -> bool:
        """True where the address is on the site's host or below it, on its port, and no less safe."""
        return (
            url.scheme in {"https", self.base.scheme}
            and not url.userinfo
            and self._is_same_host(url.host)
            and (_port(url) == _port(self.base) or (_is_default_port(url) and _is_default_port(self.base)))
        )

    def _is_same_host(self, host: str) -> bool:
        return host == self.base.host or host.endswith("." + self.base.host)


def parse_url(text: str) -> httpx.URL | None:
    """The address, or None where the text is none."""
    try:
        url = httpx.URL(text)
        # The host is decoded only when it is read: "xn--a" is refused here and not before.
        return url if url.scheme in _DEFAULT_PORTS and url.host else None
    except (httpx.InvalidURL, ValueError, TypeError):
        return None


def user_agent(contact: str | None, sites: list[Site]) -> str:
    """`rapray/0.1.0 (+contact)`: who is asking, and whom to write to when it disturbs.

    Raises:
        ConfigError: No contact is set and a site is not on this machine, or the contact does not fit a header.
    """
    product = f"rapray/{rapray.__version__}"
    if contact and contact.strip():
        if not _CONTACT.fullmatch(contact):
            raise ConfigError(problems="genius.contact: printable ASCII only, it is sent in a header.")
        return f"{product} (+{contact.strip()})"
    foreign = [site.base.host for site in sites if not is_loopback(site.base.host)]
    if foreign:
        problem = (
            f"genius.contact is not set, and {foreign[0]} is not this machine: set RAPRAY_GENIUS__CONTACT to an "
            "e-mail address or a page, so that its operators can reach you."
        )
        raise ConfigError(problems=problem)
    return product


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _is_default_port(url: httpx.URL) -> bool:
    return _port(url) == _DEFAULT_PORTS.get(url.scheme)
