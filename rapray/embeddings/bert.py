"""The BERT encoder of the built-in models, in plain torch, with the parameter names of the published weights.

transformers would do the same, and takes 4 s of CPU to import in each process that holds a model (torch itself: 2 s). A
test holds the two to the same states. Imports torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

# In the file of weights, and no part of the encoder.
_UNUSED = ("pooler.", "embeddings.position_ids")


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder, by their names in `config.json`."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float


class _Embeddings(nn.Module):
    """The sum of a token's, its position's and the text's vectors, normalised."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.position_embeddings = nn.Embedding(shape.max_position_embeddings, shape.hidden_size)
        self.token_type_embeddings = nn.Embedding(shape.type_vocab_size, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(shape.hidden_dropout_prob)

    def forward(self, ids: Tensor) -> Tensor:
        positions = self.position_embeddings.weight[: ids.shape[1]]
        states = self.word_embeddings(ids) + self.token_type_embeddings.weight[0] + positions
        return self.dropout(self.LayerNorm(states))


class _SelfAttention(nn.Module):
    """Each token's mean of the others' values, weighed by how its query fits their keys, head by head."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.dropout_prob = shape.num_attention_heads, shape.attention_probs_dropout_prob
        self.query = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.key = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.value = nn.Linear(shape.hidden_size, shape.hidden_size)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (self._by_head(map_(states)) for map_ in (self.query, self.key, self.value))
        dropout = self.dropout_prob if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, mask, dropout)
        return mixed.transpose(1, 2).flatten(2)

    def _by_head(self, states: Tensor) -> Tensor:
        return states.unflatten(2, (self.heads, -1)).transpose(1, 2)


class _Residual(nn.Module):
    """A linear map whose result is added to what went in before, normalised."""

    def __init__(self, inputs: int, shape: Shape) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(shape.hidden_dropout_prob)

    def forward(self, states: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(states)) + before)


class _Layer(nn.Module):
    """Attention, then a map of each token by itself."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": _SelfAttention(shape), "output": _Residual(shape.hidden_size, shape)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.hidden_size, shape.intermediate_size)})
        self.output = _Residual(shape.intermediate_size, shape)

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        attended = self.attention["output"](self.attention["self"](states, mask), states)
        return self.output(functional.gelu(self.intermediate["dense"](attended)), attended)


class _Encoder(nn.Module):
    """The layers, one after another."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(shape) for _ in range(shape.num_hidden_layers))

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        for layer in self.layer:
            states = layer(states, mask)
        return states


class Bert(nn.Module):
    """Token ids to hidden states; Devlin et al. 2019, without the pooler."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.hidden_size = shape.hidden_size
        self.embeddings = _Embeddings(shape)
        self.encoder = _Encoder(shape)

    @property
    def dtype(self) -> torch.dtype:
        """The number format of the weights."""
        return self.embeddings.word_embeddings.weight.dtype

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return states (texts, tokens, hidden_size) of ids (texts, tokens); `mask` is 0 where a text is filled up."""
        attends = None if bool(mask.all()) else mask[:, None, None, :].bool()
        return self.encoder(self.embeddings(ids), attends)


def load_bert(folder: Path) -> Bert:
    """Load the encoder of a folder with `config.json` and `model.safetensors`, in evaluation mode.

    Raises:
        OSError: a file is not there.
        KeyError, RuntimeError, ValueError: the files are not those of a BERT encoder.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shape = Shape(**{name: config[name] for name in Shape.__slots__})
    with torch.random.fork_rng(
        devices=[]
    ):  # the first weights are random, and nobody else's random numbers change for it
        network = Bert(shape)
    weights = load_file(folder / "model.safetensors")
    own = {name: tensor for name, tensor in weights.items() if not name.startswith(_UNUSED)}
    network.load_state_dict(own, assign=True)
    return network.eval()
