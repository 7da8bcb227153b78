"""Fixed connections: a wiring drawn once by one of the methods of `wirings`, or given."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.connections.base import Connections
from lutsmith.nn.connections.wirings import REPEATING, check_method, draw_wiring
from lutsmith.nn.places import as_tensor


class FixedConnections(Connections):
    """A wiring that never changes.

    By default it is balanced: every usable input is read equally often (give or take one), and no LUT reads an input
    twice. With the methods "iid", "arange" and "spans", or with given `indices`, a LUT may read an input twice; the
    circuit merges such slots.

    Buffers: `indices`, int32 `(out_dim, lut_rank)`; `usable`.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        init_method: a name of `wirings.WIRINGS`, described there; default `"random"`, or `"grouped"` with `num_groups`.
        indices: the wiring itself, integers `(out_dim, lut_rank)`, in place of a method.
        usable: bool, `in_dim` elements: inputs that may be wired at all (an encoder's `usable` bits); None: all.
        generator: draws the wiring.
        **options: options of the method: `shape` and `window` of "local", `spans` of "spans", `num_groups` of
            "grouped".

    Raises:
        TypeError: indices that are not integers.
        ValueError: fewer usable inputs than `lut_rank`, unknown methods or options, indices out of range.
    """

    indexing: ClassVar[tuple[str, ...]] = ("indices",)

    indices: Tensor

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int,
        *,
        init_method: str | None = None,
        indices: Any = None,
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
        **options: Any,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank, usable)
        if indices is not None:
            given = sorted(options) if init_method is None else ["init_method", *sorted(options)]
            if given:
                raise ValueError(f"indices are the wiring; they cannot be combined with {', '.join(given)}")
            self.init_method = "indices"
            self.register_buffer("indices", self._checked(indices))
            return
        default = "grouped" if "num_groups" in options else "random"
        self.init_method = default if init_method is None else init_method
        check_method(self.init_method, options)
        self.usable_inputs(distinct=self.init_method not in REPEATING)
        rows = draw_wiring(self.init_method, self.usable.numpy(), out_dim, lut_rank, generator, **options)
        self.register_buffer("indices", torch.from_numpy(rows).int().contiguous())

    def _checked(self, indices: Any) -> Tensor:
        """The given wiring as a tensor of our own."""
        wiring = as_tensor("indices", indices)
        if wiring.is_floating_point() or wiring.is_complex() or wiring.dtype == torch.bool:
            raise TypeError(f"indices are {wiring.dtype}; expected integers, such as torch.int32")
        if wiring.shape != (self.out_dim, self.lut_rank):
            raise ValueError(
                f"indices have shape {tuple(wiring.shape)}; expected (out_dim, lut_rank) = "
                f"({self.out_dim}, {self.lut_rank})"
            )
        wiring = wiring.long()  # there is no minimum of torch.uint64
        low, high = int(wiring.min()), int(wiring.max())
        if low < 0 or high >= self.in_dim:
            raise ValueError(
                f"indices range over {low}..{high}; expected 0..{self.in_dim - 1}: in_dim is {self.in_dim}"
            )
        wasted = ~self.usable[wiring]
        if wasted.any():
            raise ValueError(
                f"indices read input {int(wiring[wasted][0])}, which is not usable; "
                "leave it out, or give no usable mask"
            )
        return wiring.int().contiguous()

    def reads(self) -> Reads:
        return Reads(self.indices)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, init_method={self.init_method!r}"
