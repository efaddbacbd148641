"""The built-in emotion model, for hosts with no hub: MiniLM from its package and a small file of changes to it.

Reads local files only. `CARD.md` says what it was trained on, how good it is and what it is not good for; `rapray ml
train-emotion` makes both files. Importing this loads no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rapray.analyzers.emotion_model import EmotionModel, ModelCard, Read
from rapray.config import EmotionSettings
from rapray.domain import ModelInfo
from rapray.embeddings.builtin import (
    PAD_MULTIPLE,
    SPECIAL_TOKENS,
    check_weights,
    load_network,
    packaged_folder,
)
from rapray.embeddings.precision import pick_device, pick_dtype
from rapray.errors import MissingExtra, ModelUnavailable

FOLDER = Path(__file__).parent
WEIGHTS = "weights.safetensors"
WEIGHTS_SHA256 = "25bb6d695303387403202233f2831d363bf59828d97d1e00e9c91f6c7c530878"
MODEL = ModelInfo(kind="emotion", name="rapray/emotion-minilm-l6", revision=WEIGHTS_SHA256[:40])
# Training sentences have 19 tokens at the median and 38 at the 99th percentile: a window of a few lines is what the
# model knows, a whole verse is not.
WINDOW = 64


class BuiltinEmotionModel(EmotionModel):
    """The packaged emotion model: seven labels, each with a probability of its own."""

    def __init__(
        self, settings: EmotionSettings, folder: Path = FOLDER, sha256: str | None = WEIGHTS_SHA256
    ) -> None:
        """Load the weights in `folder`, which must have the hash `sha256`; None leaves them unchecked.

        Raises:
            MissingExtra: torch or the packaged encoder is not installed.
            ModelUnavailable: a file of weights is missing or is another one.
        """
        try:
            import torch
            from tokenizers import Tokenizer
        except ModuleNotFoundError as missing:
            raise MissingExtra(feature="The emotion model", extra="embeddings") from missing
        tensors, described, found = read_weights(folder / WEIGHTS, sha256)
        packaged = packaged_folder()
        check_weights(packaged / "model.safetensors")
        self._torch = torch
        self._device = pick_device(settings)
        super().__init__(
            _card(described, found),
            window=WINDOW,
            special_tokens=SPECIAL_TOKENS,
            batch_tokens=settings.batch_tokens,
            pad_multiple=PAD_MULTIPLE,
            device=self._device,
        )
        from rapray.analyzers.emotion_builtin.network import build  # imports torch

        dtype = pick_dtype(settings, self._device)
        self._network = build(load_network(packaged, "cpu", torch.float32), tensors, self._device, dtype)
        self._counter = _tokenizer(Tokenizer, packaged)
        self._tokenizer = _tokenizer(Tokenizer, packaged)
        self._tokenizer.enable_padding(pad_to_multiple_of=PAD_MULTIPLE)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, [CLS] and [SEP] left out."""
        encodings = self._counter.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def _encode(self, texts: list[str]) -> tuple[Any, Any]:
        encodings = self._tokenizer.encode_batch_fast(texts)
        ids = self._torch.from_numpy(np.array([encoding.ids for encoding in encodings]))
        mask = self._torch.from_numpy(np.array([encoding.attention_mask for encoding in encodings]))
        return ids.to(self._device), mask.to(self._device)

    def _forward(self, encoded: tuple[Any, Any]) -> Read:
        with self._torch.inference_mode():
            probabilities, states = self._network(*encoded)
        return Read(probabilities.cpu().numpy(), states.cpu().numpy())


def read_weights(path: Path, sha256: str | None) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Tensors, description and hash of a file of weights.

    Raises:
        ModelUnavailable: it is not there, is not what `sha256` says, or is no such file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha256 is not None and found != sha256:
            reason = f"{path} has SHA-256 {found}, not {sha256}; install rapray again"
            raise ModelUnavailable(model=MODEL.name, reason=reason)
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            return tensors, json.loads((file.metadata() or {})["rapray"]), found
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ModelUnavailable(model=MODEL.name, reason=f"{path}: {error}") from error


def _card(described: dict[str, Any], sha256: str) -> ModelCard:
    return ModelCard(
        info=ModelInfo(MODEL.kind, MODEL.name, sha256[:40]),
        labels=tuple(described["labels"]),
        is_builtin=True,
        is_multi_label=True,
        is_calibrated=True,
        thresholds=tuple(described["thresholds"]),
    )


def _tokenizer(kind: Any, packaged: Path) -> Any:
    tokenizer = kind.from_file(str(packaged / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
