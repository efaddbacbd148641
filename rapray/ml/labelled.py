"""Reads labelled sentences: sentence, comma-separated label ids, id, split by tabs, one a line.

Knows no model. A label id is a line of `labels.txt` beside the file, counted from 0; without that file it is one
of Ekman's six and neutral, in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rapray.errors import UsageError

EKMAN = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """n sentences with their labels: `targets` (n, labels) is 1 where a label applies."""

    labels: tuple[str, ...]
    texts: list[str]
    targets: NDArray[np.float32]

    def pick(self, rows: NDArray[np.int64]) -> Labelled:
        """Some of the sentences."""
        return Labelled(self.labels, [self.texts[row] for row in rows], self.targets[rows])


def read_labelled(path: Path) -> Labelled:
    """The sentences of a file.

    Raises:
        UsageError: it cannot be read, or a line has another form.
    """
    labels = _labels(path.parent / "labels.txt")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeError) as error:
        raise UsageError(reason=f"{path} cannot be read: {error}") from error
    texts: list[str] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            text, ids = _parsed(line, labels, f"{path}:{number}")
            texts.append(text)
            rows.append([float(place in ids) for place in range(len(labels))])
    if not texts:
        raise UsageError(reason=f"{path} has no sentence")
    return Labelled(labels, texts, np.array(rows, np.float32))


def _labels(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return EKMAN
    return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def _parsed(line: str, labels: Sequence[str], place: str) -> tuple[str, set[int]]:
    columns = line.rstrip("\r").split("\t")
    if len(columns) < 2:
        raise UsageError(reason=f"{place}: a sentence and its label ids, split by a tab, were expected")
    try:
        ids = {int(part) for part in columns[1].split(",")}
    except ValueError as error:
        raise UsageError(reason=f"{place}: label ids are numbers, not {columns[1]!r}") from error
    if not ids <= set(range(len(labels))):
        raise UsageError(reason=f"{place}: labels are 0 to {len(labels) - 1}, not {columns[1]}")
    return columns[0], ids
