"""Text to vectors: the built-in model, any sentence-transformers model, and a lyric's passages.

Knows neither the database nor Ray; torch is imported when a model is loaded.
"""

from rapray.embeddings.base import Embedder
from rapray.embeddings.loading import load_embedder, model_info
from rapray.embeddings.passages import embed_lyrics, passages

__all__ = ["Embedder", "embed_lyrics", "load_embedder", "model_info", "passages"]
