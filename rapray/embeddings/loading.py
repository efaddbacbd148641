"""Turns the settings into an embedder, or into the identity of its vectors without loading more than that needs.

Does not know what is embedded.
"""

from __future__ import annotations

from rapray.config import EmbeddingSettings
from rapray.domain import ModelInfo
from rapray.embeddings import builtin
from rapray.embeddings.base import Embedder
from rapray.embeddings.sentence_transformer import SentenceTransformerEmbedder

BUILTIN = "builtin"


def load_embedder(settings: EmbeddingSettings, *, threads: int | None = None) -> Embedder:
    """Load the configured model.

    Args:
        settings: Which model, where and how it runs.
        threads: Cores to compute on. None leaves it to OMP_NUM_THREADS, which Ray sets to a worker's CPUs.

    Raises:
        MissingExtra: torch or the packaged model is not installed.
        ModelUnavailable: the model is not there, or its weights are not the official ones.
    """
    if settings.model == BUILTIN:
        return builtin.BuiltinEmbedder(settings, threads)
    return SentenceTransformerEmbedder(settings, threads)


def model_info(settings: EmbeddingSettings) -> ModelInfo:
    """The identity of the configured model's vectors; at once for the built-in one, by loading it for any other.

    Raises:
        MissingExtra, ModelUnavailable: as `load_embedder`.
    """
    return builtin.MODEL if settings.model == BUILTIN else load_embedder(settings).model
