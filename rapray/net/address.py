"""Web addresses: which of them a client may fetch, and the name under which it does.

Nothing here resolves a name or opens a connection; only the text of an address is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

import rapray
from rapray.config import variable
from rapray.errors import ConfigError
from rapray.net.loopback import is_loopback

_DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTACT = re.compile(r"[\x20-\x7e]+")


def parse_url(text: str) -> httpx.URL | None:
    """Return the http or https URL in the text, or None if it holds none."""
    try:
        url = httpx.URL(text)
        # httpx decodes the host only when it is read, so "xn--a" is refused here and not before.
        return url if url.scheme in _DEFAULT_PORTS and url.host else None
    except (httpx.InvalidURL, ValueError, TypeError):
        return None


def host_of(url: str) -> str:
    """Return the host, with its port unless that is the scheme's own: the key of a rate limit and of a robots.txt."""
    return httpx.URL(url).netloc.decode("ascii")


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port: a secret is sent to one origin only."""
    return url.scheme, url.host, _port(url)


class Site:
    """The pages under one base address, such as `https://genius.com`.

    An answer of an API or a redirect may name any address. Only those of the site are followed, so that no answer can
    make rapray fetch 169.254.169.254 or a service of the local network.
    """

    def __init__(self, base: str) -> None:
        self.base = httpx.URL(base)

    def holds(self, url: httpx.URL) -> bool:
        """Return True if the address is on the site's host or below it, on its port, and no less safe."""
        return (
            url.scheme in {"https", self.base.scheme}
            and not url.userinfo
            and self._is_same_host(url.host)
            and (_port(url) == _port(self.base) or (_is_default_port(url) and _is_default_port(self.base)))
        )

    @property
    def is_local(self) -> bool:
        """True if the site is on this machine."""
        return is_loopback(self.base.host)

    def _is_same_host(self, host: str) -> bool:
        return host == self.base.host or host.endswith("." + self.base.host)


def user_agent(contact: str | None, sites: Iterable[Site], *, setting: str) -> str:
    """Return the User-Agent header: who is asking, and whom to write to about it.

    Args:
        contact: an e-mail address or a page.
        sites: what will be asked; sites on this machine need no contact.
        setting: the name of the setting that holds the contact, for messages.

    Raises:
        ConfigError: no contact is set and a site is not on this machine, or the contact does not fit into a header.
    """
    product = f"rapray/{rapray.__version__}"
    if contact and contact.strip():
        if not _CONTACT.fullmatch(contact):
            raise ConfigError(problems=f"{setting}: printable ASCII only, it is sent in a header.")
        return f"{product} (+{contact.strip()})"
    for site in sites:
        if not site.is_local:
            problem = (
                f"{setting} is not set, and {site.base.host} is not this machine: set {variable(setting)} to an "
                "e-mail address or a page, so that its operators can reach you."
            )
            raise ConfigError(problems=problem)
    return product


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _is_default_port(url: httpx.URL) -> bool:
    return _port(url) == _DEFAULT_PORTS.get(url.scheme)
