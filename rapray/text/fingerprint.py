"""The content hash: equal for two lyrics with the same words in the same order, whatever their punctuation and headers.

Knows no near duplicates: one word more and the hash is another. It decides what is analysed again, so a change to
`normalized` makes every stored result due.
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
    """The words of a lyric, one blank between them: sung lines only, compatibility forms and case folded, no marks.

    Apostrophes vanish without a gap (don't, dont), all other punctuation separates. Empty exactly where no line that
    is sung has a letter or digit.
    """
    sung = "\n".join(sung_lines(split_sections(composed(lyrics))))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", sung).casefold())
    return " ".join(_WORDS.findall(straighten(folded).replace("'", "")))


def content_hash(lyrics: str) -> str:
    """32 hex digits: BLAKE2b-128 of `normalized(lyrics)` in UTF-8."""
    return blake2b(normalized(lyrics).encode("utf-8"), digest_size=_DIGEST_BYTES).hexdigest()


def timed_hash(text_hash: str, timings: Sequence[Timing | None], duration_s: float | None) -> str:
    """The hash of a text with what is known of its time; `text_hash` itself where nothing is.

    Results of the two are never taken for one another: neither in a cache nor in the collection, where only a result
    with the track's own hash is written.
    """
    if not timings and duration_s is None:
        return text_hash
    known = [text_hash, [timing and (timing.start, timing.end) for timing in timings], duration_s]
    return blake2b(json.dumps(known).encode(), digest_size=_DIGEST_BYTES).hexdigest()
