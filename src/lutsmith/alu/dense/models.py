"""ALU_Net's models, as they were published; sizes are arguments, whose defaults are its own.

Each function takes the shape of an example and how many outputs there are, and returns a module from examples
`(B, *shape)` of 0 and 1, in any numeric dtype, to logits `(B, outputs)`. ALU_Net's models end in sigmoids, which here
are in the loss, so that a model takes either loss. Those of October 2021 have `_2021` in their names, two of which were
given to other models later; `res_mod_head` is the only one of its last version.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.alu.dense.layers import (
    NORMS,
    Convolution,
    Dense,
    MultiHeadSelfAttention,
    ParallelStacks,
    Recurrent,
    ResidualBlock,
    ResidualDense,
    SelfAttention,
    normalised,
)
from lutsmith.ground.arguments import one_of, whole_number


class _Bits(nn.Module):
    """Examples as float32: `(B, inputs)`, with `places` `(B, inputs, 1)`, with `words` in their own shape."""

    def __init__(self, *, places: bool = False, words: bool = False) -> None:
        super().__init__()
        self.places, self.words = places, words

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        x = x if self.words else x.flatten(1)
        return x[..., None] if self.places else x


class _Chain(nn.Module):
    """Layers, then batch normalisation of each where there is one, with the input added (or joined) where it fits.

    Args:
        layers: in order.
        norms: of each; None: none.
        before: whether the input is added before the normalisation.
        joined: the input is put beside the output instead.
        far: of every 4th layer the input of 3 layers before is averaged in, of every 8th that of 7 before.
    """

    def __init__(
        self,
        layers: list[nn.Module],
        norms: list[nn.Module] | None = None,
        *,
        before: bool = False,
        joined: bool = False,
        far: bool = False,
    ) -> None:
        super().__init__()
        self.layers, self.norms = nn.ModuleList(layers), nn.ModuleList(norms or [nn.Identity() for _ in layers])
        self.before, self.joined, self.far = before, joined, far

    def forward(self, x: Tensor) -> Tensor:
        outputs = [x]
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True), 1):
            y = layer(x)
            fits = y.shape == x.shape
            if self.before:
                y = norm(y + x if fits else y)
            elif self.joined:
                y = torch.cat([norm(y), x], dim=-1)
            else:
                y = norm(y) + x if fits else norm(y)
            if self.far:
                back = [outputs[number - every + 1] for every in (4, 8) if number % every == 0]
                y = sum(back, start=y) / (1 + len(back))
            x = y
            outputs.append(x)
        return x


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _dense_stack(inputs: int, units: int, layers: int, l2: float = 0.0) -> list[nn.Module]:
    return [Dense(inputs if n == 0 else units, units, relu=True, l2=l2) for n in range(layers)]


def minimal_2021(shape: tuple[int, ...], outputs: int, units: int = 64, layers: int = 3, l2: float = 1e-7) -> nn.Module:
    """Dense layers."""
    return nn.Sequential(_Bits(), *_dense_stack(_size(shape), units, layers, l2), Dense(units, outputs))


def medium_2021(
    shape: tuple[int, ...], outputs: int, units: int = 256, layers: int = 3, filters: int = 16, kernel_size: int = 3
) -> nn.Module:
    """A dense layer, two convolutions over its units, dense layers."""
    flat = filters * (units - 2 * (kernel_size - 1))
    convolutions = [Convolution(n, filters, kernel_size, same=False) for n in (1, filters)]
    return nn.Sequential(
        _Bits(), Dense(_size(shape), units, relu=True), nn.Unflatten(1, (1, units)), *convolutions, nn.Flatten(),
        *_dense_stack(flat, units, layers), Dense(units, outputs),
    )  # fmt: skip


class _Branches(nn.Module):
    """Modules on the same input, their outputs beside each other."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=-1)


def large_2021(
    shape: tuple[int, ...],
    outputs: int,
    units: int = 1024,
    layers: int = 3,
    filters: int = 64,
    kernel_size: int = 3,
    conv_layers: int = 4,
) -> nn.Module:
    """Convolutions, dense layers, and dense layers with skips, beside each other."""
    inputs = _size(shape)
    convolutions = [Convolution(filters if n else 1, filters, kernel_size, same=False) for n in range(conv_layers)]
    flat = filters * (inputs - conv_layers * (kernel_size - 1))
    tower = nn.Sequential(nn.Unflatten(1, (1, inputs)), *convolutions, nn.Flatten(), Dense(flat, units, relu=True))
    plain = nn.Sequential(*_dense_stack(inputs, units, layers))
    skipping = _Chain(_dense_stack(inputs, units, layers))
    joined = Dense(3 * units, units, relu=True)
    return nn.Sequential(_Bits(), _Branches(tower, plain, skipping), joined, Dense(units, outputs))


def minimal_prm(
    shape: tuple[int, ...], outputs: int, units: int = 1280, layers: int = 32, l2: float = 5e-9, concat: bool = False
) -> nn.Module:
    """Dense layers with batch normalisation and skips, or with `concat` each input joined to its output."""
    widths = [units * (n + 1) if concat else units for n in range(layers)]
    stack: list[nn.Module] = [Dense(width, units, relu=True, l2=l2) for width in widths[:-1]]
    chain = _Chain(stack, [normalised(units) for _ in stack], joined=concat)
    return nn.Sequential(_Bits(), Dense(_size(shape), units), chain, Dense(widths[-1], outputs))


