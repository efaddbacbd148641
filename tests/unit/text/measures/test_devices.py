"""Similes, anaphora, epistrophe, onomatopoeia and names, with their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.measures.devices import Devices, devices
from rapray.text.reading import read


def _devices(*lines: str) -> Devices:
    return devices(read([Section("verse", None, "", (), lines)]))


@pytest.mark.parametrize(
    ("line", "quote"),
    [
        ("Your flow is like a bus route, it is slow", "like a bus route"),
        ("You're as useful as a screen door on a boat", "as useful as a screen door on a"),
        ("I'm colder than a landlord", "colder than a landlord"),
        ("She moves like water", "like water"),
    ],
)
def test_similes_have_exact_places(line: str, quote: str) -> None:
    """The quotation is a slice of the line."""
    result = _devices("Nothing here", line)
    assert [place["text"] for place in result["similes"]] == [quote]
    place = result["similes"][0]
    assert (place["section"], place["line"]) == (0, 1)
    assert line[place["start"] : place["end"]] == quote


@pytest.mark.parametrize(
    "line",
    [
        "I like a quiet street", "They don't like the rain", "It was, like, a mess", "Just like that", "I like water",
        "As soon as I can", "More than a feeling", "Rather than the rain", "As far as I know", "like",
    ],
)  # fmt: skip
def test_similes_ignore_other_uses(line: str) -> None:
    """The word "like" as a verb, filler or conjunction is no simile."""
    assert _devices(line)["similes"] == []


def test_anaphora_minimum_run_length() -> None:
    """Neighbouring lines form a run; its phrase is the words that they share."""
    assert _devices("I know the night", "I know the street", "Then morning")["anaphora"] == [
        {"section": 0, "first_line": 0, "last_line": 1, "phrase": "i know"}
    ]
    assert _devices("Who came", "Who went", "Who stays now")["anaphora"][0]["phrase"] == "who"
    assert _devices("Who came", "Who went")["anaphora_count"] == 0
    assert _devices("The cat", "The dog", "The end of it")["anaphora_count"] == 0  # an article is chance


def test_anaphora_ignores_repeated_lines() -> None:
    """Repeated lines are no anaphora."""
    assert _devices("I know the night", "I know the night")["anaphora_count"] == 0


def test_epistrophe_shared_line_endings() -> None:
    """Epistrophe works like anaphora, at the ends of lines."""
    assert _devices("We ride all night", "They sleep all night")["epistrophe"] == [
        {"section": 0, "first_line": 0, "last_line": 1, "phrase": "all night"}
    ]


def test_onomatopoeia_includes_inflections() -> None:
    """Inflected sound words count."""
    result = _devices("Boom goes the bass, the engine vroomed")
    assert [place["text"] for place in result["onomatopoeia"]] == ["Boom", "vroomed"]


def test_names_follow_capitals() -> None:
    """Neighbouring capitals are one name; line openings, days, I and words also written in lower case are none."""
    result = _devices(
        "Rolling with Mara Quill on a Tuesday",
        "Tell mama I said hi to Mama",
        "She said: Never go to Harlem's edge",
    )
    assert [name["name"] for name in result["names"]] == ["Harlem", "Mara Quill"]
    assert result["name_drop_count"] == 2


@pytest.mark.parametrize(
    "lines", [("EVERYBODY IN THE CLUB",), ("all of it small", "and more"), ("Every Word Is A Name Here",)]
)
def test_names_uninformative_capitals_unknown(lines: tuple[str, ...]) -> None:
    """If capitals do not mark names, the count is None and not zero."""
    assert _devices(*lines)["name_drop_count"] is None


def test_devices_non_english_text() -> None:
    """Similes, sound words and names are searched in English only."""
    result = devices(
        read([Section("verse", None, "", (), ("Boom like a Tag in Berlin", "x"))]), is_english=False
    )
    assert (result["simile_count"], result["onomatopoeia_count"], result["name_drop_count"]) == (0, 0, None)


def test_devices_limit_listed_places() -> None:
    """All places are counted, but only a hundred are listed."""
    result = _devices(*["Boom"] * 300)
    assert (result["onomatopoeia_count"], len(result["onomatopoeia"])) == (300, 100)


@given(st.lists(st.text(alphabet=st.sampled_from("likeas thanNy,()A '-"), max_size=60), max_size=6))
def test_devices_quote_exact_slices(lines: list[str]) -> None:
    """Every place lies in its line and covers the text that it quotes."""
    result = _devices(*lines)
    for place in [*result["similes"], *result["onomatopoeia"]]:
        assert lines[place["line"]][place["start"] : place["end"]] == place["text"] != ""
    for run in [*result["anaphora"], *result["epistrophe"]]:
        assert 0 <= run["first_line"] < run["last_line"] < len(lines)
