"""The page parser: one test for each rule of what a Genius page is, each from HTML written by hand."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapray.domain import Outcome
from rapray.sources.genius import ParsedPage, parse_page

FIRST = '<div data-lyrics-container="true" class="Lyrics__Container-sc-78fb6627-1 hiRbsH">{}</div>'


def page(*parts: str, state: dict[str, Any] | None = None, head: str = "") -> str:
    """A whole page around the parts."""
    script = f"<script>{assignment(state)}</script>" if state is not None else ""
    return f"<!doctype html><html><head>{head}</head><body>{''.join(parts)}{script}</body></html>"


def assignment(state: dict[str, Any]) -> str:
    """The state as the site writes it: JSON inside a JavaScript string in single quotes."""
    literal = (
        json.dumps(state).replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("</", "<\\/")
    )
    return f"window.__PRELOADED_STATE__ = JSON.parse('{literal}');"


def song_state(lyrics: dict[str, Any] | None = None, artist: str = "MC Test", **song: Any) -> dict[str, Any]:
    """A preloaded state with one song in it."""
    entity = {"id": 42, "title": "Paper Planets", "primaryArtist": 7, "lyricsState": "complete", **song}
    return {
        "songPage": {"song": 42, "lyricsData": lyrics or {"body": None, "lyricsPlaceholderReason": None}},
        "entities": {"songs": {"42": entity}, "artists": {"7": {"id": 7, "name": artist}}},
    }


def read(*parts: str, **more: Any) -> ParsedPage:
    """The parsed page of the parts."""
    return parse_page(page(*parts, **more))


# --- where the lyrics stand ------------------------------------------------------------------------


def test_page_containers_joined_by_newline_stanza_gap_is_break_plus_boundary() -> None:
    """A container that ends with one break is followed by an empty line, one that does not by the next line."""
    parsed = read(
        FIRST.format("one<br>two<br>"), "<div>ad</div>", FIRST.format("three"), FIRST.format("four")
    )
    assert parsed.lyrics == "one\ntwo\n\nthree\nfour"
    assert (parsed.outcome, parsed.layout) == (Outcome.LYRICS, "container")


def test_page_excluded_header_inside_container_is_left_out() -> None:
    """Since 2025 "N Contributors … Read More" sits inside the first container, marked as not to be selected."""
    header = (
        '<div data-exclude-from-selection="true">12 Contributors<h2>X Lyrics</h2>bio … <b>Read More</b></div>'
    )
    assert read(FIRST.format(header + "[Verse 1]<br>one line")).lyrics == "[Verse 1]\none line"


def test_page_attribute_inside_script_is_no_container() -> None:
    """The attribute's text also occurs in scripts and comments; only an element counts."""
    decoys = (
        "<script>var t = '<div data-lyrics-container=\"true\">not a lyric</div>'</script>"
        '<!-- <div data-lyrics-container="true">nor this</div> -->'
    )
    assert read(decoys, FIRST.format("a lyric")).lyrics == "a lyric"


def test_page_empty_containers_add_no_lines() -> None:
    """Empty containers occur between full ones."""
    parsed = read(FIRST.format("one<br>"), FIRST.format(""), FIRST.format(" <br> "), FIRST.format("two"))
    assert parsed.lyrics == "one\n\ntwo"


def test_page_tags_other_than_break_are_inline() -> None:
    """Links, italics and spans neither break nor glue; white space in the source is one blank."""
    html = '<a href="/1"><span>one\n  two</span></a>,<i> three</i> <b>four</b>\n<br/>\nfi<em>ve</em>'
    assert read(FIRST.format(html)).lyrics == "one two, three four\nfive"


def test_page_nested_container_is_read_once() -> None:
    """A container inside a container is part of the outer one."""
    assert read(FIRST.format("one<br>" + FIRST.format("two"))).lyrics == "one\ntwo"


def test_page_class_without_attribute_is_the_older_layout() -> None:
    """Older pages have only the class, with a suffix that changes."""
    parsed = read('<div class="Lyrics__Container-sc-1ynbvzw-6 YYrds">one<br>two</div>')
    assert (parsed.lyrics, parsed.layout) == ("one\ntwo", "class")


def test_page_div_lyrics_is_the_oldest_layout() -> None:
    """The oldest pages have `div.lyrics` with paragraphs and line feeds after each break."""
    html = '<div class="song_body lyrics"><!--sse-->\n<p>one<br>\ntwo</p>\n<p>three</p><!--/sse--></div>'
    parsed = read(html)
    assert (parsed.lyrics, parsed.layout) == ("one\ntwo\n\nthree", "oldest")


