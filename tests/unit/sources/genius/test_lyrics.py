"""Where the lyrics stand on a page: one test for each rule, each from HTML written by hand."""

from __future__ import annotations

from rapray.domain import Outcome
from tests.support.genius_page import FIRST, read, song_state


def test_page_containers_keep_stanzas() -> None:
    """A container that ends with one break is followed by an empty line, one that does not by the next line."""
    parsed = read(
        FIRST.format("one<br>two<br>"), "<div>ad</div>", FIRST.format("three"), FIRST.format("four")
    )
    assert parsed.lyrics == "one\ntwo\n\nthree\nfour"
    assert (parsed.outcome, parsed.layout) == (Outcome.LYRICS, "container")


def test_page_excludes_marked_header() -> None:
    """Since 2025 "N Contributors … Read More" sits inside the first container, marked as not to be selected."""
    header = (
        '<div data-exclude-from-selection="true">12 Contributors<h2>X Lyrics</h2>bio … <b>Read More</b></div>'
    )
    assert read(FIRST.format(header + "[Verse 1]<br>one line")).lyrics == "[Verse 1]\none line"


def test_page_ignores_script_attribute() -> None:
    """The attribute's text also occurs in scripts and comments; only an element counts."""
    decoys = (
        "<script>var t = '<div data-lyrics-container=\"true\">not a lyric</div>'</script>"
        '<!-- <div data-lyrics-container="true">nor this</div> -->'
    )
    assert read(decoys, FIRST.format("a lyric")).lyrics == "a lyric"


def test_page_skips_empty_containers() -> None:
    """Empty containers occur between full ones."""
    parsed = read(FIRST.format("one<br>"), FIRST.format(""), FIRST.format(" <br> "), FIRST.format("two"))
    assert parsed.lyrics == "one\n\ntwo"


def test_page_inline_tags_join() -> None:
    """Links, italics and spans neither break nor glue; white space in the source is one blank."""
    html = '<a href="/1"><span>one\n  two</span></a>,<i> three</i> <b>four</b>\n<br/>\nfi<em>ve</em>'
    assert read(FIRST.format(html)).lyrics == "one two, three four\nfive"


def test_page_reads_nested_once() -> None:
    """A container inside a container is part of the outer one."""
    assert read(FIRST.format("one<br>" + FIRST.format("two"))).lyrics == "one\ntwo"


def test_page_older_class_layout() -> None:
    """Older pages have only the class, with a suffix that changes."""
    parsed = read('<div class="Lyrics__Container-sc-1ynbvzw-6 YYrds">one<br>two</div>')
    assert (parsed.lyrics, parsed.layout) == ("one\ntwo", "class")


def test_page_oldest_div_layout() -> None:
    """The oldest pages have `div.lyrics` with paragraphs and line feeds after each break."""
    html = '<div class="song_body lyrics"><!--sse-->\n<p>one<br>\ntwo</p>\n<p>three</p><!--/sse--></div>'
    parsed = read(html)
    assert (parsed.lyrics, parsed.layout) == ("one\ntwo\n\nthree", "oldest")


def test_page_state_only_lyrics() -> None:
    """Where no element has words, the body of the preloaded state counts."""
    state = song_state({"body": {"html": '<p>one\'s <i>"a"</i><br>\nt\\wo &amp; ‘three’</p>'}})
    for parts in ((), (FIRST.format(""),)):
        parsed = read(*parts, state=state)
        assert (parsed.lyrics, parsed.layout) == ('one\'s "a"\nt\\wo & ‘three’', "state")


def test_page_prefers_elements() -> None:
    """The state is the second source."""
    assert read(FIRST.format("shown"), state=song_state({"body": {"html": "stored"}})).lyrics == "shown"


def test_page_normalizes_odd_characters() -> None:
    """Zero-width characters vanish; no-break and mathematical blanks are blanks; quotes stay as they are."""
    html = "\u200b\ufeffone\u00a0two\u2005three\u205ffour\u2060<br>it\u2019s&nbsp;so\u200f"
    assert read(FIRST.format(html)).lyrics == "one two three four\nit\u2019s so"


def test_page_header_two_voices() -> None:
    """`[Verse 1: A & <i>B</i>]` names two voices; the italics that mark the second leave no trace in the text."""
    parsed = read(FIRST.format("[Verse 1: Ada &amp; <i>Bo</i>]<br>mine <i>(yours)</i>"))
    assert parsed.lyrics == "[Verse 1: Ada & Bo]\nmine (yours)"
    assert [(s.kind, s.number, s.voices) for s in parsed.sections] == [("verse", 1, ("Ada", "Bo"))]


def test_page_keeps_junk_words() -> None:
    """Junk is whole lines in their places; a lyric may say the same words."""
    html = "You might also like my style<br>3 Contributors to the crime<br>I read more, Embed that<br>captcha rhymes"
    assert read(FIRST.format(html)).lyrics == html.replace("<br>", "\n")
