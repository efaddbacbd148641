"""Ad-libs in round brackets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.adlibs import is_adlib_line, split_adlibs


@pytest.mark.parametrize(
    ("line", "main", "adlibs"),
    [
        ("Get it (yeah) now (what?)", "Get it now", ("yeah", "what?")),
        ("Get it (yeah (uh)) now", "Get it now", ("yeah uh",)),
        ("I run it (let's go", "I run it", ("let's go",)),
        ("odd) bracket", "odd bracket", ()),
        ("(skrrt) (skrrt)", "", ("skrrt", "skrrt")),
        ("full（呀）width", "full width", ("呀",)),
        ("nothing () here", "nothing here", ()),
        ("", "", ()),
    ],
)
def test_split_adlibs_parts_main_text_and_brackets(line: str, main: str, adlibs: tuple[str, ...]) -> None:
    """Nested, unclosed, stray and full-width brackets all come apart."""
    assert split_adlibs(line) == (main, adlibs)


@pytest.mark.parametrize(
    ("line", "expected"), [("(yeah) (uh)!", True), ("(yeah) no", False), ("", False), ("()", False)]
)
def test_is_adlib_line_wants_all_words_in_brackets(line: str, expected: bool) -> None:
    """Punctuation outside does not count, a word does."""
    assert is_adlib_line(line) is expected


@given(st.text(alphabet="ab( )", max_size=60))
def test_split_adlibs_loses_no_letter(line: str) -> None:
    """Main text and ad-libs together have all letters of the line."""
    main, adlibs = split_adlibs(line)
    letters = sorted(main.replace(" ", "") + "".join(adlibs).replace(" ", ""))
    assert letters == sorted(char for char in line if char in "ab")