def test_page_state_alone_gives_the_lyrics() -> None:
    """Where no element has words, the body of the preloaded state counts."""
    state = song_state({"body": {"html": '<p>one\'s <i>"a"</i><br>\nt\\wo &amp; ‘three’</p>'}})
    for parts in ((), (FIRST.format(""),)):
        parsed = read(*parts, state=state)
        assert (parsed.lyrics, parsed.layout) == ('one\'s "a"\nt\\wo & ‘three’', "state")


def test_page_elements_count_before_the_state() -> None:
    """The state is the second source."""
    assert read(FIRST.format("shown"), state=song_state({"body": {"html": "stored"}})).lyrics == "shown"


def test_page_invisible_characters_are_stripped_and_odd_blanks_become_blanks() -> None:
    """Zero-width characters vanish; no-break and mathematical blanks are blanks; quotes stay as they are."""
    html = "\u200b\ufeffone\u00a0two\u2005three\u205ffour\u2060<br>it\u2019s&nbsp;so\u200f"
    assert read(FIRST.format(html)).lyrics == "one two three four\nit\u2019s so"


def test_page_two_voice_header_gives_voices() -> None:
    """`[Verse 1: A & <i>B</i>]` names two voices; the italics that mark the second leave no trace in the text."""
    parsed = read(FIRST.format("[Verse 1: Ada &amp; <i>Bo</i>]<br>mine <i>(yours)</i>"))
    assert parsed.lyrics == "[Verse 1: Ada & Bo]\nmine (yours)"
    assert [(s.kind, s.number, s.voices) for s in parsed.sections] == [("verse", 1, ("Ada", "Bo"))]


def test_page_lyric_with_the_words_of_junk_keeps_every_word() -> None:
    """Junk is whole lines in their places; a lyric may say the same words."""
    html = "You might also like my style<br>3 Contributors to the crime<br>I read more, Embed that<br>captcha rhymes"
    assert read(FIRST.format(html)).lyrics == html.replace("<br>", "\n")


# --- what the page says of the song ----------------------------------------------------------------


def test_page_state_fills_every_field() -> None:
    """Names are looked up by id in the entities."""
    state = song_state(
        url="https://genius.com/mc-test-paper-planets-lyrics",
        album=3,
        language="EN",
        explicit=True,
        isMusic=True,
        spotifyUuid="4uLU6hMCjMI75M1A2tKUQC",
        appleMusicId=1440650711,
        isrc="us-abc-97-12345",
        featuredArtists=[8],
        writerArtists=[7, {"id": 9, "name": "Inline"}],
        releaseDateComponents={"year": 1997, "month": 2, "day": 29},
    )
    state["entities"]["albums"] = {"3": {"name": "First\u200b Album"}}
    state["entities"]["artists"]["8"] = {"name": "Guest"}
    parsed = read(FIRST.format("one"), state=state)
    assert (parsed.song_id, parsed.title, parsed.artist, parsed.artist_id) == (
        "42",
        "Paper Planets",
        "MC Test",
        "7",
    )
    assert (parsed.album, parsed.language, parsed.is_explicit) == ("First Album", "en", True)
    assert (parsed.featured, parsed.writers) == (("Guest",), ("MC Test", "Inline"))
    assert (parsed.release_date, parsed.release_year) == (None, 1997)  # 1997 had no 29 February
    assert parsed.identifiers == {
        "spotify_id": "4uLU6hMCjMI75M1A2tKUQC",
        "apple_music_id": "1440650711",
        "isrc": "USABC9712345",
    }


def test_page_tracking_data_is_used_where_the_entity_is_missing() -> None:
    """`trackingData` repeats the most important fields as a list of keys and values."""
    pairs = {
        "Song ID": 5,
        "Title": "T",
        "Primary Artist": "A",
        "Lyrics Language": "de",
        "Release Date": "2001-04-03",
    }
    state = {"songPage": {"trackingData": [{"key": k, "value": v} for k, v in pairs.items()]}}
    parsed = read(FIRST.format("eins"), state=state)
    assert (parsed.song_id, parsed.title, parsed.artist, parsed.language) == ("5", "T", "A", "de")
    assert parsed.release_date == date(2001, 4, 3)


