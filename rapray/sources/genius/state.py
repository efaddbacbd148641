r"""Finds the state that a page carries in a script: `window.__PRELOADED_STATE__ = JSON.parse('…')`.

Does not know what the state means. The literal is unescaped by the rules of ECMAScript, then read as JSON; nothing
is ever evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from rapray.sources.genius.fields import mapping

_ASSIGNMENT = re.compile(r"__PRELOADED_STATE__\s*=\s*(?:JSON\s*\.\s*parse\s*\(\s*)?(?=['\"{])")
# A page has one; each is read to its end, and a hostile page must not make that a million times.
_MAX_ASSIGNMENTS = 8
# Possessive: the literal has millions of characters and must not leave a place to come back to at each of them.
_LITERALS = {
    "'": re.compile(r"'((?:[^'\\\r\n]++|\\(?:\r\n|[\s\S]))*+)'"),
    '"': re.compile(r'"((?:[^"\\\r\n]++|\\(?:\r\n|[\s\S]))*+)"'),
}
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_SINGLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_CONTINUATIONS = frozenset({"\n", "\r", "\r\n", "\u2028", "\u2029"})


def find_state(script: str) -> Mapping[str, Any] | None:
    """The state that the script assigns, None where it assigns none that can be read."""
    for assignment in islice(_ASSIGNMENT.finditer(script), _MAX_ASSIGNMENTS):
        text = _json_text(script, assignment.end())
        state = _read(text) if text is not None else None
        if state:
            return state
    return None


def unescape(literal: str) -> str:
    r"""The value of the inside of a JavaScript string literal: `\'`, `\\`, `\n`, `\x27`, `\u2019`, `\u{1f3a4}` …"""
    return _ESCAPE.sub(_unescaped, literal)


def _json_text(script: str, at: int) -> str | None:
    if script[at] == "{":
        return script[at:]
    literal = _LITERALS[script[at]].match(script, at)
    return unescape(literal[1]) if literal else None


def _read(text: str) -> Mapping[str, Any]:
    """The object at the start of the text; empty where it is not JSON, or nested beyond what the reader takes."""
    try:
        return mapping(json.JSONDecoder().raw_decode(text.lstrip())[0])
    except (ValueError, RecursionError):
        return {}


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    if code:
        point = int(code, 16)
        return chr(point) if point <= 0x10FFFF else "\ufffd"
    character = escape[4]
    return "" if character in _CONTINUATIONS else _SINGLE.get(character, character)
