"""The conditions of `--where`."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.cli.where import parse
from rapray.errors import UsageError
from rapray.store.scope import NamedScope


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], NamedScope()),
        (["artist=Mara Quill", " language = en "], NamedScope(("Mara Quill",), languages=("en",))),
        (["artist=A", "artist=B = C, D"], NamedScope(("A", "B = C, D"))),
        (["year>=1999", "year<2005"], NamedScope(year_from=1999, year_to=2004)),
        (["year>1999"], NamedScope(year_from=2000)),
        (["year=2001"], NamedScope(year_from=2001, year_to=2001)),
        (
            ["year>=1990", "year>=1999", "year<=2010", "year<=2005"],
            NamedScope(year_from=1999, year_to=2005),
        ),
    ],
)
def test_where_conditions_become_filters(conditions: list[str], expected: NamedScope) -> None:
    """All conditions are combined; names may hold any character."""
    assert parse(conditions) == expected


@pytest.mark.parametrize(
    "conditions",
    [
        ["title=x"],
        ["artist"],
        ["artist="],
        ["artist>=A"],
        ["year=soon"],
        ["year>=20011"],
        ["year=-3"],
        ["language=english"],
        ["year>2005", "year<2003"],
        ["1=1; DROP TABLE tracks"],
    ],
)
def test_where_rejects_other_text(conditions: list[str]) -> None:
    """A condition that cannot be read is refused: it is neither guessed nor passed to the database."""
    with pytest.raises(UsageError, match="--where"):
        parse(conditions)


@given(st.text())
def test_where_accepts_any_text(text: str) -> None:
    """Any text is either parsed or refused, and an artist's name comes out as it went in."""
    with suppress(UsageError):
        parse([text])
    name = " ".join(text.split())
    if name:
        assert parse([f"artist={name}"]).artists == (name,)
