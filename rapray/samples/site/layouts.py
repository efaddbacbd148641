"""The lyrics part of a page in each of the five layouts that Genius has used, and the two places without lyrics.

Does not know the rest of the page. Each function takes the stanzas of a song as HTML and returns the markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rapray.samples.site.catalogue import ListedSong
from rapray.samples.site.faults import Fault

_ROOT = '<div id="lyrics-root" class="PageGrid-desktop__Inner-sc-1 Lyrics__Root-sc-68a46031-0 bYbVOH">'
_CONTAINER = '<div data-lyrics-container="true" class="Lyrics__Container-sc-68a46031-1 eEQNmh">'
_OLDER_CONTAINER = '<div class="Lyrics__Container-sc-1ynbvzw-6 YYrds">'
_STANZAS_A_CONTAINER = 2
_MESSAGES = {
    "instrumental": "This song is an instrumental",
    "unreleased": "Lyrics for this song have yet to be released. Please check back once the song has been released.",
}


def lyrics_part(song: ListedSong, stanzas: Sequence[str]) -> str:
    """The markup of the lyrics, in the song's layout; a placeholder where the page says why there are none."""
    if song.placeholder:
        return _placeholder(song.placeholder)
    if song.fault is Fault.IMAGE_ONLY:
        return f"{_ROOT}{_CONTAINER}{_header(song)}{lyric_sheet(song)}</div></div>"
    draw = {1: _layout_2025, 2: _layout_2022, 3: _layout_2020, 4: _oldest, 5: _in_the_state_only}
    return draw[song.sample.layout](song, stanzas)


def lyric_sheet(song: ListedSong) -> str:
    """A picture where the words should be."""
    return f'<img src="/images/{song.sample.id}-sheet.png" alt="" width="592" height="840"><br>'


def _layout_2025(song: ListedSong, stanzas: Sequence[str]) -> str:
    """Layout 1: the header sits inside the first container, excluded; other things between and inside containers."""
    first, *others = _containers(stanzas) or [""]
    parts = [f"{_CONTAINER}{_header(song)}{first}</div>"]
    for place, inner in enumerate(others):
        parts.append(_advert(song) if place % 2 == 0 else f"{_CONTAINER}</div>")
        parts.append(f"{_CONTAINER}{_excluded_advert(song) if place == 1 else ''}{inner}</div>")
    return f"{_ROOT}{''.join(parts)}</div>{_footer(song)}"


def _layout_2022(song: ListedSong, stanzas: Sequence[str]) -> str:
    """Layout 2: containers with the attribute, the header beside them and nothing marked as excluded."""
    inners = _containers(stanzas)
    if song.fault is Fault.JUNK:
        inners = _with_junk_inside(song, inners)
    parts = [f"{_CONTAINER}{inner}</div>" for inner in inners]
    header = _header(song).replace(' data-exclude-from-selection="true"', "")
    return f"{_ROOT}{header}{_advert(song).join(parts)}{_footer(song)}</div>"


def _layout_2020(song: ListedSong, stanzas: Sequence[str]) -> str:
    """Layout 3: containers known by their class alone; two classes that begin like it hold no lyric."""
    parts = [f"{_OLDER_CONTAINER}{inner}</div>" for inner in _containers(stanzas)]
    footer = f'<div class="Lyrics__Footer-sc-1ynbvzw-3 jYfhrf">{_footer(song)}</div>'
    title = f'<div class="Lyrics__Title-sc-1ynbvzw-0 hLLkLg">{escape(song.sample.title)} Lyrics</div>'
    root = '<div class="SongPageGriddesktop__TwoColumn-sc-1 Lyrics__Root-sc-1ynbvzw-1 fQBQtT">'
    return f"{root}{title}{_advert(song).join(parts)}{footer}</div>"


