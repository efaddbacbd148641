"""The page parser on bytes, on anything at all, and on a great deal of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Outcome
from rapray.sources.genius import parse_page
from tests.support.genius_page import FIRST, page, read, song_state
from tests.support.growth import assert_linear


def test_page_bytes_invalid_utf8() -> None:
    """A replaced byte would be a wrong letter for ever; one outside of the lyrics harms nothing."""
    bad = page(FIRST.format("caf\udce9")).encode("utf-8", "surrogateescape")
    harmless = page(FIRST.format("caf\u00e9"), "<p>\udce9</p>").encode("utf-8", "surrogateescape")
    assert parse_page(bad).outcome is Outcome.UNPARSABLE
    assert parse_page(harmless).lyrics == "café"


def test_page_bytes_declared_charset() -> None:
    """Saved pages may be in another encoding, and say so."""
    html = page(FIRST.format("café"), head='<meta charset="windows-1252">')
    assert parse_page(html.encode("windows-1252")).lyrics == "café"
    assert parse_page(b"\xef\xbb\xbf" + page(FIRST.format("café")).encode()).lyrics == "café"


def test_page_drops_nul_surrogates() -> None:
    """PostgreSQL can hold neither."""
    state = song_state({"body": {"html": "one\x00 \ud83c two \ud83c\udfa4"}}, title="T\ud800\x00")
    parsed = read(state=state)
    assert parsed.lyrics is not None
    for text in (parsed.lyrics, parsed.title or ""):
        assert "\x00" not in text
        text.encode("utf-8")
    assert parsed.lyrics.endswith("two 🎤")


_SNIPPETS = st.sampled_from(
    [
        FIRST.format("one<br>"),
        '<div data-lyrics-container="true">',
        '<div class="lyrics">',
        "</div>",
        "<br",
        "<script>window.__PRELOADED_STATE__ = JSON.parse('",
        '{\\"songPage\\":{\\"song\\":1',
        "}}');</script>",
        "<!--",
        "]]>",
        "&#0;&#xD800;&#x110000;",
        "<svg><p>",
        "[Verse",
        "\u202e\x00",
    ]
)


@given(st.lists(st.one_of(_SNIPPETS, st.text(max_size=30)), max_size=25).map("".join))
def test_page_accepts_arbitrary_text(html: str) -> None:
    """Whatever comes in, lyrics are there exactly where the outcome says so."""
    for body in (html, html.encode("utf-8", "surrogatepass")):
        parsed = parse_page(body)
        assert (parsed.lyrics is not None) is (parsed.outcome is Outcome.LYRICS)
        assert parsed.lyrics is None or parsed.lyrics.strip()


@given(st.binary(max_size=400))
def test_page_accepts_arbitrary_bytes(body: bytes) -> None:
    """Bytes of any kind end in an outcome."""
    assert parse_page(body).outcome in Outcome


@pytest.mark.parametrize(
    "unit",
    [
        '<div data-lyrics-container="true">',
        "<i>",
        "one<br>",
        "<script>__PRELOADED_STATE__={",
        "<p>[",
        "\\'",
        "<meta>",
    ],
)
def test_page_repetition_stays_linear(unit: str) -> None:
    """No page makes the parser slow."""
    assert_linear(lambda size: parse_page('<div data-lyrics-container="true">' + unit * size), 10_000)
