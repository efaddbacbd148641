"""Ad-libs: the parts of a line in round brackets, which another voice throws in.

Knows no sections and no pronunciation. Brackets may nest, and a bracket that is never closed runs to the line's end.
"""

from __future__ import annotations

_OPEN, _CLOSED = frozenset("(（"), frozenset(")）")


def split_adlibs(line: str) -> tuple[str, tuple[str, ...]]:
    """The main text of a line and its ad-libs: "Get it (yeah) now (what?)" gives "Get it now", (yeah, what?)."""
    main: list[str] = []
    inside: list[str] = []
    adlibs: list[str] = []
    depth = 0
    for char in line:
        if char in _OPEN:
            depth += 1
        elif char in _CLOSED:
            depth = max(depth - 1, 0)
        else:
            (inside if depth else main).append(char)
            continue
        (inside if depth else main).append(" ")  # a bracket also parts words
        if depth == 0:
            adlibs.append(_tidy(inside))
            inside = []
    adlibs.append(_tidy(inside))
    return _tidy(main), tuple(filter(None, adlibs))


def is_adlib_line(line: str) -> bool:
    """True for a line that has words and has all of them in round brackets."""
    main, adlibs = split_adlibs(line)
    return bool(adlibs) and not any(map(str.isalnum, main))


def _tidy(chars: list[str]) -> str:
    return " ".join("".join(chars).split())