def test_page_without_state_names_come_from_the_head() -> None:
    """Saved pages may have lost their scripts; the head still names artist, title and song."""
    head = (
        "<title>MC Test – Dash - Ing Lyrics | Genius Lyrics</title>"
        '<meta property="al:ios:url" content="genius://songs/99"><link rel="canonical" href="https://genius.com/x">'
    )
    parsed = read(FIRST.format("one"), head=head)
    assert (parsed.artist, parsed.title, parsed.song_id) == ("MC Test", "Dash - Ing", "99")
    assert parsed.url == "https://genius.com/x"


@pytest.mark.parametrize("value", [None, [], {}, "x", -1, 2.5, True, "\ud800", {"id": {}}, [[]]])
def test_page_state_of_wrong_types_keeps_the_lyrics(value: Any) -> None:
    """Foreign JSON may hold anything anywhere; the lyrics on the page are still the lyrics."""
    keys = (
        "title",
        "primaryArtist",
        "album",
        "releaseDateComponents",
        "featuredArtists",
        "language",
        "spotifyUuid",
    )
    state = song_state(**dict.fromkeys(keys, value))
    assert read(FIRST.format("one"), state=state).lyrics == "one"
    for broken in ({"songPage": value}, {"entities": value}, {"songPage": {"lyricsData": value}}):
        assert read(FIRST.format("one"), state=broken).lyrics == "one"


# --- outcomes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("song", "expected"),
    [
        ({"instrumental": True}, Outcome.INSTRUMENTAL),
        ({"lyricsState": "unreleased"}, Outcome.UNRELEASED),
        ({"lyricsState": "incomplete"}, Outcome.INCOMPLETE),
        ({"isMusic": False}, Outcome.NOT_A_SONG),
        ({"tags": [{"name": "Non-Music"}]}, Outcome.NOT_A_SONG),
        ({"title": "Album [Tracklist + Album Art]"}, Outcome.NOT_A_SONG),
        ({"title": "Album (Liner Notes)", "isMusic": True}, Outcome.NOT_A_SONG),
        ({"title": "On Writing (Interview)"}, Outcome.NOT_A_SONG),
        ({"title": "Outro (Interview)", "isMusic": True}, Outcome.LYRICS),
        ({"title": "Tracklist"}, Outcome.LYRICS),
        ({"artist": "Genius English Translations"}, Outcome.TRANSLATION),
        ({"artist": "Perfume Genius"}, Outcome.LYRICS),
    ],
)
def test_page_state_decides_outcome_before_the_text(song: dict[str, Any], expected: Outcome) -> None:
    """What the page says of its song holds even where some text is printed."""
    parsed = read(FIRST.format("some text"), state=song_state(**song))
    assert parsed.outcome is expected
    assert (parsed.lyrics is None) is (expected is not Outcome.LYRICS)
    assert parsed.detail or expected is Outcome.LYRICS


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("instrumental", Outcome.INSTRUMENTAL),
        ("unreleased", Outcome.UNRELEASED),
        ("incomplete", Outcome.INCOMPLETE),
        ("something new", Outcome.UNPARSABLE),
        (None, Outcome.UNPARSABLE),
    ],
)
def test_page_placeholder_reason_decides_where_there_is_no_text(
    reason: str | None, expected: Outcome
) -> None:
    """A page without words is only what it says it is, and otherwise not understood."""
    state = song_state({"body": {"html": ""}, "lyricsPlaceholderReason": reason})
    assert read(FIRST.format(""), state=state).outcome is expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("This song is an instrumental", Outcome.INSTRUMENTAL),
        (
            "Lyrics for this song have yet to be released. Please check back once it is out.",
            Outcome.UNRELEASED,
        ),
        ("Lyrics for this song have yet to be transcribed.", Outcome.INCOMPLETE),
    ],
)
def test_page_placeholder_message_decides_alone_and_inside_a_container(
    message: str, expected: Outcome
) -> None:
    """The message is no lyric, wherever it stands."""
    shown = f'<div class="LyricsPlaceholder__Message-sc-14skmn5-2">{message}</div>'
    assert read(shown).outcome is expected
    assert read(FIRST.format(shown)).outcome is expected
    assert read(FIRST.format(message)).outcome is expected


@pytest.mark.parametrize("text", ["[Instrumental]", "Instrumental", "[Intro]<br>[Instrumental Break]"])
def test_page_text_that_only_says_instrumental_is_instrumental(text: str) -> None:
    """Transcribers write it into the lyrics."""
    assert read(FIRST.format(text)).outcome is Outcome.INSTRUMENTAL


