"""Layers of ALU_Net's dense models, with the first weights and constants of Keras, which it used.

Kernels begin uniform by Glorot and Bengio's rule (AISTATS 2010) and biases at 0; batch normalisation has momentum 0.99
and epsilon 0.001. A kernel with `l2` is one whose squares the loss counts (`losses.kernel_decay`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

NORMS = ("softmax", "layernorm", "batchnorm", "none")
"""What self-attention makes of its scores."""


class Dense(nn.Linear):
    """A fully connected layer `(..., inputs)` to `(..., outputs)`; ReLU follows where `relu` says so."""

    def __init__(self, inputs: int, outputs: int, *, relu: bool = False, l2: float = 0.0, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.relu, self.l2 = relu, l2
        _as_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return functional.relu(y) if self.relu else y


class Convolution(nn.Conv1d):
    """A convolution over places `(B, channels, places)`, with ReLU; `same` keeps the number of places."""

    def __init__(self, inputs: int, filters: int, kernel_size: int, *, same: bool, l2: float = 0.0) -> None:
        super().__init__(inputs, filters, kernel_size, padding="same" if same else 0)
        self.l2 = l2
        _as_keras(self)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(super().forward(x))


class Recurrent(nn.LSTM):
    """An LSTM `(B, places, inputs)` to `(B, places, units)`, with one bias a unit and gate, 1 at the forget gates."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__(inputs, units, batch_first=True)
        parameters = dict(self.named_parameters())
        nn.init.xavier_uniform_(parameters["weight_ih_l0"])
        nn.init.orthogonal_(parameters["weight_hh_l0"])
        for name in ("bias_ih_l0", "bias_hh_l0"):
            nn.init.zeros_(parameters[name])
        with torch.no_grad():
            parameters["bias_ih_l0"][units : 2 * units] = 1.0
        parameters["bias_hh_l0"].requires_grad_(False)  # torch has two biases, whose sum counts

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        found: Tensor = super().forward(x)[0]
        return found


def normalised(features: int) -> nn.BatchNorm1d:
    """Return batch normalisation of `(B, features)` or `(B, features, places)`."""
    return nn.BatchNorm1d(features, eps=1e-3, momentum=0.01)


class ResidualDense(nn.Module):
    """Dense, ReLU, batch normalisation, and the input added."""

    def __init__(self, units: int, l2: float = 0.0) -> None:
        super().__init__()
        self.dense, self.norm = Dense(units, units, relu=True, l2=l2), normalised(units)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.dense(x)) + x
        return y


class ResidualBlock(nn.Module):
    """Two dense layers with batch normalisation, a ReLU between them, and one after the input is added.

    Args:
        units: of input and output.
        highway: whether the second ReLU comes before the input is added.
    """

    def __init__(self, units: int, *, highway: bool = False) -> None:
        super().__init__()
        self.first, self.second = (nn.Sequential(Dense(units, units), normalised(units)) for _ in range(2))
        self.highway = highway

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(functional.relu(self.first(x)))
        return functional.relu(y) + x if self.highway else functional.relu(y + x)


class ParallelStacks(nn.Module):
    """Towers of `ResidualDense` beside each other, whose outputs and the input are added up.

    Args:
        units: of input and output.
        layers: of each tower.
        stacks: towers.
        dispatch: an upscaling dense layer gives each tower a slice of its own.
        l2: of the kernels.
    """

    def __init__(self, units: int, layers: int, stacks: int, *, dispatch: bool = False, l2: float = 0.0) -> None:
        super().__init__()
        self.scale = Dense(units, units * stacks) if dispatch else None
        towers = (nn.Sequential(*(ResidualDense(units, l2) for _ in range(layers))) for _ in range(stacks))
        self.towers = nn.ModuleList(towers)

    def forward(self, x: Tensor) -> Tensor:
        count = len(self.towers)
        parts = [x] * count if self.scale is None else self.scale(x).chunk(count, dim=-1)
        total = x
        for tower, part in zip(self.towers, parts, strict=True):
            total = total + tower(part)
        return total


class SelfAttention(nn.Module):
    """Each word a mixture of all words' values, by the scaled products of queries and keys.

    Args:
        words: how many there are.
        length: numbers in a word.
        units: of queries, keys and values; None: `length`. Of others, a last layer goes back to `length`.
        norm: one of `NORMS`.

    Shapes: `(B, words, length)` to the same.
    """

    def __init__(self, words: int, length: int, units: int | None = None, norm: str = "softmax") -> None:
        super().__init__()
        wide = length if units is None else units
        self.keys, self.queries, self.values = (Dense(length, wide, bias=False) for _ in range(3))
        self.back = None if units is None else Dense(units, length, bias=False)
        self.norm: nn.Module | None = None
        if norm in ("layernorm", "batchnorm"):
            self.norm = nn.LayerNorm(words) if norm == "layernorm" else normalised(words)
        self.kind, self.scale = norm, 1 / math.sqrt(length)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.queries(x) @ self.keys(x).transpose(1, 2) * self.scale
        if self.kind == "softmax":
            scores = scores.softmax(-1)
        elif self.kind == "batchnorm":
            scores = self.norm(scores.transpose(1, 2)).transpose(1, 2)  # type: ignore[misc]
        elif self.norm is not None:
            scores = self.norm(scores)
        found: Tensor = scores @ self.values(x)
        return found if self.back is None else self.back(found)


class MultiHeadSelfAttention(nn.Module):
    """Heads of self-attention, each with its input added, joined; then ReLU, a linear layer, and its input added.

    Args:
        words, length, units, norm: as for `SelfAttention`.
        heads: how many.
        join: "concat", a linear layer over all heads, or "add", the sum of their ReLUs.
        normalise: whether layer normalisation follows the join and the end.
    """

    def __init__(
        self,
        words: int,
        length: int,
        heads: int,
        units: int | None = None,
        norm: str = "softmax",
        join: str = "concat",
        *,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(SelfAttention(words, length, units, norm) for _ in range(heads))
        wide = heads * length if join == "concat" else length
        self.joined = Dense(wide, length, bias=False) if join == "concat" else None
        self.first = nn.LayerNorm(wide) if normalise else nn.Identity()
        self.last = nn.LayerNorm(length) if normalise else nn.Identity()
        self.linear = Dense(length, length, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = [head(x) + x for head in self.heads]
        if self.joined is None:
            y = self.first(torch.stack([functional.relu(part) for part in parts]).sum(0))
        else:
            y = self.joined(self.first(torch.cat(parts, dim=-1)))
        found: Tensor = self.last(self.linear(functional.relu(y)) + y)
        return found


def _as_keras(layer: nn.Linear | nn.Conv1d) -> None:
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
