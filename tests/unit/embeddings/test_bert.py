"""The encoder in plain torch, held to the one of transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the embeddings extra is not installed")

import torch

from rapray.embeddings.bert import load_bert
from rapray.embeddings.builtin import packaged_folder

IDS = torch.tensor([[101, 2057, 5342, 1996, 2305, 102, 0, 0], [101, 2422, 2009, 2157, 1998, 2907, 2009, 102]])
MASK = (IDS != 0).long()


def test_states_equal_transformers() -> None:
    """With and without filled up texts, the states of every token that counts are the same but for rounding."""
    from transformers import BertModel  # takes seconds, also to those who only collect the tests

    ours = load_bert(packaged_folder())
    theirs = BertModel.from_pretrained(
        packaged_folder(), add_pooling_layer=False, local_files_only=True
    ).eval()
    with torch.inference_mode():
        for ids, mask in ((IDS, MASK), (IDS[1:], MASK[1:])):
            states = theirs(input_ids=ids, attention_mask=mask).last_hidden_state
            counts = mask.bool()
            np.testing.assert_allclose(ours(ids, mask)[counts], states[counts], atol=2e-5)


def test_training_uses_dropout() -> None:
    """In training mode two passes differ, as those of transformers do; in evaluation mode they do not."""
    network = load_bert(packaged_folder())
    with torch.inference_mode():
        assert torch.equal(network(IDS, MASK), network(IDS, MASK))
        network.train()
        assert not torch.equal(network(IDS, MASK), network(IDS, MASK))


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_incomplete_folder_fails(tmp_path: Path, missing: str) -> None:
    """A folder without one of its files is an OSError that names the file."""
    for name in {"config.json", "model.safetensors"} - {missing}:
        (tmp_path / name).write_bytes((packaged_folder() / name).read_bytes())
    with pytest.raises(OSError, match=missing):
        load_bert(tmp_path)


def test_other_weights_fail(tmp_path: Path) -> None:
    """A configuration of another shape does not take these weights."""
    config = json.loads((packaged_folder() / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "hidden_size": 192}), encoding="utf-8")
    (tmp_path / "model.safetensors").symlink_to(packaged_folder() / "model.safetensors")
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_bert(tmp_path)
