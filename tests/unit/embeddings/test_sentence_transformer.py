"""Any other model through sentence-transformers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rapray.config import EmbeddingSettings
from rapray.embeddings import load_embedder, model_info
from rapray.embeddings.builtin import packaged_folder
from rapray.errors import ModelUnavailable
from tests.support.model_results import assert_same_vectors


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in a folder of the user's own."""
    target = tmp_path_factory.mktemp("models") / "my-model"
    shutil.copytree(packaged_folder(), target)
    return target


def test_load_embedder_by_path(folder: Path) -> None:
    """The same weights by path give the built-in's vectors, long texts too, under their own name."""
    by_path = load_embedder(EmbeddingSettings(model=str(folder), dtype="float32", device="cpu"))
    builtin = load_embedder(EmbeddingSettings(dtype="float32", device="cpu"))
    assert by_path.max_tokens == builtin.max_tokens == 254
    assert by_path.model.name == str(folder)
    assert by_path.model.dimension == 384
    texts = ["short", "we roll through the night\n" * 200, "", "no blanks" * 300]
    assert by_path.count_tokens(texts) == builtin.count_tokens(texts)
    assert_same_vectors(by_path.encode(texts), builtin.encode(texts), "float32")


def test_model_info_follows_files(folder: Path, tmp_path: Path) -> None:
    """The revision of a folder is a hash of what decides its vectors; a README does not."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    before = model_info(EmbeddingSettings(model=str(copy))).revision
    (copy / "README.md").write_text("other words")
    assert model_info(EmbeddingSettings(model=str(copy))).revision == before
    config = copy / "sentence_bert_config.json"
    config.write_text(config.read_text(encoding="utf-8").replace("256", "128"), encoding="utf-8")
    assert model_info(EmbeddingSettings(model=str(copy))).revision != before


@pytest.mark.parametrize("model", ["", "nowhere/at-all"], ids=["empty-folder", "unknown-name"])
def test_load_embedder_unknown_model(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is not there gives one error that names it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    name = model or str(tmp_path)
    with pytest.raises(ModelUnavailable) as error:
        load_embedder(EmbeddingSettings(model=name, device="cpu"))
    assert name in str(error.value)
