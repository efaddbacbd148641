"""The preloaded state: a JavaScript string that holds JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.sources.genius.state import find_state, unescape


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        (r"it\'s \"so\"", 'it\'s "so"'),
        (r"a\\nb", r"a\nb"),
        (r"\n\t\r\b\f\v\0", "\n\t\r\b\f\v\0"),
        (r"\x27\u2019\u{1f3a4}", "'\u2019🎤"),
        (r"\/\$\q", "/$q"),
        ("a\\\nb", "ab"),
        (r"\u{ffffff}", "\ufffd"),
        (r"\u12", "u12"),
        ("\\", "\\"),
    ],
)
def test_unescape_follows_the_language(literal: str, expected: str) -> None:
    """Each escape of ECMAScript's string literals; an unknown one is the character itself."""
    assert unescape(literal) == expected


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), _json, min_size=1, max_size=5), st.sampled_from("'\""))
def test_find_state_round_trips(state: dict[str, object], quote: str) -> None:
    """Whatever the state holds, quotes and backslashes included, comes out as it went in."""
    written = json.dumps(state).replace("\\", "\\\\").replace(quote, "\\" + quote)
    script = f"var a = 'x'; window.__PRELOADED_STATE__ = JSON.parse({quote}{written}{quote}); b('y');"
    assert find_state(script) == state


@pytest.mark.parametrize(
    "script",
    [
        "window.__PRELOADED_STATE__",
        "window.__PRELOADED_STATE__ = JSON.parse('",
        "window.__PRELOADED_STATE__ = JSON.parse('{\"a\": 1')",
        "window.__PRELOADED_STATE__ = JSON.parse('[1]')",
        'window.__PRELOADED_STATE__ = JSON.parse(\'{"a": ' + "[" * 100_000 + "')",
        'window.__PRELOADED_STATE__ = JSON.parse(\'{"a": ' + "9" * 100_000 + "}')",
        "window.__PRELOADED_STATE__ = alert(1)",
    ],
)
def test_find_state_unreadable_none(script: str) -> None:
    """Broken, endless or deeply nested states are no state, and nothing is ever run."""
    assert find_state(script) is None


def test_find_state_object_literal() -> None:
    """Some pages assign the object itself."""
    assert find_state('window.__PRELOADED_STATE__ = {"songPage": {"song": 1}}; x()') == {
        "songPage": {"song": 1}
    }


def test_find_state_earlier_mention() -> None:
    """The name may be compared or cleared before it is set."""
    script = "__PRELOADED_STATE__ = '';if(window.__PRELOADED_STATE__ == 1){} __PRELOADED_STATE__ = JSON.parse('{\"a\":1}')"
    assert find_state(script) == {"a": 1}
