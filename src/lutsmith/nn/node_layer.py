"""Layers of your own: they state which LUTs they consist of, and lowering, proof and eval mode read this statement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.ground.arguments import whole_number
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import MAX_RANK, Reads
from lutsmith.nn.hardening import Hardening
from lutsmith.nn.places import as_tensor
from lutsmith.nn.precision import without_autocast

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class Nodes(NamedTuple):
    """LUTs of one rank.

    Attributes:
        inputs: integers `(LUTs, rank)`, the signals that each LUT reads, the least significant address bit first.
        tables: bool `(LUTs, 2**rank)`, entry a at address a.
    """

    inputs: Any
    tables: Any


class NodeLayer(Hardening, ABC):
    """A layer of your own, from bits to bits: a subclass defines `nodes`, the LUTs that it consists of, and `soft`.

    In training mode the output is `soft(x)`. In eval mode it is the look-up in `nodes()`, inputs being compared with
    1/2: the layer computes what it states, so that the circuit equals the layer, and `prove_lowering` reads it back
    like any other. A subclass that overrides `forward` or `lower` may compute something other than it states, so the
    proof does not accept it.

    Signals are numbered: the inputs of the layer from 0 to in_dim - 1, then the LUTs, group by group. A group reads
    the inputs and the groups before it; the last one is the output.

    Args:
        in_dim: inputs.

    Shapes: `(..., in_dim)` to `(..., LUTs of the last group)`, of a float dtype.

    Raises:
        TypeError, ValueError: an impossible size; in use, another number of inputs, or nodes and soft values that do
            not fit.
    """

    def __init__(self, in_dim: int) -> None:
        super().__init__()
        self.in_dim = whole_number("in_dim", in_dim, 1)

    @abstractmethod
    def nodes(self) -> Sequence[Nodes]:
        """The LUTs that the present parameters stand for, one group or more; equal parameters must give equal LUTs."""

    @abstractmethod
    def soft(self, x: Tensor) -> Tensor:
        """The differentiable output `(..., LUTs of the last group)` of inputs `(..., in_dim)` in training."""

    @torch.no_grad()
    def checked_nodes(self) -> list[tuple[Tensor, Tensor]]:
        """What `nodes` gives, as inputs, int32, and tables, bool.

        Raises:
            TypeError: not a list of `Nodes`; inputs that are not integers, tables that are not bool.
            ValueError: none, shapes that do not fit, or inputs that are not there yet.
        """
        with without_autocast(next(chain(self.parameters(), self.buffers()), torch.empty(0))):
            stated, name = self.nodes(), type(self).__name__
        if not isinstance(stated, (list, tuple)) or any(not isinstance(group, tuple) for group in stated):
            raise TypeError(f"{name}.nodes() is {stated!r}; expected a list of lutsmith.nn.Nodes")
        if not stated:
            raise ValueError(f"{name}.nodes() is empty; expected one group of LUTs or more")
        found, signals = [], self.in_dim
        for number, (wires, entries) in enumerate(stated):
            what = f"group {number} of {name}.nodes()"
            inputs, tables = as_tensor("inputs", wires), as_tensor("tables", entries)
            if inputs.is_floating_point() or inputs.is_complex() or inputs.dtype == torch.bool:
                raise TypeError(f"{what} has inputs of {inputs.dtype}; expected integers, the signals that LUTs read")
            if tables.dtype != torch.bool:
                raise TypeError(f"{what} has tables of {tables.dtype}; expected torch.bool")
            if inputs.ndim != 2 or not len(inputs) or not 1 <= inputs.shape[1] <= MAX_RANK:
                raise ValueError(
                    f"{what} has inputs of shape {tuple(inputs.shape)}; expected (LUTs, rank), rank from 1 to "
                    f"{MAX_RANK}"
                )
            if tables.shape != (len(inputs), 1 << inputs.shape[1]):
                expected = len(inputs), 1 << inputs.shape[1]
                raise ValueError(f"{what} has tables of shape {tuple(tables.shape)}; expected {expected}")
            low, high = int(inputs.min()), int(inputs.max())
            if low < 0 or high >= signals:
                raise ValueError(f"{what} reads the signals {low} to {high}; expected 0 to {signals - 1}")
            found.append((inputs.int().contiguous(), tables.contiguous()))
            signals += len(inputs)
        return found

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.in_dim:
            raise ValueError(f"{type(self).__name__}(in_dim={self.in_dim}) got an input of shape {tuple(x.shape)}")
        x = x if x.is_floating_point() else x.float()
        if not self.training:
            return self._looked_up(x)
        y = self.soft(x)
        if y.shape[:-1] != x.shape[:-1]:
            raise ValueError(
                f"{type(self).__name__}.soft gave {tuple(y.shape)} of inputs {tuple(x.shape)}; expected "
                f"{(*x.shape[:-1], 'LUTs')}"
            )
        return y

    def _looked_up(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, self.in_dim).t()
        found = rows
        for inputs, tables in self.checked_nodes():
            found = ops.lookup(rows, tables.to(rows), Reads(inputs.to(rows.device)))
            rows = torch.cat([rows, found])
        return found.t().reshape(*x.shape[:-1], len(found))

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs reading `signals` `(..., in_dim)`, and return those of the last group, `(..., LUTs)`."""
        if signals.shape[-1:] != (self.in_dim,):
            raise ValueError(f"its in_dim={self.in_dim} inputs cannot be signals of shape {signals.shape}")
        groups = [(inputs.cpu().numpy(), tables.cpu().numpy()) for inputs, tables in self.checked_nodes()]
        rows = []
        for known in signals.reshape(-1, self.in_dim):
            for inputs, tables in groups:
                found = builder.lut(known[inputs], tables)
                known = np.concatenate([known, found])
            rows.append(found)
        return np.stack(rows).reshape(*signals.shape[:-1], -1)

    def extra_repr(self) -> str:
        return f"in_dim={self.in_dim}"
