"""The built-in model against the library that it stands in for."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from rapray.config import EmbeddingSettings
from rapray.embeddings import Embedder, load_embedder, model_info
from rapray.embeddings.builtin import check_weights, packaged_folder
from rapray.errors import ModelUnavailable, RaprayError
from tests.support.model_results import LEAST_COSINE, assert_same_vectors, cosines, dtype_of

TEXTS = [
    "I walk the block with a notebook and a dream",
    "They said I'd never make it, now they're singing every line\nGlass half full and I'm sipping it slow",
    "rain",
    "La calle me enseñó a contar hasta diez, mamá rezaba por mí",
    "¡Qué va!  tabs\tand   blanks\n\n\nnew lines",
    " ".join(["running through the city with the lights on low"] * 20),
]


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def dtype(request: pytest.FixtureRequest) -> str:
    """Each number format."""
    return request.param


@pytest.fixture(scope="module")
def embedder(dtype: Literal["float32", "bfloat16"]) -> Embedder:
    """The built-in model in each number format."""
    return load_embedder(EmbeddingSettings(dtype=dtype, device="cpu"))


@pytest.fixture(scope="module")
def reference() -> object:
    """The same weights run by sentence-transformers in float32."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(packaged_folder()), device="cpu")


def test_encode_matches_sentence_transformers(embedder: Embedder, reference: object) -> None:
    """Vectors point where sentence-transformers' float32 vectors point, and have length 1."""
    ours = embedder.encode(TEXTS)
    theirs = reference.encode(TEXTS)  # type: ignore[attr-defined]
    assert ours.dtype == np.float32
    assert (ours * theirs).sum(1).min() >= 0.999
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_encode_any_company_equal(embedder: Embedder, dtype: str) -> None:
    """A vector does not depend on the batch, within the tolerance of its number format."""
    texts = [" ".join(TEXTS[0].split()[: 1 + n % 11] * (1 + n % 7)) for n in range(80)]
    together = embedder.encode(texts)
    order = random.Random(3).sample(range(80), 80)
    assert_same_vectors(embedder.encode([texts[n] for n in order]), together[order], dtype)
    alone = np.concatenate([embedder.encode([text]) for text in texts[:12]])
    assert_same_vectors(alone, together[:12], dtype)


def test_encode_reads_last_word(embedder: Embedder, dtype: str) -> None:
    """Nothing beyond the window is dropped: the very last word moves the vector."""
    long_text = "we roll through the night\n" * 400
    vectors = embedder.encode([long_text, long_text + "elephant " * 40])
    assert 0.9 < cosines(vectors[0], vectors[1])[0] < LEAST_COSINE[dtype]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "🔥🔥🔥😂",
        "שלום עולם זה שיר ארוך",
        "مرحبا بالعالم",
        "a\x00b\x07c",
        "日本語のラップ" * 100,
        "a" * 100_000,
    ],
    ids=["empty", "blank", "emoji", "hebrew", "arabic", "control", "no-blanks", "one-word"],
)
def test_encode_odd_text(embedder: Embedder, text: str) -> None:
    """Any Unicode text has a finite vector of length 1."""
    vectors = embedder.encode([text])
    assert vectors.shape == (1, 384)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


def test_encode_no_texts(embedder: Embedder) -> None:
    """No text, no vector, right width."""
    assert embedder.encode([]).shape == (0, 384)


def test_encode_megabyte_text() -> None:
    """A text of 1 MB is embedded whole, and its end counts."""
    settings = EmbeddingSettings(device="cpu")
    embedder = load_embedder(settings)
    # Words beyond 100 characters are one token each to this tokenizer, which keeps the test short.
    text = ("la" * 60 + "\n") * 8300
    assert len(text) > 1_000_000
    vectors = embedder.encode([text, text + "elephant " * 300])
    assert np.isfinite(vectors).all()
    assert cosines(vectors[0], vectors[1])[0] < LEAST_COSINE[dtype_of(settings)]


def test_check_weights_wrong_file(tmp_path: Path) -> None:
    """Other weights under the official name are refused, and so is a missing file."""
    forged = tmp_path / "model.safetensors"
    forged.write_bytes(b"not the weights")
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        check_weights(forged)
    with pytest.raises(ModelUnavailable, match="No such file"):
        check_weights(tmp_path / "absent")


def test_model_info_without_torch() -> None:
    """The identity of the built-in vectors is known without loading torch."""
    program = (
        "import sys; from rapray.config import EmbeddingSettings; from rapray.embeddings import model_info; "
        "info = model_info(EmbeddingSettings()); assert info.dimension == 384, info; "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_encode_any_threads_equal() -> None:
    """How many cores share the batches changes no vector and no order."""
    texts = [" ".join(["word"] * n) for n in range(1, 60)]
    settings = EmbeddingSettings(device="cpu")
    one, four = (load_embedder(settings, threads=threads).encode(texts) for threads in (1, 4))
    assert_same_vectors(one, four, dtype_of(settings))


def test_load_embedder_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra gives the sentence with the install command."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RaprayError, match=r"rapray\[embeddings\]"):
        load_embedder(EmbeddingSettings())


def test_model_info_matches_embedder(embedder: Embedder) -> None:
    """What a job registers is what its actors stamp."""
    assert embedder.model == model_info(EmbeddingSettings())
    assert embedder.encode(["x"]).shape[1] == embedder.model.dimension
