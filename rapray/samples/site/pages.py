"""The web half of the site: song pages, artists, the index for people, robots.txt.

Does not know HTTP; `routes` decides which page a request gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from rapray.samples.site.catalogue import Catalogue, ListedSong, Performer
from rapray.samples.site.faults import Fault
from rapray.samples.site.layouts import lyric_sheet, lyrics_part
from rapray.samples.site.markup import Marker
from rapray.samples.site.state import preloaded_state

_TOO_LONG_CHARS = 1_200_000
_OLDEST = 4
# The attribute occurs in a script of every page: whoever takes it with a text search takes this.
_SCRIPT = (
    "window.annotate = function () { return document.querySelectorAll('[data-lyrics-container=\"true\"]'); };"
    "window.blank = '<div data-lyrics-container=\"true\">This is a script, not a lyric<br></div>';"
)


def song_page(song: ListedSong, base_url: str) -> bytes:
    """The whole page of a song, encoded; wrongly where that is its fault."""
    stanzas = _stanzas(song)
    state = preloaded_state(song, _body_html(song, stanzas), base_url)
    body = f'<div id="application">{_song_header(song)}{lyrics_part(song, stanzas)}</div>'
    title = f"{song.author.name} – {song.sample.title} Lyrics | Genius Lyrics"
    head = f'<link rel="canonical" href="{base_url}{song.new_path}"><meta property="og:type" content="music.song">'
    scripts = f"<script>{_SCRIPT}</script><script>{state}</script>"
    page = _document(title, body + scripts, head).encode()
    return _in_latin_1(page) if song.fault is Fault.INVALID_UTF8 else page


def index_page(catalogue: Catalogue) -> bytes:
    """Every artist and song, for a person who wants to look around."""
    sections = "".join(
        f'<h2 id="{one.id}">{escape(one.name)}</h2>{_song_list(catalogue.songs_of(one.id))}'
        for one in sorted(catalogue.performers.values(), key=lambda one: one.id)
        if catalogue.songs_of(one.id)
    )
    intro = "<h1>rapray sample site</h1><p>Original songs by made-up artists, served the way Genius serves its own.</p>"
    return _document("rapray sample site", intro + sections).encode()


def artist_page(performer: Performer, songs: Iterable[ListedSong]) -> bytes:
    """One artist's songs."""
    return _document(
        f"{performer.name} | Genius", f"<h1>{escape(performer.name)}</h1>{_song_list(songs)}"
    ).encode()


def robots_txt(catalogue: Catalogue) -> bytes:
    """Songs are allowed, all but one; what no crawler needs is not."""
    closed = [song.path for song in catalogue.songs.values() if song.fault is Fault.DISALLOWED]
    # Closed paths first: some readers take the first rule that fits, others the longest.
    rules = [f"Disallow: {path}" for path in ("/captcha", *closed)]
    return "\n".join(["User-agent: *", *rules, "Allow: /", ""]).encode()


def _stanzas(song: ListedSong) -> list[str]:
    if song.fault is Fault.TOO_LONG:
        return [_telephone_book()]
    return Marker(song, "old" if song.sample.layout == _OLDEST else "new").stanzas()


def _body_html(song: ListedSong, stanzas: list[str]) -> str | None:
    """The lyrics in the state: absent in the oldest layout, which had none, and where they would double a megabyte."""
    if song.sample.layout == _OLDEST or song.fault is Fault.TOO_LONG:
        return None
    if song.fault is Fault.IMAGE_ONLY:
        return f"<p>{lyric_sheet(song)}</p>"
    return f"<p>{'<br><br>'.join(stanzas)}</p>".replace("<br>", "<br>\n") if stanzas else ""


def _telephone_book() -> str:
    line = "Number {0} on the boulevard, the bell is ringing {0} times"
    count = _TOO_LONG_CHARS // len(line)
    return "<br>".join(["[Verse 1]", *(line.format(number) for number in range(count))])


def _song_header(song: ListedSong) -> str:
    guests = " &amp; ".join(escape(guest.name) for guest in song.featured)
    featuring = f"<div>Featuring {guests}</div>" if guests else ""
    return (
        '<div class="SongHeader-desktop__Container-sc-1"><h1 class="SongHeader-desktop__Title-sc-1">'
        f'<span class="SongHeader-desktop__HiddenMask-sc-1">{escape(song.sample.title)}</span></h1>'
        f'<a href="{song.author.path}" class="StyledLink-sc-1">{escape(song.author.name)}</a>{featuring}</div>'
    )


def _song_list(songs: Iterable[ListedSong]) -> str:
    return f"<ul>{''.join(_song_entry(song) for song in songs)}</ul>"


def _song_entry(song: ListedSong) -> str:
    sample, fault = song.sample, f" <small>({song.fault})</small>" if song.fault else ""
    return (
        f'<li><a href="{song.path}">{escape(sample.title)}</a> {escape(sample.artist)}, '
        f"{sample.release_date.year}{fault}</li>"
    )


def _document(title: str, body: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{head}</head>\n'
        f"<body>{body}</body></html>\n"
    )


def _in_latin_1(page: bytes) -> bytes:
    for character in "äéï":
        page = page.replace(character.encode(), character.encode("latin-1"))
    return page
