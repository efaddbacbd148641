"""The pages of the sample site, over real HTTP, read with a parser of this file's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup, Tag

from rapray.samples.corpus import SampleSong, songs
from rapray.samples.site import EXPECTED, Fault, SampleSite
from rapray.samples.site.catalogue import Catalogue
from rapray.samples.site.faults import difficult_songs
from rapray.samples.site.state import js_escaped

LISTED = Catalogue(faults=True).songs
IN_CONTAINERS = [song for song in songs() if song.layout in {1, 2, 3, 4}]


@pytest.fixture(scope="module")
def pages() -> Iterator[httpx.Client]:
    """A client of a site whose slow page is quick enough to read."""
    with SampleSite(slow_s=0.2) as site, httpx.Client(base_url=site.url) as client:
        yield client


def _page(pages: httpx.Client, song_id: int) -> str:
    answer = pages.get(LISTED[song_id].path, follow_redirects=True)
    if answer.status_code in {429, 500}:
        answer = pages.get(LISTED[song_id].path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def _state(html: str) -> Any:
    """The preloaded state, its escapes undone the way a JavaScript engine does it."""
    script = re.search(r"__PRELOADED_STATE__ = JSON\.parse\('(.*?)'\);</script>", html, re.S)
    assert script is not None
    return json.loads(_unescaped(script[1]))


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        return chr(int(match[1][1:], 16)) if match[1].startswith("u") else {"n": "\n"}.get(match[1], match[1])

    return re.sub(r"\\(u[0-9a-f]{4}|.)", one, text, flags=re.S)


def _containers(page: BeautifulSoup, layout: int) -> list[Tag]:
    selectors = {3: 'div[class^="Lyrics__Container"]', 4: "div.lyrics"}
    return list(page.select(selectors.get(layout, 'div[data-lyrics-container="true"]')))


def _text(container: Tag) -> str:
    for excluded in container.select("[data-exclude-from-selection=true]"):
        excluded.decompose()
    for br in container.select("br"):
        br.replace_with("\x00")
    return re.sub(r"[^\S\x00]+", " ", container.get_text()).replace("\x00", "\n")


def _normal(text: str) -> list[str]:
    """The lines without invisible characters, blanks and gaps as they come."""
    text = re.sub("[\u200b-\u200f\u2060\ufeff]", "", text)
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize("song", IN_CONTAINERS, ids=lambda song: f"{song.id}-{song.layout}")
def test_page_layouts_hold_lyrics(pages: httpx.Client, song: SampleSong):
    """The elements that facts.md names, read as it says, give every line of the song and no other."""
    containers = _containers(BeautifulSoup(_page(pages, song.id), "lxml"), song.layout)
    assert _normal("\n".join(map(_text, containers))) == _normal(song.lyrics)


@pytest.mark.parametrize("song", IN_CONTAINERS, ids=lambda song: f"{song.id}-{song.layout}")
def test_page_keeps_stanza_gaps(pages: httpx.Client, song: SampleSong):
    """One `<br>` at a container's end and the boundary make the gap, so the stanzas are the song's."""
    containers = _containers(BeautifulSoup(_page(pages, song.id), "lxml"), song.layout)
    stanzas = re.split(r"\n\s*\n", "\n".join(map(_text, containers)).strip())
    assert [_normal(one) for one in stanzas] == [_normal(one) for one in song.lyrics.split("\n\n")]


@pytest.mark.parametrize(
    "song", [song for song in songs() if song.layout == 5], ids=lambda song: str(song.id)
)
def test_page_layout_5_state(pages: httpx.Client, song: SampleSong):
    """Containers are empty or absent; the state's HTML has every line."""
    html = _page(pages, song.id)
    containers = _containers(BeautifulSoup(html, "lxml"), 5)
    body = BeautifulSoup(_state(html)["songPage"]["lyricsData"]["body"]["html"], "lxml")
    assert "".join(map(_text, containers)).strip() == ""
    assert _normal(_text(body)) == _normal(song.lyrics)


