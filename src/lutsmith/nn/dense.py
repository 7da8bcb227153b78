"""The dense LUT layer: every LUT may read any input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.kernels.training import ops
from lutsmith.nn.connections import setup_connections
from lutsmith.nn.lowering import lower_luts
from lutsmith.nn.parametrizations import bit_order, setup_parametrization

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class LogicDense(nn.Module):
    """`out_dim` LUTs of `lut_rank` inputs each, over `in_dim` inputs (the names are those of BitLogic's LogicDense).

    In training mode the output is the parametrization's differentiable form. In eval mode it is the hardware: inputs
    are compared with 1/2, and every output is 0 or 1, the entry of the LUT's truth table.

    Args:
        in_dim: inputs.
        out_dim: LUTs.
        lut_rank: inputs of a LUT, 1 to 8.
        parametrization: a name of `list_parametrizations()`, or BitLogic's name of one.
        connections: a name of `list_connections()`: `"fixed"` (alias `"random"`), `"learnable"`, `"top-k"` or
            `"dense"`. The options below are those of `setup_connections`; the kinds' classes tell which take which, and
            their defaults.
        init_method: the wiring of fixed connections, a name of `list_wirings()`, or where learnable ones take their
            candidates from.
        num_candidates: candidates of each slot, 2 to `in_dim`, or -1 for all; default 8.
        connection_temperature: of the softmax over the scores; default 1 (dense: 0.001).
        connection_sampling: `"hard"` (the default), `"soft"` or `"gumbel"`.
        connection_rule: the gradient of hard choices: `"softmax"` (straight-through, the default) or `"dwn"` (that of
            dense connections).
        num_groups: inputs and LUTs are cut into so many runs, and a LUT reads those of its own.
        group_bias: the share of a slot's candidates that come from its own group; default 1.
        indices: the wiring of fixed connections itself, integers `(out_dim, lut_rank)`.
        shape: of the inputs, for the wiring `"local"`.
        window: of the wiring `"local"`.
        spans: of the wiring `"spans"`.
        unique: with dense connections, whether a LUT reads distinct inputs; default True.
        usable: bool, `in_dim` elements: inputs that may be wired at all; see `Thermometer.usable`.
        generator: source of all random numbers of the construction; None is torch's global one.
        device: of the parameters and buffers.
        **settings: the parametrization's arguments: `forward_sampling`, `temperature`, `weight_init`,
            `residual_probability`, `form`, and those of its own, such as `rho` of `dwn`. (BitLogic's `anchor_init` has
            no meaning here, and is refused as any other name is.)

    Shapes: `(..., in_dim)` to `(..., out_dim)`, float32, float64 or bfloat16; stored feature-major.

    Parameters: `weight`, float32 `(out_dim, num_weights)`, and those of `connections`.

    Raises:
        ValueError: an unknown parametrization or connections, a setting that they do not have, a size or value that
            cannot be, such as `in_dim < lut_rank`.
        TypeError: a value of a wrong type.
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int = 6,
        *,
        parametrization: str = "light",
        connections: str = "fixed",
        init_method: str | None = None,
        num_candidates: int | None = None,
        connection_temperature: float | None = None,
        connection_sampling: str | None = None,
        connection_rule: str | None = None,
        num_groups: int | None = None,
        group_bias: float | None = None,
        indices: Any = None,
        shape: Sequence[int] | None = None,
        window: int | Sequence[int] | None = None,
        spans: Sequence[Any] | None = None,
        unique: bool | None = None,
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.lut_rank = lut_rank
        self.parametrization_name = parametrization
        self.parametrization = setup_parametrization(parametrization, lut_rank, **settings)
        self.connections = setup_connections(
            connections,
            in_dim,
            out_dim,
            lut_rank,
            init_method=init_method,
            num_candidates=num_candidates,
            temperature=connection_temperature,
            sampling=connection_sampling,
            rule=connection_rule,
            num_groups=num_groups,
            group_bias=group_bias,
            indices=indices,
            shape=shape,
            window=window,
            spans=spans,
            unique=unique,
            usable=usable,
            generator=generator,
        )
        self.weight = nn.Parameter(self.parametrization.initial_weight(out_dim, generator))
        if device is not None:
            self.to(device)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.in_dim:
            raise ValueError(f"LogicDense(in_dim={self.in_dim}) got an input of shape {tuple(x.shape)}")
        if x.is_complex():
            raise TypeError(f"LogicDense got a {x.dtype} tensor; it reads real numbers")
        rows = x.reshape(-1, self.in_dim).t()
        if not rows.is_floating_point():
            rows = rows.to(self.weight.dtype)
        if self.training:
            rows, reads = self.connections.route(rows)
            y = self.parametrization.evaluate(rows, self.weight, reads)
        else:
            y = ops.lookup(rows, self.hard_tables().to(rows.dtype), self.connections.reads())
        return y.t().reshape(*x.shape[:-1], self.out_dim)

    def hard_tables(self) -> Tensor:
        """The truth tables of the circuit, bool `(out_dim, 2**lut_rank)`."""
        return self.parametrization.hard_tables(self.weight.detach())

    def get_luts_and_ids(self, msb_first: bool = False) -> tuple[Tensor, Tensor]:
        """Truth tables, uint8 `(out_dim, 2**lut_rank)` of 0 and 1, and inputs read, int64 `(lut_rank, out_dim)`.

        Entry a of a table is the output at the address a; row 0 of the inputs is its least significant bit, or with
        `msb_first` (BitLogic's and torchlogix's order) its most significant one.
        """
        luts = self.hard_tables().to(torch.uint8)
        if msb_first:
            luts = bit_order.msb_first(luts)
        return luts, self.connections.inputs().t().long()

    def freeze(self) -> None:
        """Keep the present wiring from now on (learned connections; fixed ones do so already)."""
        self.connections.freeze()

    def clamp_(self) -> None:
        """Bound the weights in place where the parametrization wants it (`dwn`: to [-1, 1]); call after each step."""
        self.parametrization.clamp_(self.weight)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs reading `signals` `(..., in_dim)` and return theirs, `(..., out_dim)`."""
        return lower_luts(builder, signals, self.in_dim, self.connections.inputs(), self.hard_tables())

    def extra_repr(self) -> str:
        return f"in_dim={self.in_dim}, out_dim={self.out_dim}, lut_rank={self.lut_rank}, {self.parametrization_name!r}"
