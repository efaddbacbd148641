"""Any other model, by name or path, through sentence-transformers.

Downloads only what sentence-transformers would; HF_HUB_OFFLINE=1 forbids it. Does not know tracks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rapray.config import EmbeddingSettings
from rapray.domain import ModelInfo
from rapray.embeddings.base import Vectors, WindowedEmbedder
from rapray.embeddings.builtin import quiet_transformers
from rapray.embeddings.precision import pick_device, pick_dtype
from rapray.errors import MissingExtra, ModelUnavailable

# Where neither the model nor its tokenizer names a window; BERT's, the least among common encoders.
DEFAULT_WINDOW = 512
# What decides the vectors; a README or a copy in another framework's format does not.
_IDENTITY_SUFFIXES = frozenset({".json", ".safetensors", ".bin", ".txt", ".model"})


class SentenceTransformerEmbedder(WindowedEmbedder):
    """A sentence-transformers model, its window respected."""

    def __init__(self, settings: EmbeddingSettings, threads: int | None = None) -> None:
        try:
            import sentence_transformers
            import torch
        except ModuleNotFoundError as missing:
            raise MissingExtra(feature="Embedding", extra="embeddings") from missing
        if threads is not None:
            torch.set_num_threads(threads)
        device = pick_device(settings)
        revision = resolve_revision(settings.model, settings.revision)
        try:
            with quiet_transformers():
                self._transformer: Any = sentence_transformers.SentenceTransformer(
                    settings.model,
                    device=device,
                    revision=None if Path(settings.model).exists() else revision,
                    model_kwargs={"dtype": pick_dtype(settings, device)},
                )
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelUnavailable(model=settings.model, reason=_first_line(error)) from error
        super().__init__(
            ModelInfo("embedding", settings.model, revision, self._transformer.encode([""]).shape[1]),
            window=int(self._transformer.max_seq_length or DEFAULT_WINDOW),
            special_tokens=_special_tokens(self._transformer),
            batch_tokens=settings.batch_tokens,
            # A CPU batches texts of equal length only: padding costs time. A GPU wants large batches.
            pad_multiple=1 if device == "cpu" else None,
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those that the model adds itself left out."""
        if not texts:
            return []
        tokens = self._transformer.tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=False,
            return_attention_mask=False,
            verbose=False,
        )
        return [len(ids) for ids in tokens["input_ids"]]

    def _forward(self, texts: list[str]) -> Vectors:
        vectors = self._transformer.encode(
            texts,
            batch_size=len(texts),
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(vectors, np.float32)


def resolve_revision(model: str, revision: str | None) -> str:
    """The commit of a model by name; for a folder a hash of the files that decide its vectors.

    Raises:
        ModelUnavailable: there is neither.
    """
    folder = Path(model)
    if folder.is_dir():
        return _hash_files(folder)
    from transformers.utils.hub import cached_file, extract_commit_hash

    try:
        path = cached_file(model, "config.json", revision=revision)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(model=model, reason=_first_line(error)) from error
    commit = extract_commit_hash(path, None)
    if commit is None:
        raise ModelUnavailable(model=model, reason=f"{path} does not say which revision it is")
    return commit


def _hash_files(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _IDENTITY_SUFFIXES and path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:40]


def _special_tokens(transformer: Any) -> int:
    """Tokens that the model adds to each text: markers, and the prompt that some models put before it."""
    prompt = transformer.prompts.get(transformer.default_prompt_name or "", "")
    prompt_tokens = len(transformer.tokenizer(prompt, add_special_tokens=False)["input_ids"]) if prompt else 0
    return transformer.tokenizer.num_special_tokens_to_add() + prompt_tokens


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
