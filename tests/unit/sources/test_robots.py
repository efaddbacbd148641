"""robots.txt, with the cases that RFC 9309 names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.sources.robots import parse_robots
from tests.support.growth import assert_linear


def allows(text: str, path: str) -> bool:
    """What the text says to rapray about the path."""
    return parse_robots(text.encode()).allows(path)


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("Disallow: /private", "/private/x", False),
        ("Disallow: /private", "/public", True),
        ("Disallow:", "/x", True),
        ("Disallow: /", "/robots.txt", True),
        ("Disallow: /\nAllow: /song", "/song-lyrics", True),
        ("Allow: /song\nDisallow: /song", "/song", True),
        ("Disallow: /*/edit", "/songs/1/edit", False),
        ("Disallow: /*.pdf$", "/a.pdf", False),
        ("Disallow: /*.pdf$", "/a.pdf?x", True),
        ("Disallow: /a*b*c$", "/axxbyyc", False),
        ("Disallow: /a*b*b$", "/ab", True),
        ("Disallow: /exact$", "/exactly", True),
        ("Disallow: /search?", "/search?q=1", False),
        ("Disallow: /%7Eme", "/~me", False),
        ("Disallow: /ä", "/%C3%A4", False),
        ("Disallow: /a%2Fb", "/a/b", True),
        ("disallow : /x # why", "/x", False),
    ],
)
def test_robots_longest_rule_decides(rules: str, path: str, expected: bool) -> None:
    """Allow wins a draw; `*` and `$` are special; escapes are compared in one spelling."""
    assert allows(f"User-agent: *\n{rules}", path) is expected


def test_robots_specific_group_replaces() -> None:
    """Groups of the same name are merged, several names may share one group, case does not matter."""
    text = (
        "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: RapRay/2.0\nDisallow: /a\n\n"
        "Sitemap: https://x/y\nUser-agent: rapray\nDisallow: /b"
    )
    assert [allows(text, path) for path in ("/a", "/b", "/c")] == [False, False, True]


def test_robots_empty_group_allows() -> None:
    """To be named without rules is to be allowed."""
    assert allows("User-agent: rapray\nDisallow:\n\nUser-agent: *\nDisallow: /", "/x")


def test_robots_wildcards_stay_linear() -> None:
    """A pattern of many wildcards must not make matching explode."""

    def match(wildcards: int) -> bool:
        rules = "User-agent: *\nDisallow: /" + "*a" * wildcards + "$"
        return allows(rules, "/" + "a" * (wildcards - 1) + "b" * 2 * wildcards)

    assert match(2000)
    assert_linear(match, 2000)


@given(st.binary(max_size=300), st.text(max_size=50))
def test_robots_accepts_any_bytes(body: bytes, path: str) -> None:
    """A host may serve anything under that name."""
    assert parse_robots(b"User-agent: *\n" + body).allows("/" + path) in {True, False}
