"""The pages: they work without JavaScript, escape everything, and say what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.domain import Analysis, Lyric, Section
from rapray.serve.api import create_app
from rapray.serve.backend import TrackDetail
from rapray.serve.memory import MemoryServices
from rapray.serve.ui.marks import marked
from rapray.serve.ui.measures import at, explained, paths

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> \"'&\n</p></main> {{ 7 * 7 }} night light"


async def _page(client: httpx.AsyncClient, url: str, status: int = 200) -> BeautifulSoup:
    answer = await client.get(url)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return BeautifulSoup(answer.text, "lxml")


async def test_search_page_restores_state(client: httpx.AsyncClient) -> None:
    """What the address says stands in the fields, and the results are on the page."""
    page = await _page(client, "/?q=keep+the+river&artist=Ada&year_from=1995&language=en")
    form = page.select_one("form[method=get]")
    assert form is not None
    assert form.select_one("[name=q]")["value"] == "keep the river"  # type: ignore[index]
    assert form.select_one("[name=artist]")["value"] == "Ada"  # type: ignore[index]
    assert len(page.select("ol.results > li")) == 4
    assert page.select_one("ol.results a")["href"] == "/tracks/5#s2"  # type: ignore[index]
    assert "river" in page.select_one("blockquote").get_text()  # type: ignore[union-attr]


async def test_first_page_collection_size(client: httpx.AsyncClient) -> None:
    """Without a query there are figures instead of results."""
    page = await _page(client, "/")
    figures = {div.dt.get_text(): div.dd.get_text() for div in page.select("dl > div")}  # type: ignore[union-attr]
    assert figures["Tracks"] == "12"
    assert figures["Years"] == "1991–2002"
    assert not page.select("ol.results")


async def test_search_page_empty_collection() -> None:
    """A new user reads what to do."""
    transport = httpx.ASGITransport(create_app(MemoryServices()))
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        assert "rapray collect" in (await _page(client, "/")).get_text()
        assert "rapray embed" in (await _page(client, "/?q=river")).get_text()


@pytest.mark.parametrize(
    "query",
    [
        "?q=a&year_from=12",
        "?q=a&year_from=x",
        "?q=!!",
        "?artist=Ada",
        "?q=a&language=english",
        "?q=a&year_from=2001&year_to=2000",
    ],
)
async def test_search_page_wrong_field(client: httpx.AsyncClient, query: str) -> None:
    """The form keeps what was typed and says what is wrong with it."""
    page = await _page(client, f"/{query}", 422)
    assert page.select_one("[role=alert]")


async def test_search_page_without_hits(client: httpx.AsyncClient) -> None:
    """Filters that leave nothing can be dropped with one link."""
    page = await _page(client, "/?q=river&artist=Nobody")
    assert page.select_one('a[href="/?q=river"]')


async def test_track_page_marks_rhymes(client: httpx.AsyncClient) -> None:
    """A rhyme is a mark with its letter; the scheme stands beside the line."""
    page = await _page(client, "/tracks/1")
    marks = [(m["data-chain"], "end" in m["class"], m.get_text()) for m in page.select("mark")]
    assert marks == [("B", False, "lightB"), ("A", True, "nightA"), ("A", True, "tightA")]
    assert [s.get_text().removeprefix("Rhyme ") for s in page.select(".scheme")] == ["A", "A", "", ""]
    assert "Rhyme density" in page.get_text()


async def test_track_page_without_analysis(
    services: MemoryServices, client: httpx.AsyncClient, make_track: Callable[..., TrackDetail]
) -> None:
    """A stored track can be read before it is analysed."""
    import dataclasses

    services.tracks[99] = dataclasses.replace(make_track(99), analyses=())
    page = await _page(client, "/tracks/99")
    assert "I light the night" in page.get_text()
    assert not page.select("mark")


@pytest.mark.parametrize(
    "url", ["/tracks/99999", "/tracks/abc", "/tracks/0", "/tracks/" + "9" * 400, "/tracks/%00", "/tracks/²"]
)
async def test_track_page_missing_track(client: httpx.AsyncClient, url: str) -> None:
    """A browser gets a page that says so, with the way back."""
    page = await _page(client, url, 404)
    assert page.select_one('main a[href="/"]')


async def test_pages_escape_hostile_text(
    services: MemoryServices, client: httpx.AsyncClient, make_track: Callable[..., TrackDetail]
) -> None:
    """Nothing in a lyric, a title, a name or a query becomes markup."""
    services.tracks[66] = make_track(66, HOSTILE, title=HOSTILE, artist=HOSTILE, album=HOSTILE)
    for url in ("/tracks/66", "/?q=night", f"/?q={'%3Cscript%3Ealert(1)%3C/script%3E'}&artist=%22%3E%3Cb%3E"):
        page = await _page(client, url)
        assert all(script.get("src") for script in page.select("script"))
        assert not page.select("img, [onerror], blockquote b, .by b, h1 b, h3 b, .line b")
        assert "49" not in page.get_text() or "{{" in page.get_text()


async def test_pages_forbid_inline_code(client: httpx.AsyncClient) -> None:
    """The policy is strict, and the pages keep to it: no inline script, no style attribute, nothing from elsewhere."""
    for url in ("/", "/?q=river", "/tracks/1", "/tracks/999", "/docs"):
        answer = await client.get(url)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = BeautifulSoup(answer.text, "lxml")
        assert not page.select("[style], style, [onclick], script:not([src])")
        own = [e.get("src") or e.get("href") for e in page.select("script, link, img")]
        assert all(str(address).startswith("/static/") for address in own)
        for address in own:
            assert (await client.get(str(address))).status_code == 200


async def test_docs_page_is_complete(client: httpx.AsyncClient) -> None:
    """The reference is made from the document and the table, so nothing is missing."""
    page = await _page(client, "/docs")
    document = (await client.get("/openapi.json")).json()
    shown = {
        h.get_text().split(" ", 1)[1].strip() for h in page.select(".endpoint h2") if h.select(".method")
    }
    assert set(document["paths"]) == shown
    assert page.select_one("#problem-lyrics_empty")


def _members(*spans: tuple[int, int, str]) -> list[dict[str, object]]:
    return [{"section": 0, "line": 0, "start": a, "end": b, "kind": kind} for a, b, kind in spans]


@given(
    st.text(min_size=1, max_size=40),
    st.lists(
        st.tuples(st.integers(-3, 45), st.integers(-3, 45), st.sampled_from(["end", "internal"])), max_size=12
    ),
)
def test_marks_preserve_any_text(line: str, spans: list[tuple[int, int, str]]) -> None:
    """Overlapping, empty or impossible members never change or lose a character."""
    section = Section("verse", 1, "", (), (line,))
    chains = [{"label": "A", "kind": "end", "grade": "perfect", "members": _members(*spans)}]
    [result] = marked([section], chains)
    assert "".join(piece.text for piece in result.lines[0].pieces) == line


def test_marks_prefer_end_rhyme() -> None:
    """Where two rhymes share a word, the line's end decides."""
    section = Section("verse", 1, "", (), ("all of the night",))
    chains = [
        {"label": "A", "kind": "internal", "grade": "family", "members": _members((0, 16, "internal"))},
        {"label": "B", "kind": "end", "grade": "perfect", "members": _members((11, 16, "end"))},
    ]
    [result] = marked([section], chains)
    assert [(p.text, p.mark.letter) for p in result.lines[0].pieces if p.mark] == [("night", "B")]
    assert result.lines[0].letter == "B"


