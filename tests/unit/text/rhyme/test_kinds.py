"""Rhymes by grade, length and place, on verses rhymed by hand."""

from __future__ import annotations

from rapray.domain import Section
from rapray.text.reading import Reading, read
from rapray.text.rhyme import Chain, Member, RhymeMap, rhymes_of
from rapray.text.rhyme.kinds import Rhymes, count_rhymes

LINES = ("one two three four five six", "one two three four five six", "one two three four five six")


def _reading(*lines: str) -> Reading:
    return read([Section("verse", None, "", (), lines)])


def _counted(*lines: str) -> Rhymes:
    reading = _reading(*lines)
    return count_rhymes(rhymes_of(reading), reading)


def _chain(label: str, *places: tuple[int, int, str]) -> Chain:
    members = tuple(Member(0, line, word, word, 0, 1, 1, kind) for line, word, kind in places)
    return Chain(label, "internal", "perfect", 1, members)


def _kinds(*chains: Chain) -> dict[str, int]:
    kinds = count_rhymes(RhymeMap(chains, (), 0, 0), _reading(*LINES)).kinds
    return {name: count for name, count in kinds.items() if count}  # type: ignore[misc]


def test_kinds_of_rhyme_pairs() -> None:
    """End with end; inside one line; an end with the first half of the next line, or the second; inside two lines."""
    assert _kinds(_chain("A", (0, 5, "end"), (1, 5, "end"))) == {"end": 1}
    assert _kinds(_chain("A", (0, 1, "internal"), (0, 4, "internal"))) == {"internal": 1}
    assert _kinds(_chain("A", (0, 5, "end"), (1, 0, "internal"))) == {"link": 1}
    assert _kinds(_chain("A", (0, 5, "end"), (1, 4, "internal"))) == {"other": 1}
    assert _kinds(_chain("A", (0, 2, "internal"), (1, 2, "internal"))) == {"bridge": 1}
    assert _kinds(_chain("A", (0, 2, "internal"), (2, 2, "internal"))) == {"other": 1}


def test_kinds_compound_rhymes() -> None:
    """A B A B in one line; A A B B and A B B A are not."""
    a = _chain("A", (0, 0, "internal"), (0, 3, "internal"))
    assert _kinds(a, _chain("B", (0, 1, "internal"), (0, 4, "internal")))["compound"] == 1
    assert "compound" not in _kinds(a, _chain("B", (0, 1, "internal"), (0, 2, "internal")))
    assert "compound" not in _kinds(a, _chain("B", (0, 4, "internal"), (0, 5, "end")))


def test_kinds_chained_rhymes() -> None:
    """Three in a row with at most one word between count; a place further off does not."""
    run = _chain("A", (0, 0, "internal"), (0, 1, "internal"), (0, 3, "internal"), (1, 5, "end"))
    assert _kinds(run)["chained"] == 3


def test_count_rhymes_perfect_couplet() -> None:
    """Light, night: one rhyme of two places."""
    counted = _counted("I see the light", "into the night")
    assert counted.grades == {"perfect": 1, "family": 0, "assonant": 0}
    assert counted.lengths["one"] == 2
    assert (counted.total, counted.kinds["end"]) == (1, 1)


def test_count_rhymes_by_length() -> None:
    """Elevator, generator … nation, station have two and more syllables."""
    counted = _counted("All over the nation", "We wait at the station")
    assert (counted.lengths["one"], counted.lengths["two"]) == (0, 2)
