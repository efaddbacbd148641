"""Finds the lyrics in a page, whichever of the layouts it has, and writes them out as lines.

Does not know titles or outcomes, and does not clean: `rapray.text.cleaning.lyrics` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from bs4.filter import SoupStrainer

_BLANKS = re.compile(r"[ \t\r\n\f]+")
_SILENT = frozenset({"script", "style", "noscript", "template", "head", "title", "iframe", "svg", "button"})
_HEAD = frozenset({"meta", "title", "h1", "link", "script"})


@dataclass(frozen=True, slots=True)
class Printed:
    """Lyrics as a page prints them. `layout` is where they stood; `has_image` is True where a picture stands there."""

    text: str
    layout: str
    has_image: bool = False


class SongElements(SoupStrainer):
    """Keeps the elements that a song page is read from, with all that is in them; the rest never becomes a tree."""

    def allow_tag_creation(self, nsprefix: str | None, name: str, attrs: Mapping[str, str] | None) -> bool:
        """Called for each element outside of a kept one."""
        return name in _HEAD or _layout(name, attrs or {}) is not None or _is_placeholder(attrs or {})

    def allow_string_creation(self, string: str) -> bool:
        """Text outside of the kept elements is nobody's."""
        return False


def printed_lyrics(soup: BeautifulSoup, state_html: str | None) -> Printed | None:
    """The lyrics from the newest layout that the page has them in, None where it has no place for lyrics.

    The places are tried in the order of their making, newest first: `data-lyrics-container`, the class
    `Lyrics__Container`, `div.lyrics`, the preloaded state. One that is there but blank counts only if no other has
    words, so that a placeholder does not hide the text that the state holds.
    """
    found = [printed for layout in ("container", "class", "oldest") if (printed := _in_page(soup, layout))]
    if state_html:
        document = BeautifulSoup(state_html, "lxml")
        found.append(Printed(written_lines(document), "state", _has_image([document])))
    return next((printed for printed in found if printed.text), None) or _with_image(found)


def placeholder_message(soup: BeautifulSoup) -> str:
    """What the page says where the lyrics would stand, e.g. "This song is an instrumental"; "" where nothing."""
    messages = soup.find_all(lambda tag: _is_placeholder(_attributes(tag)))
    return " ".join(written_lines(message) for message in messages)[:1000]


def written_lines(element: Tag) -> str:
    """The text of an element: `<br>` is the only line break, each further `<p>` opens a stanza, the rest is inline."""
    return _stripped(_run(element))


def _run(element: Tag) -> str:
    """Walks with a list of its own: a page nested thousands deep must not end in a RecursionError."""
    pieces: list[str] = []
    walk = [iter(element.children)]
    while walk:
        node = next(walk[-1], None)
        if node is None:
            walk.pop()
        elif isinstance(node, Tag):
            if not _is_silent(node):
                pieces.append(_break_before(node, bool(pieces)))
                walk.append(iter(node.children))
        elif type(node) is NavigableString:  # comments, scripts and CDATA are subclasses
            pieces.append(_BLANKS.sub(" ", node))
    return "".join(pieces)


def _stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n")).strip()


def _in_page(soup: BeautifulSoup, layout: str) -> Printed | None:
    def is_container(tag: Tag) -> bool:
        return _layout(tag.name, _attributes(tag)) == layout

    containers = [tag for tag in soup.find_all(is_container) if tag.find_parent(is_container) is None]
    if not containers:
        return None
    return Printed(_joined(containers), layout, _has_image(containers))


def _joined(containers: Iterable[Tag]) -> str:
    """A container ends with a `<br>` where a stanza ends: that and this newline are the empty line between them."""
    return _stripped("\n".join(text for container in containers if (text := _run(container)).strip()))


def _break_before(tag: Tag, has_text: bool) -> str:
    if tag.name == "br":
        return "\n"
    return "\n\n" if tag.name == "p" and has_text else ""


def _is_silent(tag: Tag) -> bool:
    attributes = _attributes(tag)
    return (
        tag.name in _SILENT
        or attributes.get("data-exclude-from-selection") == "true"
        or _is_placeholder(attributes)
    )


def _has_image(elements: Iterable[Tag]) -> bool:
    return any(
        image.find_parent(attrs={"data-exclude-from-selection": "true"}) is None
        for element in elements
        for image in element.find_all("img")
    )


def _with_image(found: list[Printed]) -> Printed | None:
    return next((printed for printed in found if printed.has_image), found[0] if found else None)


def _layout(name: str, attrs: Mapping[str, object]) -> str | None:
    if attrs.get("data-lyrics-container") == "true":
        return "container"
    if name != "div":
        return None
    classes = _classes(attrs)
    if any(token.startswith("Lyrics__Container") for token in classes):
        return "class"
    return "oldest" if "lyrics" in classes else None


def _is_placeholder(attrs: Mapping[str, object]) -> bool:
    return any(token.startswith("LyricsPlaceholder") for token in _classes(attrs))


def _classes(attrs: Mapping[str, object]) -> list[str]:
    """While the page is read `class` is one text, afterwards a list."""
    value = attrs.get("class")
    return (
        value.split()
        if isinstance(value, str)
        else [str(token) for token in cast("list[object]", value or [])]
    )


def _attributes(tag: Tag) -> Mapping[str, object]:
    return cast("Mapping[str, object]", tag.attrs)
