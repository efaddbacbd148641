"""Which addresses may be fetched, and under which name."""

from __future__ import annotations

import pytest

from rapray.errors import ConfigError
from rapray.net.address import Site, parse_url, user_agent


@pytest.mark.parametrize(
    "text",
    ["https://genius.com/a", "https://GENIUS.com:443/a", "https://www.genius.com/a?b", "https://genius.com"],
)
def test_site_holds_own_pages(text: str) -> None:
    """The host, hosts below it, any path."""
    url = parse_url(text)
    assert url is not None
    assert Site("https://genius.com").holds(url)


@pytest.mark.parametrize(
    "text",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://genius.com/a",
        "https://genius.com:8443/a",
        "https://notgenius.com/a",
        "https://genius.com.evil.example/a",
        "https://genius.com@evil.example/a",
        "https://user:pw@genius.com/a",
        "https://127.0.0.1/a",
        "https://[::1]/",
        "https://genius.com\\@evil.example/",
    ],
)
def test_site_holds_nothing_else(text: str) -> None:
    """Other hosts, other ports, user names and less safe schemes are outside."""
    url = parse_url(text)
    assert url is None or not Site("https://genius.com").holds(url)


@pytest.mark.parametrize("text", ["file:///etc/passwd", "ftp://genius.com", "/path", "", "http://", "\x00"])
def test_parse_url_non_web(text: str) -> None:
    """Only http and https with a host."""
    assert parse_url(text) is None


def test_user_agent_names_contact() -> None:
    """Those who are asked can see by whom."""
    agent = user_agent("me@example.org", [Site("https://genius.com")], setting="genius.contact")
    assert agent.startswith("rapray/")
    assert agent.endswith(" (+me@example.org)")


def test_user_agent_needs_contact() -> None:
    """The message names the host and the setting."""
    with pytest.raises(ConfigError, match=r"genius\.com.*RAPRAY_GENIUS__CONTACT"):
        user_agent(None, [Site("http://127.0.0.1:1"), Site("https://genius.com")], setting="genius.contact")
    with pytest.raises(ConfigError):
        user_agent("  ", [Site("https://genius.com")], setting="genius.contact")
    assert user_agent(
        None,
        [Site("http://127.0.0.1:1"), Site("http://localhost"), Site("http://[::1]:2")],
        setting="genius.contact",
    )


def test_user_agent_breaking_contact() -> None:
    """A line break would start a header of its own."""
    with pytest.raises(ConfigError):
        user_agent("me\r\nX-Evil: 1", [Site("https://genius.com")], setting="genius.contact")


@pytest.mark.parametrize(
    "text", ["http://xn--a.com/", "http://xn--/", "http://[::1", "javascript:alert(1)", "http:///x"]
)
def test_parse_url_hostile_text(text: str) -> None:
    """Text that only breaks when its host is read is refused as well: it comes from API answers."""
    assert parse_url(text) is None
