"""Turning records into what PostgreSQL can hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.store.ledger import batch_id
from rapray.store.pool import address_of
from rapray.store.values import marks_of, normalize_name, sections_of, to_json
from rapray.text.sections import split_sections

texts = st.text(st.characters(exclude_categories=()))
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(plain_json)
def test_to_json_removes_nul(value: object) -> None:
    """Also where a string holds the characters backslash, u, 0, 0, 0, 0."""
    encoded = json.dumps(to_json([value, "\\u0000"]), ensure_ascii=False)
    encoded.encode("utf-8")
    assert json.loads(encoded)[1] == "\\u0000"
    assert "\x00" not in "".join(json.loads(encoded)[1])


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, {"a": object()}])
def test_to_json_rejects_nan(value: object) -> None:
    """NaN in jsonb would fail the whole batch, later and with less to say."""
    with pytest.raises((ValueError, TypeError)):
        to_json(value)


LINES = st.sampled_from(
    [
        "",
        " ",
        "one",
        " two ",
        "[Verse 2: A & B]",
        "[Hook] three",
        "[laughs]",
        "(x2)",
        "(Hook) A",
        "Verse 1:",
        "[Skit",
        "a: b",
    ]
)


@given(st.lists(LINES, max_size=20).map("\n".join))
def test_sections_round_trip_marks(lyrics: str) -> None:
    """Their lines come back from the lyric, wherever headers and directions stand; no line is stored with them."""
    sections = split_sections(lyrics)
    marks = marks_of(lyrics, sections)
    assert sections_of(lyrics, json.loads(json.dumps(marks))) == sections
    assert {name for mark in marks for name in mark} <= {
        "kind",
        "number",
        "label",
        "voices",
        "first_line",
        "line_count",
    }


def test_sections_of_source_kept() -> None:
    """A source may divide a lyric in its own way; lines that are not in the lyric are not stored."""
    own = (Section("bridge", 2, "[B]", ("A",), ("one",)), Section("verse", None, "", (), ("two", "three")))
    lyrics = "one\ntwo\n\nthree"
    assert sections_of(lyrics, marks_of(lyrics, own)) == own
    assert sections_of(lyrics, marks_of(lyrics, own[:1])) == split_sections(lyrics)


@pytest.mark.parametrize(
    ("name", "normalized"),
    [
        ("Beyoncé", "beyonce"),
        ("JAY-Z", "jay z"),
        ("  A$AP   Rocky ", "a$ap rocky"),
        ("N.W.A", "nwa"),
        ("!!!", "!!!"),
        ("Straße", "strasse"),
    ],
)
def test_normalize_name_joins_spellings(name: str, normalized: str) -> None:
    """Case, accents, dots and hyphens do not keep a name from being found."""
    assert normalize_name(name) == normalized


@given(texts)
def test_normalize_name_is_idempotent(name: str) -> None:
    """A normalised name is its own normal form."""
    once = normalize_name(name)
    assert normalize_name(once) == once


@given(st.lists(st.text(), min_size=1))
def test_batch_id_ignores_order(keys: list[str]) -> None:
    """The same batch read in another order is the same batch; ("ab", "c") is not ("a", "bc")."""
    assert batch_id(keys) == batch_id(reversed(keys))
    assert batch_id([*keys, "ab", "c"]) != batch_id([*keys, "a", "bc"])


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:s3cret@db.example:6000/rap", "host=db.example port=6000 dbname=rap password=s3cret"],
)
def test_address_of_hides_password(url: str) -> None:
    """Both forms of an address."""
    assert address_of(url) == "db.example:6000/rap"
