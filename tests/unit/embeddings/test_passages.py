"""Which pieces of a lyric get a vector, and how many lyrics are embedded at once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rapray.config import EmbeddingSettings
from rapray.domain import Failure, Lyric, LyricVectors, Section, embed_stage
from rapray.embeddings import Embedder, embed_lyrics, load_embedder, passages
from rapray.embeddings.base import Vectors
from tests.support.model_results import LEAST_COSINE, assert_same_vectors, cosines, dtype_of

SETTINGS = EmbeddingSettings(device="cpu")
DTYPE = dtype_of(SETTINGS)


def _section(*lines: str, label: str = "[Verse]") -> Section:
    return Section("verse", None, label, (), lines)


def _lyric(*sections: Section, key: str = "1", title: str = "Night Bus") -> Lyric:
    text = "\n\n".join("\n".join([section.label, *section.lines]) for section in sections)
    return Lyric(key, text, sections, f"hash-{key}", title)


VERSE = _section(*[f"line {n} rolls through the city with the lights on low" for n in range(30)])
HOOK = _section("sing it back to me", "sing it one more time", label="[Hook]")


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    """The built-in model."""
    return load_embedder(SETTINGS)


def _vectors(result: LyricVectors | Failure) -> LyricVectors:
    assert isinstance(result, LyricVectors), result
    return result


def test_passages_number_sections() -> None:
    """Passage 0 is title and lines, an empty section leaves a gap, headers are in no passage."""
    found = passages(_lyric(_section("one", "two"), _section(), _section("🔥🔥"), _section("three")))
    assert [(passage.index, passage.text) for passage in found] == [
        (0, "Night Bus\n\none\ntwo\n\nthree"),
        (1, "one\ntwo"),
        (4, "three"),
    ]


def test_passages_without_sections() -> None:
    """A text that nobody divided is one passage."""
    assert [passage.text for passage in passages(Lyric("k", "a\nb", (), "h"))] == ["a\nb"]


def test_embed_lyrics_short_track(embedder: Embedder) -> None:
    """Within the window passage 0 is the vector of the whole text, and each section that of its lines."""
    lyric = _lyric(HOOK, _section("a bridge over the slow river"))
    vectors = _vectors(embed_lyrics(embedder, [lyric])[0])
    assert vectors.passages == (0, 1, 2)
    whole = embedder.encode([passage.text for passage in passages(lyric)])
    assert_same_vectors(vectors.vectors, whole, DTYPE)


def test_embed_lyrics_long_track(embedder: Embedder) -> None:
    """Beyond the window passage 0 is the pool of title, sections and parts of sections."""
    lyric = _lyric(HOOK, VERSE, HOOK)
    vectors = _vectors(embed_lyrics(embedder, [lyric])[0])
    half = [len(part) for part in (VERSE.lines[:15], VERSE.lines[15:])]
    assert half == [15, 15]
    texts = [lyric.title, *("\n".join(section.lines) for section in lyric.sections)]
    counts = np.array(embedder.count_tokens(texts))
    assert counts[2] > embedder.max_tokens
    approximate = counts @ embedder.encode(texts)
    assert vectors.vectors[0] @ approximate / np.linalg.norm(approximate) > 0.99
    assert_same_vectors(vectors.vectors[1], vectors.vectors[3], DTYPE)
    assert_same_vectors(vectors.vectors[2], embedder.encode([texts[2]])[0], DTYPE)


def test_embed_lyrics_last_word(embedder: Embedder) -> None:
    """The very last word changes the vectors of its section and of the track."""
    end = _section(*VERSE.lines, "elephant")
    before, after = (
        _vectors(result) for result in embed_lyrics(embedder, [_lyric(VERSE), _lyric(end, key="2")])
    )
    assert (cosines(before.vectors, after.vectors) < LEAST_COSINE[DTYPE]).all()


def test_embed_lyrics_batches_agree(embedder: Embedder) -> None:
    """A lyric gets the same vectors in any batch, so a resumed job gives the result of an undisturbed one."""
    lyrics = [
        _lyric(HOOK, VERSE, key="a"),
        _lyric(_section("so it goes"), key="b"),
        _lyric(VERSE, HOOK, key="c"),
    ]
    together = embed_lyrics(embedder, lyrics)
    for lyric, result in zip(lyrics, together, strict=True):
        alone = _vectors(embed_lyrics(embedder, [lyric])[0])
        assert_same_vectors(alone.vectors, _vectors(result).vectors, DTYPE)


@pytest.mark.parametrize(
    ("lyrics", "code"),
    [("", "lyrics_empty"), ("🔥🔥 !!!", "lyrics_empty"), ("broken \ud800 text", "lyrics_invalid")],
)
def test_embed_lyrics_bad_text(embedder: Embedder, lyrics: str, code: str) -> None:
    """One bad text becomes a failure with a code; its neighbours get their vectors, in order."""
    bad = Lyric("bad", lyrics, (_section(lyrics),), "hash-bad", "Title")
    first, failure, last = embed_lyrics(embedder, [_lyric(HOOK), bad, _lyric(VERSE, key="3")])
    assert failure == Failure(embed_stage(embedder.model), "bad", code, failure.detail, "hash-bad")  # type: ignore[union-attr]
    assert (_vectors(first).key, _vectors(last).key) == ("1", "3")


class _Poisoned:
    """An embedder that a word kills, as an out-of-memory kernel would, or that makes nonsense of another."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.model, self.max_tokens, self.count_tokens = (
            embedder.model,
            embedder.max_tokens,
            embedder.count_tokens,
        )

    def encode(self, texts: list[str]) -> Vectors:
        if any("poison" in text for text in texts):
            raise RuntimeError("out of memory")
        vectors = self._embedder.encode(texts)
        vectors[["nonsense" in text for text in texts]] = np.nan
        return vectors


def test_embed_lyrics_model_error(embedder: Embedder) -> None:
    """An error inside the model, or a vector that is not finite, costs one lyric and not the batch."""
    texts = ["hello there", "poison", "nonsense", "good bye"]
    lyrics = [_lyric(_section(text), key=text) for text in texts]
    results = embed_lyrics(_Poisoned(embedder), lyrics)  # type: ignore[arg-type]
    assert [getattr(result, "code", "ok") for result in results] == [
        "ok",
        "embedding_failed",
        "embedding_failed",
        "ok",
    ]


def test_lyric_vectors_cross_processes(embedder: Embedder) -> None:
    """Vectors survive pickling, as Ray moves them."""
    result = _vectors(embed_lyrics(embedder, [_lyric(HOOK)])[0])
    copy = pickle.loads(pickle.dumps(result))
    assert (copy.key, copy.content_hash, copy.passages) == (result.key, result.content_hash, result.passages)
    np.testing.assert_array_equal(copy.vectors, result.vectors)


def test_embed_lyrics_short_section(embedder: Embedder) -> None:
    """A shout is near to every query that shares its word, so it is found with its track alone."""
    with_shout = _vectors(embed_lyrics(embedder, [_lyric(HOOK, _section("Night!"))])[0])
    without = _vectors(embed_lyrics(embedder, [_lyric(HOOK)])[0])
    assert with_shout.passages == without.passages == (0, 1)
    assert cosines(with_shout.vectors[0], without.vectors[0])[0] < LEAST_COSINE[DTYPE]
