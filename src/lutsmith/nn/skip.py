"""Bits that go past a layer: networks whose LUTs read more than the layer before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import instance_of
from lutsmith.nn.dense import LogicDense

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class Wires(nn.Module):
    """Bits of the last axis, chosen, ordered or repeated: `x[..., inputs]`. In a circuit these are only wires.

    Args:
        in_dim: how many bits there are.
        inputs: integers `(W,)`, which of them each output is.

    Buffers: `inputs`, int64 `(W,)`.

    Raises:
        ValueError: inputs that do not exist.
    """

    inputs: Tensor

    def __init__(self, in_dim: int, inputs: Any) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.register_buffer("inputs", _checked("inputs", in_dim, inputs))

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(-1, 0).index_select(0, self.inputs).movedim(0, -1)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:  # noqa: ARG002
        """Return the signals `(..., W)` of `(..., in_dim)`."""
        return _selected(signals, self.in_dim, self.inputs)

    def extra_repr(self) -> str:
        return f"in_dim={self.in_dim}, out_dim={len(self.inputs)}"


class Skip(nn.Module):
    """A layer of LUTs whose output begins with some of its inputs as they are, for later layers to read past it.

    In eval mode the inputs are the bits `x > 1/2`, as LUTs read them.

    Args:
        layer: the LUTs.
        kept: integers `(K,)`, the inputs that go past them.

    Shapes: `(..., in_dim)` to `(..., K + out_dim)`. Buffers: `kept`, int64 `(K,)`.

    Raises:
        TypeError: a layer that is not a `LogicDense`.
        ValueError: inputs that do not exist.
    """

    kept: Tensor

    def __init__(self, layer: LogicDense, kept: Any) -> None:
        super().__init__()
        instance_of("layer", layer, LogicDense)
        self.layer = layer
        self.register_buffer("kept", _checked("kept", layer.in_dim, kept))

    def forward(self, x: Tensor) -> Tensor:
        luts = self.layer(x).movedim(-1, 0)
        past = x.movedim(-1, 0).index_select(0, self.kept)
        return torch.cat([(past if self.training else past > 0.5).to(luts.dtype), luts]).movedim(0, -1)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs reading `signals` `(..., in_dim)`; return `(..., K + out_dim)`, theirs after those kept."""
        past = _selected(signals, self.layer.in_dim, self.kept)
        return np.concatenate([past, self.layer.lower(builder, signals)], axis=-1)

    def extra_repr(self) -> str:
        return f"kept={len(self.kept)}"


def _checked(name: str, in_dim: int, places: Any) -> Tensor:
    wanted = torch.as_tensor(places).detach().cpu().long().clone()
    if wanted.ndim != 1 or (wanted.numel() and not 0 <= int(wanted.min()) <= int(wanted.max()) < in_dim):
        raise ValueError(f"{name} has shape {tuple(wanted.shape)}; expected numbers of inputs, 0 to {in_dim - 1}")
    return wanted


def _selected(signals: NDArray[np.int32], in_dim: int, places: Tensor) -> NDArray[np.int32]:
    if signals.shape[-1:] != (in_dim,):
        raise ValueError(f"its in_dim={in_dim} inputs cannot be signals of shape {signals.shape}")
    chosen: NDArray[np.int32] = signals[..., places.cpu().numpy()]
    return chosen