@pytest.mark.parametrize("song", songs(), ids=lambda song: str(song.id))
def test_page_state_matches_corpus(pages: httpx.Client, song: SampleSong):
    """Every page has a state that a browser could read, about this song."""
    state = _state(_page(pages, song.id))
    entity = state["entities"]["songs"][str(song.id)]
    artist = state["entities"]["artists"][str(entity["primaryArtist"])]
    tracking = {entry["key"]: entry["value"] for entry in state["songPage"]["trackingData"]}
    assert (entity["title"], artist["name"]) == (song.title, song.artist)
    assert (entity["language"], entity["explicit"]) == (song.language, song.explicit)
    assert entity["releaseDateComponents"]["year"] == song.release_date.year
    assert (entity["lyricsState"], entity["instrumental"], entity["isMusic"]) == ("complete", False, True)
    assert tracking["Primary Album"] == song.album


def test_pages_cover_every_trap(pages: httpx.Client):
    """The corpus as a whole has what the parser must survive."""
    everything = "".join(_page(pages, song.id) for song in songs())
    for trap in (
        "\u200b",
        "\u2060",
        "\ufeff",
        "\u00a0",
        "&nbsp;",
        "\u2005",
        "\u205f",
        "<em>",
        "</b>",
        "&#x27;",
    ):
        assert trap in everything, repr(trap)
    for junk in ("You might also like", "Get tickets as low as $", "Contributors", "Read More", "Embed"):
        assert junk in everything
    assert re.search(r'<div data-lyrics-container="true"[^>]*></div>', everything)
    assert re.search(r"&amp; <i>[^<]+</i>\]", everything)


def test_page_script_has_attribute(pages: httpx.Client):
    """A search in the text for the attribute finds something that is no lyric, in every layout."""
    for layout in range(1, 6):
        song = next(song for song in songs() if song.layout == layout)
        scripts = BeautifulSoup(_page(pages, song.id), "lxml").select("script")
        assert any('data-lyrics-container="true"' in script.text for script in scripts)


def test_page_repeats_identically(pages: httpx.Client):
    """The odd characters stand in the same places in every answer, and the entity tag says so."""
    first = pages.get(LISTED[100101].path)
    again = pages.get(LISTED[100101].path, headers={"If-None-Match": first.headers["etag"]})
    other = pages.get(LISTED[100101].path, headers={"If-None-Match": '"other"'})
    assert (again.status_code, again.content) == (304, b"")
    assert other.content == first.content


@pytest.mark.parametrize("text", ["'", '"', "\\", "\\'", "$ex", "</script>", "a\u2028b", "\\n", "x\"\\'$</"])
def test_js_escaped_round_trips(text: str):
    """What stands between the quotes is the text again for a JavaScript engine, and closes nothing."""
    escaped = js_escaped(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(_unescaped(escaped)) == {"text": text}
    assert "</script" not in escaped
    assert not re.search(r"(?<!\\)(\\\\)*'", escaped)


def test_difficult_table_is_complete():
    """Each fault has one song, and each song an outcome."""
    assert sorted(one.fault for one in difficult_songs()) == sorted(Fault)
    assert EXPECTED.keys() == {one.song.id for one in difficult_songs()}


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        (Fault.INSTRUMENTAL, "instrumental", True),
        (Fault.INSTRUMENTAL_TEXT, "instrumental", True),
        (Fault.UNRELEASED, "lyricsState", "unreleased"),
        (Fault.INCOMPLETE, "lyricsState", "incomplete"),
        (Fault.TRACKLIST, "isMusic", False),
        (Fault.INTERVIEW, "isMusic", False),
        (Fault.TRANSLATION, "primaryArtist", 1098),
    ],
)
def test_difficult_page_state_matches(pages: httpx.Client, fault: Fault, field: str, value: object):
    """What a page is about is written in its state."""
    song_id = next(one.song.id for one in difficult_songs() if one.fault is fault)
    assert _state(_page(pages, song_id))["entities"]["songs"][str(song_id)][field] == value


def test_index_links_every_song(pages: httpx.Client):
    """A person who opens the site finds all artists and songs."""
    index = BeautifulSoup(pages.get("/").text, "lxml")
    linked = {link["href"] for link in index.select("a")}
    assert {song.path for song in LISTED.values()} <= linked
    assert "Nayra del Puerto" in index.get_text()
