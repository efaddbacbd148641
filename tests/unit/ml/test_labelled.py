"""Reading labelled sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rapray.errors import UsageError
from rapray.ml.labelled import EKMAN, read_labelled


def test_read_labelled_several_labels(tmp_path: Path) -> None:
    """Every id of a line is a target; an id column is not needed; quotes are text."""
    file = tmp_path / "some.tsv"
    file.write_text('She said "no"\t0,5\tid1\nfine\t4\n\n', encoding="utf-8")
    found = read_labelled(file)
    assert found.labels == EKMAN
    assert found.texts == ['She said "no"', "fine"]
    np.testing.assert_array_equal(found.targets, [[1, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 0, 0]])


def test_read_labelled_labels_file(tmp_path: Path) -> None:
    """`labels.txt` in the same folder names the ids."""
    (tmp_path / "labels.txt").write_text("calm\nhype")
    (tmp_path / "some.tsv").write_text("go\t1\n")
    found = read_labelled(tmp_path / "some.tsv")
    assert found.labels == ("calm", "hype")
    np.testing.assert_array_equal(found.targets, [[0, 1]])


@pytest.mark.parametrize(
    ("body", "reason"),
    [("no tab", ":1:"), ("a\t1\nb\tx", ":2:"), ("a\t7", "0 to 6"), ("\n", "no sentence")],
    ids=["no-tab", "no-number", "no-such-label", "empty"],
)
def test_read_labelled_bad_line(tmp_path: Path, body: str, reason: str) -> None:
    """A line of another form stops with its number."""
    file = tmp_path / "bad.tsv"
    file.write_text(body, encoding="utf-8")
    with pytest.raises(UsageError, match=reason):
        read_labelled(file)


def test_read_labelled_missing_file(tmp_path: Path) -> None:
    """So is a file that is not there."""
    with pytest.raises(UsageError, match=r"absent\.tsv"):
        read_labelled(tmp_path / "absent.tsv")