def test_measures_match_analyzer_output() -> None:
    """The page and the analyzer agree on names."""
    lines = tuple(
        [
            "we",
            "hold",
            "the",
            "night",
            "and",
            "fold",
            "the",
            "light",
            "until",
            "the",
            "city",
            "sleeps",
            "below",
        ]
        * 3
    )
    text = "\n".join(" ".join(lines[i : i + 6]) for i in range(0, 36, 6))
    lyric = Lyric("1", text, (Section("verse", 1, "", (), tuple(text.splitlines())),), "hash")
    [analysis] = AlgorithmicAnalyzer().analyze([lyric])
    assert isinstance(analysis, Analysis)
    # HD-D needs 42 words and may be null for a shorter text; the key is there all the same.
    missing = [path for path in paths() if at(analysis.data, path) is None and path != "vocabulary.hdd"]
    assert missing == []
    groups = explained(analysis.data)
    assert all(m.share is None or 0 <= m.share <= 1 for group in groups for m in group.measures)


def test_measures_of_older_analysis() -> None:
    """A page survives data of another version."""
    assert (
        explained({"rhyme": {"density_malmi": "n/a"}, "counts": {"words": 3}})[0].measures[0].title == "Words"
    )


@pytest.mark.parametrize("digits", ["0" * 20 + "9" * 5000, "0" * 19 + "1", "9" * 19, "9" * 5000])
async def test_track_page_huge_id(client: httpx.AsyncClient, digits: str) -> None:
    """A number too long for `int` or for the database names no track, and is no defect."""
    await _page(client, f"/tracks/{digits}", 404)
