"""Which pieces of a lyric get a vector, and the vectors of many lyrics at once.

Does not know the model behind an embedder, nor where vectors are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from rapray.domain import Failure, Lyric, LyricVectors, ModelInfo, Passage, embed_stage
from rapray.embeddings.base import Embedder, Vectors
from rapray.embeddings.pooling import pool
from rapray.embeddings.windows import Window, windows
from rapray.errors import EmbeddingFailed, EmptyLyrics, InvalidLyrics, RaprayError

WHOLE_TRACK = 0
FEWEST_WORDS = 5


def passages(lyric: Lyric) -> tuple[Passage, ...]:
    """Passage 0, the title and every sung line; then each section under its position from 1, without its header.

    A section without a letter or digit gets none; the others keep their numbers.
    """
    sections = [
        Passage(position, "\n".join(section.lines))
        for position, section in enumerate(lyric.sections, start=1)
    ]
    sections = [section for section in sections if _has_words(section.text)]
    body = [section.text for section in sections] if lyric.sections else [lyric.lyrics]
    whole = "\n\n".join(text for text in [lyric.title, *body] if text.strip())
    return (Passage(WHOLE_TRACK, whole), *sections)


def embed_lyrics(embedder: Embedder, lyrics: Sequence[Lyric]) -> list[LyricVectors | Failure]:
    """Vectors of each lyric's passages, or why there are none, in the order of `lyrics`.

    Sections of fewer than `FEWEST_WORDS` words have no vector of their own. A track that fits the window is embedded
    as it is. A longer one gets the mean of its windows (title, sections, parts of long sections) weighted by tokens;
    these are the windows of its sections, so no text runs twice.
    """
    try:
        return _embed(embedder, lyrics)
    except Exception as error:  # noqa: BLE001 (whatever one text caused becomes that text's failure, found one by one)
        if len(lyrics) > 1:
            return [result for lyric in lyrics for result in embed_lyrics(embedder, [lyric])]
        return [_failure(embedder.model, lyric, error) for lyric in lyrics]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The windows whose pool is each passage's vector."""

    lyric: Lyric
    windows_of: dict[int, list[Window]]


def _embed(embedder: Embedder, lyrics: Sequence[Lyric]) -> list[LyricVectors | Failure]:
    plans = [_plan(embedder, lyric) for lyric in lyrics]
    # A hook that comes back is one window, however often it is sung.
    texts = dict.fromkeys(
        window.text
        for plan in plans
        if isinstance(plan, _Plan)
        for parts in plan.windows_of.values()
        for window in parts
    )
    vectors = embedder.encode(list(texts))
    row_of = {text: row for row, text in enumerate(texts)}
    return [
        plan if isinstance(plan, Failure) else _vectors(embedder.model, plan, vectors, row_of)
        for plan in plans
    ]


def _plan(embedder: Embedder, lyric: Lyric) -> _Plan | Failure:
    whole, *sections = passages(lyric)
    if not (sections or (not lyric.sections and _has_words(lyric.lyrics))):
        return _failure(embedder.model, lyric, EmptyLyrics())
    texts = [whole.text, *(section.text for section in sections)]
    try:
        counts = embedder.count_tokens(texts)
    except (TypeError, UnicodeError) as error:
        # A lone surrogate: the tokenizer takes it for something that is no text.
        return _failure(embedder.model, lyric, InvalidLyrics(reason=f"not Unicode text ({error})"))
    split = [
        windows(text, count, embedder.count_tokens, embedder.max_tokens)
        for text, count in zip(texts[1:], counts[1:], strict=True)
    ]
    if counts[0] <= embedder.max_tokens or not sections:
        track = windows(whole.text, counts[0], embedder.count_tokens, embedder.max_tokens)
    else:
        track = [*_title(embedder, lyric), *chain.from_iterable(split)]
    own = {p.index: parts for p, parts in zip(sections, split, strict=True) if is_searchable(p.text)}
    return _Plan(lyric, {WHOLE_TRACK: track} | own)


def is_searchable(text: str) -> bool:
    """True where a section says enough to be found by; it is part of the whole track either way.

    "Dad? (Yeah?) Night" lies nearer to every query about nights than any verse about them.
    """
    return len(text.split()) >= FEWEST_WORDS


def _title(embedder: Embedder, lyric: Lyric) -> list[Window]:
    if not lyric.title.strip():
        return []
    (count,) = embedder.count_tokens([lyric.title])
    return windows(lyric.title, count, embedder.count_tokens, embedder.max_tokens)


def _vectors(
    model: ModelInfo, plan: _Plan, vectors: Vectors, row_of: dict[str, int]
) -> LyricVectors | Failure:
    pooled = np.stack(
        [
            pool(vectors[[row_of[window.text] for window in parts]], [window.tokens for window in parts])
            for parts in plan.windows_of.values()
        ]
    )
    if not np.isfinite(pooled).all():
        return _failure(model, plan.lyric, EmbeddingFailed(model=model.name, reason="it is not finite"))
    return LyricVectors(plan.lyric.key, plan.lyric.content_hash, tuple(plan.windows_of), pooled)


def _failure(model: ModelInfo, lyric: Lyric, error: Exception) -> Failure:
    if not isinstance(error, RaprayError):
        reason = f"{type(error).__name__}: {error}"
        error = EmbeddingFailed(model=model.name, reason=reason[:500])
    return Failure(embed_stage(model), lyric.key, error.code, str(error), lyric.content_hash)


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))
