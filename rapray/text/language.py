"""The language of a lyric, by py3langid's character statistics (97 languages, BSD licence).

Of a long text only eight slices are read, 4,000 characters together: more text did not change the answer. The model
is loaded at the first call in a process and only read afterwards, so threads may share it.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from rapray.text.sections import is_bracketed

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_FEWEST_LETTERS = 20  # below that "na na na" is any language
_LEAST_PROBABILITY = 0.4  # one line of thick slang reaches 0.49, forty times the same noise 0.24
_SLICES, _SLICE_LENGTH = 8, 500
_ISO_639_1_LENGTH = 2

_loading = threading.Lock()


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a lyric's main language; None below 20 letters or if no language stands out."""
    sample = _sample("\n".join(line for line in text.split("\n") if not is_bracketed(line)))
    if sum(map(str.isalpha, sample)) < _FEWEST_LETTERS:
        return None
    language, probability = _identifier().classify(sample)
    return language if probability >= _LEAST_PROBABILITY and len(language) == _ISO_639_1_LENGTH else None


def _sample(text: str) -> str:
    if len(text) <= _SLICES * _SLICE_LENGTH:
        return text
    step = (len(text) - _SLICE_LENGTH) // (_SLICES - 1)
    return "\n".join(text[number * step : number * step + _SLICE_LENGTH] for number in range(_SLICES))


def _identifier() -> LanguageIdentifier:
    with _loading:
        return _load()


@cache
def _load() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
