"""How many of the internal rhymes found are chance? The sample songs beside the same songs with words shuffled.

    python -m benchmarks.rhymes [--json]

Each line keeps its last word, the others are shuffled within the song. Words that were chosen to rhyme still meet by
chance then, so the ratio is an upper bound of the share of error.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from rapray.domain import Section
from rapray.samples.corpus import songs
from rapray.text.rhyme import find_rhymes
from rapray.text.sections import split_sections


def _shuffled(sections: tuple[Section, ...], seed: int) -> list[Section]:
    words = [word for section in sections for line in section.lines for word in line.split()[:-1]]
    random.Random(seed).shuffle(words)
    source: Iterator[str] = iter(words)
    return [
        replace(section, lines=tuple(_refilled(line, source) for line in section.lines))
        for section in sections
    ]


def _refilled(line: str, source: Iterator[str]) -> str:
    *before, last = line.split()
    return " ".join([*(next(source) for _ in before), last])


def _places(sections: list[Section]) -> Counter[str]:
    return Counter(
        f"{member.kind} {chain.grade} {'multi' if member.syllables > 1 else 'single'}"
        for chain in find_rhymes(sections).chains
        for member in chain.members
    )


def main() -> None:
    """Count and print a table, or one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    real, control = Counter[str](), Counter[str]()
    for song in songs():
        sections = split_sections(song.lyrics)
        real += _places(list(sections))
        control += _places(_shuffled(sections, song.id))
    if options.json:
        print(json.dumps({"benchmark": "rhymes", "found": real, "shuffled": control}))
        return
    print(f"{'place':28} {'found':>6} {'shuffled':>9} {'ratio':>6}")
    for name in sorted(real):
        print(f"{name:28} {real[name]:6} {control[name]:9} {control[name] / real[name]:6.2f}")


if __name__ == "__main__":
    main()
