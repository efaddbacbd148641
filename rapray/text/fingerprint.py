"""The content hash: equal for two lyrics with the same words in the same order, whatever their punctuation and headers.

A single additional word changes the hash; near duplicates are found elsewhere. The hash decides what is analysed
again, so a change to `normalized` makes every stored result due.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

from rapray.domain import Timing
from rapray.text.cleaning.characters import composed
from rapray.text.sections import split_sections, sung_lines
from rapray.text.tokens import MARKS, straighten

_WORDS = re.compile(rf"[^\W_{MARKS}][^\W_]*(?:[{MARKS}]+[^\W_]*)*")
_DIGEST_BYTES = 16


def normalized(lyrics: str) -> str:
    """Return the words of the sung lines with one blank between them, case and compatibility forms folded.

    Apostrophes vanish without a gap (don't, dont), all other punctuation separates words. The result is empty
    exactly if no sung line has a letter or digit.
    """
    sung = "\n".join(sung_lines(split_sections(composed(lyrics))))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", sung).casefold())
    return " ".join(_WORDS.findall(straighten(folded).replace("'", "")))


def content_hash(lyrics: str) -> str:
    """Hash a lyric: BLAKE2b-128 of `normalized(lyrics)` in UTF-8, as 32 hex digits."""
    return blake2b(normalized(lyrics).encode("utf-8"), digest_size=_DIGEST_BYTES).hexdigest()


def timed_hash(text_hash: str, timings: Sequence[Timing | None], duration_s: float | None) -> str:
    """Hash a text together with its times; without any time, return `text_hash` itself.

    So a result with times never stands in for a result without: neither in the cache nor in the collection, which
    only stores results with the track's own hash.
    """
    if not timings and duration_s is None:
        return text_hash
    parts = [text_hash, [timing and (timing.start, timing.end) for timing in timings], duration_s]
    return blake2b(json.dumps(parts).encode(), digest_size=_DIGEST_BYTES).hexdigest()
