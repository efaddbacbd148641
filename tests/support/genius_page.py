"""Genius pages written by hand."""

from __future__ import annotations

import json
from typing import Any

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
