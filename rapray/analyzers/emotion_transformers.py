"""Any sequence-classification model, by name or path, through transformers; its labels are read from it.

Downloads only what is named and not yet here; HF_HUB_OFFLINE=1 forbids it. Does not know lyrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rapray.analyzers.emotion_model import EmotionModel, ModelCard, Read
from rapray.config import EmotionSettings
from rapray.domain import ModelInfo
from rapray.embeddings.builtin import quiet_transformers
from rapray.embeddings.precision import pick_device, pick_dtype
from rapray.errors import MissingExtra, ModelUnavailable

_MULTI_LABEL = "multi_label_classification"
# Where neither the model nor its tokenizer names a window; BERT's, the least among common encoders.
DEFAULT_WINDOW = 512


class TransformersEmotionModel(EmotionModel):
    """A sequence-classification model, its window and its labels respected."""

    def __init__(self, settings: EmotionSettings, info: ModelInfo, place: str) -> None:
        """Load what lies at `place`, a folder or a name on the hub, and stamp it `info`.

        Raises:
            MissingExtra: torch or transformers is not installed.
            ModelUnavailable: the model cannot be loaded, or chooses between no labels.
        """
        try:
            import torch
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ModuleNotFoundError as missing:
            raise MissingExtra(feature="The emotion model", extra="embeddings") from missing
        self._torch = torch
        self._device = pick_device(settings)
        revision = None if Path(place).is_dir() else info.revision
        try:
            with quiet_transformers():
                self._tokenizer: Any = AutoTokenizer.from_pretrained(place, revision=revision)
                network: Any = AutoModelForSequenceClassification.from_pretrained(
                    place, revision=revision, dtype=pick_dtype(settings, self._device)
                )
            self._network = network.to(torch.device(self._device)).eval()
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelUnavailable(model=info.name, reason=_first_line(error)) from error
        super().__init__(
            _card(info, network.config),
            window=_window(self._tokenizer, network.config),
            special_tokens=self._tokenizer.num_special_tokens_to_add(),
            batch_tokens=settings.batch_tokens,
            # A CPU batches texts of equal length only: padding costs time. A GPU wants large batches.
            pad_multiple=1 if self._device == "cpu" else None,
            device=self._device,
        )

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those that the model adds itself left out."""
        if not texts:
            return []
        tokens = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=False,
            return_attention_mask=False,
            verbose=False,
        )
        return [len(ids) for ids in tokens["input_ids"]]

    def _encode(self, texts: list[str]) -> dict[str, Any]:
        tokens = self._tokenizer(texts, padding=True, truncation=False, return_tensors="pt", verbose=False)
        return {name: tensor.to(self._device) for name, tensor in tokens.items()}

    def _forward(self, encoded: dict[str, Any]) -> Read:
        torch = self._torch
        with torch.inference_mode():
            made = self._network(**encoded, output_hidden_states=True)
            logits = made.logits.float()
            spread = torch.sigmoid(logits) if self.card.is_multi_label else torch.softmax(logits, -1)
            weights = encoded["attention_mask"].unsqueeze(-1).float()
            states = (made.hidden_states[-1].float() * weights).sum(1) / weights.sum(1)
        return Read(np.asarray(spread.cpu(), np.float32), np.asarray(states.cpu(), np.float32))


def _card(info: ModelInfo, config: Any) -> ModelCard:
    labels = tuple(str(config.id2label[number]) for number in range(config.num_labels))
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ModelUnavailable(
            model=info.name, reason=f"its labels are {', '.join(labels)}: nothing to choose"
        )
    return ModelCard(
        info=info,
        labels=labels,
        is_builtin=False,
        is_multi_label=config.problem_type == _MULTI_LABEL,
        is_calibrated=False,
    )


def _window(tokenizer: Any, config: Any) -> int:
    """The least of what tokenizer and positions allow; RoBERTa counts positions from its padding id + 1."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions and "roberta" in config.model_type:
        positions -= (config.pad_token_id or 0) + 1
    # A tokenizer without a limit says 10^30.
    limits = [limit for limit in (positions, tokenizer.model_max_length) if limit and 0 < limit < 1_000_000]
    return int(min(limits, default=DEFAULT_WINDOW))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