def _oldest(song: ListedSong, stanzas: Sequence[str]) -> str:
    """Layout 4: one `div.lyrics` with line feeds after each `<br>`, as the server wrote them in 2015."""
    text = "<br>\n<br>\n".join(stanzas)
    return (
        f'<song-body><div class="song_body-lyrics"><h2 class="text_label">{escape(song.sample.title)} Lyrics</h2>\n'
        f'<div initial-content-for="lyrics">\n  <div class="lyrics">\n    <!--sse-->\n    <p>{text}</p>\n'
        f"    <!--/sse-->\n  </div>\n</div>\n{_footer(song)}</div></song-body>"
    )


def _in_the_state_only(song: ListedSong, _: Sequence[str]) -> str:
    """Layout 5: the containers are empty or not there; a browser would fill them from the preloaded state."""
    if song.sample.id % 2:
        return f'{_ROOT}<div class="Lyrics__Skeleton-sc-68a46031-9"></div></div>{_footer(song)}'
    return f"{_ROOT}{_CONTAINER}{_header(song)}</div>{_advert(song)}{_CONTAINER}</div></div>{_footer(song)}"


def _containers(stanzas: Sequence[str]) -> list[str]:
    """What each container holds: it ends with one `<br>`, and the gap is that plus the boundary."""
    size = _STANZAS_A_CONTAINER
    groups = [stanzas[start : start + size] for start in range(0, len(stanzas), size)]
    return ["<br><br>".join(group) + "<br>" for group in groups]


def _with_junk_inside(song: ListedSong, inners: Sequence[str]) -> list[str]:
    first, *middle, last = inners
    title = escape(song.sample.title)
    return [
        f"3 Contributors<br>{title} Lyrics<br>{first}",
        *middle,
        f"You might also like<br>{last}12Embed",
    ]


def _header(song: ListedSong) -> str:
    """Contributors, translations, title and the beginning of the biography."""
    title, number = escape(song.sample.title), 3 + song.sample.id % 40
    languages = "".join(f'<li><a href="/x-{name}">{name}</a></li>' for name in ("Español", "Français"))
    return (
        '<div data-exclude-from-selection="true" class="LyricsHeader__Container-sc-5e4b7146-1 hFsUgC">'
        f'<button class="ContributorsCreditSong__Label-sc-1">{number} Contributors</button>'
        f'<div class="Dropdown__Container-sc-1">Translations<ul>{languages}</ul></div>'
        f'<h2 class="LyricsHeader__Title-sc-5e4b7146-7 hXGGKU">{title} Lyrics</h2>'
        f'<div class="SongBioPreview__Container-sc-1"><p>“{title}” is a song of the sample corpus by '
        f'{escape(song.author.name)}, written to be found… </p><a href="#about"><span>Read More</span></a>&nbsp;'
        "</div></div>"
    )


def _advert(song: ListedSong) -> str:
    """What stands between two containers and is no lyric."""
    name = escape(song.author.name)
    return (
        '<div class="RightSidebar__Container-sc-1"><div class="InreadContainer__Container-sc-1 cujBpY">'
        f'<div class="Tickets__Root-sc-1"><div>See {name} Live</div><a>Get tickets as low as $35</a></div>'
        '<div class="RecommendedSongs__Title-sc-1">You might also like</div>'
        f"<div>Another Song</div><div>{name}</div></div></div>"
    )


def _excluded_advert(song: ListedSong) -> str:
    return f'<div data-exclude-from-selection="true">{_advert(song)}</div>'


def _footer(song: ListedSong) -> str:
    number = song.sample.id % 400
    return (
        '<div class="LyricsEditdesktop__Footer-sc-1"><div class="ShareButtons__Root-sc-1">'
        f"<button><span>{number}</span></button><button>Embed</button></div></div>"
    )


def _placeholder(reason: str) -> str:
    return (
        f'{_ROOT}<div class="LyricsPlaceholder__Container-sc-1"><div class="LyricsPlaceholder__Message-sc-1">'
        f"{_MESSAGES[reason]}</div></div></div>"
    )
