"""Look-up in misaki's US English dictionaries (Apache-2.0): gold was checked by people, silver by machine.

Slang and inflections are looked up elsewhere. misaki's code is not imported, because it imports spaCy; only its two
JSON files are read, at the first look-up in a process (about 0.1 s).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from rapray.errors import DependencyError
from rapray.text.pronunciation.arpabet import from_misaki

_Entry = str | dict[str, str | None]
_loading = threading.Lock()

# misaki has the form in isolation; in running speech these are weak or shorter, or the verb is meant.
_SPOKEN = {
    "a": ("AH0",),
    "the": ("DH", "AH0"),
    "live": ("L", "IH1", "V"),
    "real": ("R", "IY1", "L"),
    "every": ("EH1", "V", "R", "IY0"),
    "everything": ("EH1", "V", "R", "IY0", "TH", "IH2", "NG"),
}


def look_up(word: str) -> tuple[tuple[str, ...], str] | None:
    """Return the phones of a lower-case word and "gold" or "silver"; also finds names and acronyms."""
    if word in _SPOKEN:
        return _SPOKEN[word], "gold"
    name = word.capitalize()
    for origin, spelling in (
        ("gold", word),
        ("gold", name),
        ("silver", word),
        ("silver", name),
        ("gold", word.upper()),
    ):
        if code := _code(origin, spelling):
            return from_misaki(code), origin
    return None


def _code(origin: str, spelling: str) -> str | None:
    entry = _entries(origin).get(spelling)
    return entry.get("DEFAULT") if isinstance(entry, dict) else entry


def _entries(origin: str) -> Mapping[str, _Entry]:
    with _loading:  # two threads must not both read 6 MB
        return _read(origin)


@cache
def _read(origin: str) -> Mapping[str, _Entry]:
    spec = find_spec("misaki")
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError(reason="the package misaki, which holds the pronunciations, is not installed")
    path = Path(spec.submodule_search_locations[0]) / "data" / f"us_{origin}.json"
    return cast("dict[str, _Entry]", json.loads(path.read_text(encoding="utf-8")))