def minimal_prm_bt(
    shape: tuple[int, ...], outputs: int, units: int = 1280, layers: int = 32, l2: float = 5e-9
) -> nn.Module:
    """As `minimal_prm`, with skips over 3 layers at every 4th and over 7 at every 8th, averaged."""
    stack = _dense_stack(units, units, layers - 1, l2)
    chain = _Chain(stack, [normalised(units) for _ in stack], far=True)
    return nn.Sequential(_Bits(), Dense(_size(shape), units), chain, Dense(units, outputs))


def medium(
    shape: tuple[int, ...],
    outputs: int,
    units: int = 512,
    layers: int = 4,
    lstm_units: int = 368,
    lstm_layers: int = 6,
    l2: float = 0.0,
) -> nn.Module:
    """LSTMs over the bits with skips, then dense layers with skips."""
    recurrent: list[nn.Module] = [Recurrent(lstm_units if n else 1, lstm_units) for n in range(lstm_layers)]
    stack = _dense_stack(_size(shape) * lstm_units, units, layers, l2)
    return nn.Sequential(_Bits(places=True), _Chain(recurrent), nn.Flatten(), _Chain(stack), Dense(units, outputs))


def _convolutions(inputs: int, filters: int, kernel_size: int, layers: int, l2: float) -> nn.Sequential:
    """Return convolutions with skips and batch normalisation, of places to `filters * inputs` numbers."""
    stack: list[nn.Module] = [
        Convolution(filters if n else 1, filters, kernel_size, same=True, l2=l2) for n in range(layers)
    ]
    chain = _Chain(stack, [normalised(filters) for _ in stack], before=True)
    return nn.Sequential(nn.Unflatten(1, (1, inputs)), chain, nn.Flatten())


def large(
    shape: tuple[int, ...],
    outputs: int,
    units: int = 256,
    layers: int = 3,
    filters: int = 32,
    kernel_size: int = 3,
    conv_layers: int = 2,
    l2: float = 1e-7,
) -> nn.Module:
    """Convolutions over the bits, then dense layers, all with skips and batch normalisation."""
    inputs = _size(shape)
    stack = _dense_stack(filters * inputs, units, layers)
    chain = _Chain(stack, [normalised(units) for _ in stack], before=True)
    tower = _convolutions(inputs, filters, kernel_size, conv_layers, l2)
    return nn.Sequential(_Bits(), tower, chain, Dense(units, outputs))


def large_par(
    shape: tuple[int, ...],
    outputs: int,
    units: int = 512,
    layers: int = 6,
    filters: int = 32,
    kernel_size: int = 3,
    conv_layers: int = 4,
    joined_units: int = 256,
    l2: float = 1e-7,
) -> nn.Module:
    """The two halves of `large` beside each other."""
    inputs = _size(shape)
    stack = _dense_stack(inputs, units, layers)
    dense = _Chain(stack, [normalised(units) for _ in stack], before=True)
    tower = _convolutions(inputs, filters, kernel_size, conv_layers, l2)
    joined = Dense(filters * inputs + units, joined_units, relu=True)
    return nn.Sequential(_Bits(), _Branches(tower, dense), joined, Dense(joined_units, outputs))


def res(shape: tuple[int, ...], outputs: int, units: int = 1024, layers: int = 8, highway: bool = False) -> nn.Module:
    """Residual blocks of two dense layers each."""
    blocks = (ResidualBlock(units, highway=highway) for _ in range(layers))
    return nn.Sequential(_Bits(), Dense(_size(shape), units), *blocks, Dense(units, outputs))


def res_mod(
    shape: tuple[int, ...],
    outputs: int,
    units: int = 512,
    layers: int = 12,
    stacks: int = 4,
    dispatch: bool = False,
    l2: float = 0.0,
) -> nn.Module:
    """Towers of residual dense layers beside each other, added up."""
    towers = ParallelStacks(units, layers, stacks, dispatch=dispatch, l2=l2)
    return nn.Sequential(_Bits(), Dense(_size(shape), units), towers, Dense(units, outputs))


class _Doubled(nn.Module):
    """Two times the sigmoid."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x.sigmoid()


def res_mod_head(
    shape: tuple[int, ...],
    outputs: int,
    units: int = 512,
    layers: int = 4,
    last_units: int = 96,
    l2: float = 5e-8,
    attention_layers: int = 0,
    heads: int = 1,
    attention_units: int | None = None,
    norm: str = "softmax",
    join: str = "concat",
) -> nn.Module:
    """Self-attention over words, if any, then residual dense layers, and two times a sigmoid before the last one."""
    one_of("norm", norm, NORMS)
    one_of("join", join, ("concat", "add"))
    whole_number("heads", heads, 1)
    if whole_number("attention_layers", attention_layers, 0) and len(shape) != 2:
        raise ValueError(f"attention_layers is {attention_layers} and examples are {shape}; expected encoding='words'")
    attention: list[nn.Module] = []
    for _ in range(attention_layers):
        words = (shape[0], shape[1])
        attention.append(
            SelfAttention(*words, attention_units, norm)
            if heads == 1
            else MultiHeadSelfAttention(*words, heads, attention_units, norm, join)
        )
    stack = [ResidualDense(units, l2) for _ in range(layers)]
    return nn.Sequential(
        _Bits(words=True), *attention, nn.Flatten(), Dense(_size(shape), units), *stack,
        Dense(units, last_units), _Doubled(), Dense(last_units, outputs),
    )  # fmt: skip
