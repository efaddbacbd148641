"""Which emotion model the settings mean on this host, and which weights it has, without loading weights.

Looks into the hub's cache on disk and never asks the hub itself, unless a model is named that is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rapray.analyzers.emotion_builtin import MODEL as BUILTIN_MODEL
from rapray.analyzers.emotion_builtin import BuiltinEmotionModel
from rapray.analyzers.emotion_model import EmotionModel
from rapray.config import EmotionSettings
from rapray.domain import ModelInfo
from rapray.errors import MissingExtra

AUTO = "auto"
BUILTIN = "builtin"
DEFAULT_MODEL = "j-hartmann/emotion-english-distilroberta-base"
# One of each row makes a model that loads; a cache may hold less after a download that was cut.
_NEEDED = (
    ("config.json",),
    ("model.safetensors", "pytorch_model.bin"),
    ("tokenizer.json", "vocab.json", "vocab.txt"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A model, where it is loaded from (None: from this package), and whether it stands in for the default one."""

    info: ModelInfo
    place: str | None
    is_stand_in: bool = False

    @property
    def note(self) -> str:
        """What an operator should know of the choice; nothing where it is what the settings name."""
        return f"built-in, stands in for {DEFAULT_MODEL}" if self.is_stand_in else ""


def choose(settings: EmotionSettings) -> Choice:
    """The model that the settings mean.

    Raises:
        MissingExtra: the packages that models need are not installed.
        ModelUnavailable: a model that is named is neither here nor to be had.
    """
    if settings.model == BUILTIN:
        return Choice(BUILTIN_MODEL, None)
    if settings.model == AUTO:
        folder = cached_folder(DEFAULT_MODEL, settings.revision)
        if folder is None:
            return Choice(BUILTIN_MODEL, None, is_stand_in=True)
        return Choice(ModelInfo("emotion", DEFAULT_MODEL, folder.name), str(folder))
    from rapray.embeddings.sentence_transformer import resolve_revision

    try:
        revision = resolve_revision(settings.model, settings.revision)
    except ModuleNotFoundError as missing:
        raise MissingExtra(feature="The emotion model", extra="embeddings") from missing
    return Choice(ModelInfo("emotion", settings.model, revision), settings.model)


def load_emotion_model(settings: EmotionSettings, chosen: Choice | None = None) -> EmotionModel:
    """Load the model that the settings mean; `chosen` where that has been found out already.

    Raises:
        MissingExtra, ModelUnavailable: see `choose`.
    """
    chosen = chosen or choose(settings)
    if chosen.place is None:
        return BuiltinEmotionModel(settings)
    from rapray.analyzers.emotion_transformers import TransformersEmotionModel

    return TransformersEmotionModel(settings, chosen.info, chosen.place)


def cached_folder(model: str, revision: str | None = None) -> Path | None:
    """The snapshot of a model in the hub's cache on this host, named for its commit; None where it is not whole."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError as missing:
        raise MissingExtra(feature="The emotion model", extra="embeddings") from missing
    config = try_to_load_from_cache(model, "config.json", revision=revision)
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    if all(any((folder / name).is_file() for name in names) for names in _NEEDED):
        return folder
    return None
