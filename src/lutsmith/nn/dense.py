"""The dense LUT layer: every LUT may read any input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads, taken
from lutsmith.nn.connections import options_given, setup_connections
from lutsmith.nn.gradient_factor import checked_factor, scaled_gradient
from lutsmith.nn.hardening import Hardening
from lutsmith.nn.lowering import lower_luts
from lutsmith.nn.parametrizations import bit_order, setup_parametrization
from lutsmith.nn.places import checked_owners, owners_of, runs_of, wrong_owners
from lutsmith.nn.precision import as_activations

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class LogicDense(Hardening):
    """`out_dim` LUTs of `lut_rank` inputs each, over `in_dim` inputs (the names are those of BitLogic's LogicDense).

    In training mode the output is the parametrization's differentiable form. In eval mode it is the hardware: inputs
    are compared with 1/2, and every output is 0 or 1, the entry of the LUT's truth table.

    Args:
        in_dim: inputs.
        out_dim: LUTs.
        lut_rank: inputs of a LUT, 1 to 8.
        parametrization: a name of `list_parametrizations()`, or BitLogic's name of one.
        connections: a name of `list_connections()`: `"fixed"` (alias `"random"`), `"learnable"`, `"top-k"` or
            `"dense"`. The options below are those of `setup_connections`; the class of each kind says which it takes,
            with their defaults.
        init_method: the wiring of fixed connections, a name of `list_wirings()`, or where learnable ones take their
            candidates from.
        num_candidates: candidates of each slot, 2 to `in_dim`, or -1 for all; default 8.
        connection_temperature: of the softmax over the scores; default 1 (dense: 0.001).
        connection_sampling: `"hard"` (the default), `"soft"` or `"gumbel"`.
        connection_rule: the gradient of hard choices: `"softmax"` (straight-through, the default) or `"dwn"` (that of
            dense connections).
        num_groups: inputs and LUTs are cut into this many runs, and a LUT reads the inputs of its own run.
        group_bias: the share of a slot's candidates that come from its own group; default 1.
        indices: the wiring of fixed connections itself, integers `(out_dim, lut_rank)`.
        shape: of the inputs, for the wiring `"local"`.
        window: of the wiring `"local"`.
        spans: of the wiring `"spans"`.
        unique: with dense connections, whether a LUT reads distinct inputs; default True.
        usable: bool, `in_dim` elements: inputs that may be wired at all; see `Thermometer.usable`.
        table_of: integers `(out_dim,)`, the table of each LUT, for a kernel that stands at several places: tables are
            numbered from 0, and each is read by some LUT. LUTs sorted by their table, as in `[0, 0, 0, 1, 1, 1]`, cost
            least. None: each LUT has its own.
        score_of: integers `(out_dim,)`, the scores of each LUT, where the places of a kernel share those of learnable
            connections: see `LearnableConnections`. None: each LUT has its own.
        candidates: of learnable connections, the candidates themselves, integers `(out_dim, lut_rank, K)`.
        grad_factor: what the gradient toward the inputs is multiplied by (torchlogix's; for deep networks, above 1).
        generator: source of all random numbers of the construction; None is torch's global one.
        device: of the parameters and buffers.
        **settings: the parametrization's arguments: `forward_sampling`, `temperature`, `weight_init`,
            `residual_probability`, `form`, and those of its own, such as `rho` of `dwn`; and the options of a wiring of
            your own (`register_wiring`). (BitLogic's `anchor_init` has no meaning here, and is refused like any unknown
            name.)

    Shapes: `(..., in_dim)` to `(..., out_dim)`, float32, float64 or bfloat16; stored feature-major. The output has the
    dtype of the input. In training under `torch.autocast("cpu", torch.bfloat16)` it is bfloat16 where the layer is
    quicker so (LUTs of up to four inputs with tables of their own, 128 samples and more), and else float32.

    Parameters: `weight`, float32 `(tables, num_weights)`, and those of `connections`. There are `out_dim` tables, or as
    many as `table_of` names. Noise in tables (Gumbel samplings) is then drawn once for each table. Where a
    parametrization adds noise to the output (`warp`, `poly`, `linear`, `neural`), it is drawn for each LUT and sample,
    as always.

    Buffers: those of `connections`, and `table_of`, int32, where it was given.

    Raises:
        ValueError: an unknown parametrization or connections, a setting that they do not have, an impossible size or
            value, such as `in_dim < lut_rank`.
        TypeError: a value of a wrong type.
    """

    grad_factor: float = 1.0  # of layers that were pickled before they had one
    table_of: Tensor | None
    _table_ptr: Tensor | None
    _order: Tensor | None
    _back: Tensor | None

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
        table_of: Any = None,
        score_of: Any = None,
        candidates: Any = None,
        grad_factor: float = 1.0,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.in_dim = in_dim
        self.out_dim = out_dim
        self.lut_rank = lut_rank
        self.grad_factor = checked_factor(grad_factor)
        self.parametrization_name = parametrization
        of_wiring = options_given(init_method, settings)
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
            score_of=score_of,
            candidates=candidates,
            generator=generator,
            **of_wiring,
        )
        owners = None if table_of is None else checked_owners("table_of", table_of, out_dim)
        tables = out_dim if owners is None else int(owners.max()) + 1
        self.weight = nn.Parameter(self.parametrization.initial_weight(tables, generator))
        self._share(owners)
        if device is not None:
            self.to(device)

    def _share(self, owners: Tensor | None) -> None:
        """Set `table_of`, and what follows from it: the order in which the kernels take the LUTs, and back from it."""
        self.register_buffer("table_of", owners)
        pointers = order = None
        if owners is not None:
            pointers, order = runs_of(owners, len(self.weight))
        self.register_buffer("_table_ptr", pointers, persistent=False)
        self.register_buffer("_order", order, persistent=False)
        self.register_buffer("_back", None if order is None else order.argsort(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.in_dim:
            raise ValueError(f"LogicDense(in_dim={self.in_dim}) got an input of shape {tuple(x.shape)}")
        if x.is_complex():
            raise TypeError(f"LogicDense got a {x.dtype} tensor; it reads real numbers")
        rows = x.reshape(-1, self.in_dim).t()
        if not rows.is_floating_point():
            rows = rows.to(self.weight.dtype)
        if self.training:
            rows, reads = self.connections.route(scaled_gradient(rows, self.grad_factor))
            reads = self._by_table(reads)
            rows = as_activations(rows, reads, folds=self.parametrization.folds)
            y = self.parametrization.evaluate(rows, self.weight, reads)
        else:
            y = ops.lookup(rows, self.hard_tables().to(rows.dtype), self._by_table(self.connections.reads()))
        if self._back is not None:
            y = y.index_select(0, self._back)
        return y.t().reshape(*x.shape[:-1], self.out_dim)

    def tables_read(self) -> Tensor | None:
        """The table that each LUT reads in the forward pass, int64 `(out_dim,)`; None: each has its own."""
        return None if self._table_ptr is None else owners_of(self._table_ptr, self._order)

    def _by_table(self, reads: Reads) -> Reads:
        """What the LUTs read, table by table where they share tables."""
        if self._table_ptr is None:
            return reads
        reads = reads if self._order is None else taken(reads, self._order)
        return reads._replace(table_ptr=self._table_ptr)

    def hard_tables(self) -> Tensor:
        """The truth tables of the circuit, bool `(tables, 2**lut_rank)`: one for each LUT, or as `table_of` says."""
        return self.parametrization.hard_tables(self.weight.detach())

    def get_luts_and_ids(self, msb_first: bool = False) -> tuple[Tensor, Tensor]:
        """Truth tables, uint8 `(out_dim, 2**lut_rank)` of 0 and 1, and inputs read, int64 `(lut_rank, out_dim)`.

        Entry a of a table is the output at the address a; row 0 of the inputs is its least significant bit, or with
        `msb_first` (BitLogic's and torchlogix's order) its most significant one.
        """
        luts = self.hard_tables().to(torch.uint8)
        if msb_first:
            luts = bit_order.msb_first(luts)
        if (tables := self.tables_read()) is not None:
            luts = luts[tables]
        return luts, self.connections.inputs().t().long()

    def freeze(self) -> None:
        """Keep the present wiring from now on (learned connections; fixed ones do so already)."""
        self.connections.freeze()

    def clamp_(self) -> None:
        """Bound the weights in place where the parametrization wants it (`dwn`: to [-1, 1]); call after each step."""
        self.parametrization.clamp_(self.weight)

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the LUTs reading `signals` `(..., in_dim)` and return theirs, `(..., out_dim)`."""
        inputs, tables = self.connections.inputs(), self.hard_tables()
        return lower_luts(builder, signals, self.in_dim, inputs, tables, self.tables_read())

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "table_of")
        problem = None
        if self.table_of is not None and isinstance(saved, Tensor):
            problem = wrong_owners(prefix + "table_of", saved, len(self.weight))
        if problem is not None:
            args[-1].append(problem)  # torch's list of errors, which load_state_dict raises together
            return
        super()._load_from_state_dict(state_dict, prefix, *args)
        if self.table_of is not None and not self.table_of.is_meta:
            self._share(self.table_of)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if "table_of" not in self._buffers:  # pickled before LUTs could share tables
            self._share(None)

    def extra_repr(self) -> str:
        shared = "" if self.table_of is None else f", tables={len(self.weight)}"
        sizes = f"in_dim={self.in_dim}, out_dim={self.out_dim}, lut_rank={self.lut_rank}"
        return f"{sizes}, {self.parametrization_name!r}{shared}"