def test_page_with_a_picture_for_lyrics_is_image_only() -> None:
    """A scan in place of text; a picture beside text changes nothing, nor one in the excluded header."""
    picture = '<img src="scan.jpg" alt="words">'
    header = f'<div data-exclude-from-selection="true">{picture}</div>'
    assert read(FIRST.format(picture)).outcome is Outcome.IMAGE_ONLY
    assert read(state=song_state({"body": {"html": f"<p>{picture}</p>"}})).outcome is Outcome.IMAGE_ONLY
    assert read(FIRST.format(picture + "one")).lyrics == "one"
    assert read(FIRST.format(header)).outcome is Outcome.UNPARSABLE


def test_page_of_headers_alone_is_unparsable() -> None:
    """Headers are not lyrics, and an empty lyric is never stored."""
    assert read(FIRST.format("[Verse 1]<br>[Chorus]")).outcome is Outcome.UNPARSABLE


def test_page_lyrics_over_the_limit_are_too_long() -> None:
    """300,000 characters are kept, more is no song."""
    line = "word " * 1999 + "ends.<br>"  # 10,000 characters with its break
    assert read(FIRST.format(line * 29)).outcome is Outcome.LYRICS
    assert read(FIRST.format(line * 31)).outcome is Outcome.TOO_LONG


@pytest.mark.parametrize(
    "html",
    [
        "<title>Just a moment...</title><div id='challenge-form'></div>",
        "<h1>One more step</h1><div class='g-recaptcha'></div>",
        "<script src='/cdn-cgi/challenge-platform/h/b.js'></script>",
    ],
)
def test_page_challenge_is_blocked(html: str) -> None:
    """A page that asks for a human is a block, whatever its status."""
    assert parse_page(html).outcome is Outcome.BLOCKED
    assert parse_page("<p>wait</p>", "https://genius.com/captcha?next=1").outcome is Outcome.BLOCKED


def test_page_song_about_captchas_is_a_song() -> None:
    """Words of a challenge count only on a page that holds no song."""
    parsed = parse_page(
        page(FIRST.format("just a moment... captcha")), "https://genius.com/mc-test-captcha-lyrics"
    )
    assert parsed.outcome is Outcome.LYRICS


@pytest.mark.parametrize(
    "body", ["", b"", "plain words", b"\x00\xff\xfe\x01", "{}", b"%PDF-1.7", "<html></html>", "<"]
)
def test_page_that_is_no_song_page_is_unparsable(body: str | bytes) -> None:
    """Not understood is an outcome of its own."""
    parsed = parse_page(body)
    assert (parsed.outcome, parsed.lyrics) == (Outcome.UNPARSABLE, None)


# --- bytes, fuzz, size ----------------------------------------------------------------------------


def test_page_bytes_not_utf8_in_the_lyrics_are_unparsable() -> None:
    """A replaced byte would be a wrong letter for ever; one outside of the lyrics harms nothing."""
    bad = page(FIRST.format("caf\udce9")).encode("utf-8", "surrogateescape")
    harmless = page(FIRST.format("caf\u00e9"), "<p>\udce9</p>").encode("utf-8", "surrogateescape")
    assert parse_page(bad).outcome is Outcome.UNPARSABLE
    assert parse_page(harmless).lyrics == "café"


def test_page_bytes_in_declared_charset_are_read_in_it() -> None:
    """Saved pages may be in another encoding, and say so."""
    html = page(FIRST.format("café"), head='<meta charset="windows-1252">')
    assert parse_page(html.encode("windows-1252")).lyrics == "café"
    assert parse_page(b"\xef\xbb\xbf" + page(FIRST.format("café")).encode()).lyrics == "café"


def test_page_nul_and_lone_surrogates_never_reach_the_text() -> None:
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
@settings(max_examples=150, deadline=None)
def test_page_arbitrary_text_never_raises_and_keeps_the_contract(html: str) -> None:
    """Whatever comes in, lyrics are there exactly where the outcome says so."""
    for body in (html, html.encode("utf-8", "surrogatepass")):
        parsed = parse_page(body)
        assert (parsed.lyrics is not None) is (parsed.outcome is Outcome.LYRICS)
        assert parsed.lyrics is None or parsed.lyrics.strip()


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_page_arbitrary_bytes_never_raise(body: bytes) -> None:
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
def test_page_hostile_repetition_takes_time_in_proportion(unit: str) -> None:
    """Four times the page takes nowhere near sixteen times the time."""

    def seconds(count: int) -> float:
        started = time.process_time()
        parse_page('<div data-lyrics-container="true">' + unit * count)
        return time.process_time() - started

    seconds(100)
    assert seconds(40_000) < 10 * seconds(10_000) + 1
