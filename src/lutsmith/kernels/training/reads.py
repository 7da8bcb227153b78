"""What the LUT instances of a layer read, as tensors, and the checks that keep bad tensors away from the kernels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lutsmith.kernels.training import ranges
from lutsmith.kernels.training.dtypes import FLOATS

MAX_RANK = 8
RULES = ("softmax", "dwn")


class Reads(NamedTuple):
    """Which rows each LUT instance reads, which table it owns or shares, and how learned connections get gradients.

    W instances of rank n read rows of an (F, B) activation matrix. With `candidates`, the row read now is one of K
    candidates per slot; the forward pass looks at `inputs` alone, and the backward pass gives every candidate its
    share.

    With `places` the LUTs are kernels: each stands at P places, and all that is said of a LUT is said of a kernel. The
    rows are planes of pixels, F = channels times `plane`, and an input is a tap of a window: number c taps + t is pixel
    `places[t, p]` of plane c at place p, or the constant 0 where that is -1, 1 where it is -2. Instances are (kernel,
    place), kernel by kernel, and so are the rows of the result.
    """

    inputs: Tensor  # (W, n) int32: the row that each slot reads now
    table_ptr: Tensor | None = (
        None  # (T + 1,) int32: instances table_ptr[t]:table_ptr[t+1] read table t; None: w reads w
    )
    candidates: Tensor | None = None  # (W, n, K) int32: the rows that a learned slot may read
    scores: Tensor | None = None  # (W, n, K) float32: the learned scores; their gradient flows here
    temperature: float = 1.0  # of the softmax over the scores
    rule: str = "softmax"  # "softmax": straight-through softmax; "dwn": DWN's score rule
    places: Tensor | None = None  # (taps, P) int32: the pixel of each tap at each place; -1: constant 0, -2: constant 1
    plane: int = 1  # pixels of a plane

    @property
    def num_places(self) -> int:
        """P: places of each kernel."""
        return 1 if self.places is None else self.places.shape[1]

    def num_inputs(self, features: int) -> int:
        """How many inputs there are in `features` rows: rows, or taps of the windows over them."""
        return features if self.places is None else features // self.plane * self.places.shape[0]


def check(
    x: Tensor,
    tables: Tensor,
    inputs: Tensor,
    table_ptr: Tensor | None,
    candidates: Tensor | None,
    scores: Tensor | None,
    temperature: float,
    rule: str,
    places: Tensor | None,
    plane: int,
) -> None:
    """Raise ValueError where shapes or dtypes do not fit together (the values of the indices are not read)."""
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (features, batch): flatten it to two dimensions")
    if x.dtype not in FLOATS or tables.dtype not in FLOATS:
        raise ValueError(
            f"x is {x.dtype} and tables are {tables.dtype}; expected float32, float64 or bfloat16: "
            "convert with .float()"
        )
    if places is not None:
        _check_indices("places", places, 2)
        if plane < 1 or x.shape[0] % plane:
            raise ValueError(f"plane is {plane} and x has {x.shape[0]} rows; expected a number of pixels that divides")
    _check_indices("inputs", inputs, 2)
    instances, rank = inputs.shape
    if not 1 <= rank <= MAX_RANK:
        raise ValueError(
            f"inputs has shape {tuple(inputs.shape)}, rank {rank}; expected (luts, rank), rank 1 to {MAX_RANK}"
        )
    if tables.ndim != 2 or tables.shape[1] != 1 << rank:
        raise ValueError(
            f"tables have shape {tuple(tables.shape)}; expected (tables, {1 << rank}) because inputs give rank {rank}"
        )
    if table_ptr is None:
        if tables.shape[0] != instances:
            raise ValueError(
                f"{tables.shape[0]} tables for {instances} LUTs; expected one a LUT: pass table_ptr to share tables"
            )
    else:
        _check_indices("table_ptr", table_ptr, 1)
        if table_ptr.shape[0] != tables.shape[0] + 1:
            raise ValueError(f"table_ptr has {table_ptr.shape[0]} entries; expected tables + 1 = {tables.shape[0] + 1}")
    if (candidates is None) != (scores is None):
        raise ValueError("learned connections need both candidates and scores: one of them is None")
    if candidates is not None and scores is not None:
        _check_indices("candidates", candidates, 3)
        if candidates.shape[:2] != inputs.shape or candidates.shape[2] == 0 or scores.shape != candidates.shape:
            raise ValueError(
                f"candidates have shape {tuple(candidates.shape)} and scores {tuple(scores.shape)}; expected the same "
                f"({instances}, {rank}, K) with K >= 1"
            )
        if scores.dtype not in FLOATS:
            raise ValueError(f"scores are {scores.dtype}; expected float32, float64 or bfloat16: convert with .float()")
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}; expected a positive number")
        if rule not in RULES:
            raise ValueError(f"rule is {rule!r}; expected one of {', '.join(RULES)}")


def _check_indices(name: str, tensor: Tensor, dimensions: int) -> None:
    if tensor.ndim != dimensions or tensor.dtype != torch.int32:
        raise ValueError(
            f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}; expected int32 with {dimensions} dimensions"
        )


def in_range(name: str, rows: Tensor, features: int) -> Tensor:
    """Contiguous rows of x, on the CPU; ValueError where one is not below `features`, or negative."""
    rows = rows.contiguous()
    if not ranges.within(rows.data_ptr(), rows.numel(), features):
        low, high = (int(bound) for bound in torch.aminmax(rows))
        raise ValueError(
            f"{name} range over {low}..{high}; expected 0..{features - 1}: x has {features} rows (features)"
        )
    return rows


def in_planes(places: Tensor, plane: int) -> Tensor:
    """Contiguous places, on the CPU; ValueError where one is not a pixel of a plane, -1 or -2."""
    places = places.contiguous()
    if not ranges.within(places.data_ptr(), places.numel(), plane, -2):
        low, high = (int(bound) for bound in torch.aminmax(places))
        raise ValueError(f"places range over {low}..{high}; expected 0..{plane - 1}, pixels of a plane, or -1 or -2")
    return places


def in_order(table_ptr: Tensor, instances: int) -> Tensor:
    """Contiguous pointers, on the CPU; ValueError where they do not run from 0 to the number of LUTs."""
    table_ptr = table_ptr.contiguous()
    if not ranges.ascends(table_ptr.data_ptr(), table_ptr.numel(), instances):
        raise ValueError(
            f"table_ptr is {table_ptr.tolist()}; expected non-decreasing from 0 to the number of LUTs, {instances}"
        )
    return table_ptr


def table_of(reads: Reads) -> Tensor:
    """Return the table that each instance reads, (W,) int64."""
    kernels = reads.inputs.shape[0]
    device = reads.inputs.device
    if reads.table_ptr is None:
        tables = torch.arange(kernels, device=device)
    else:
        pointers = reads.table_ptr.long()
        tables = torch.arange(pointers.shape[0] - 1, device=device)
        tables = torch.repeat_interleave(tables, pointers.diff(), output_size=kernels)
    return tables if reads.places is None else tables.repeat_interleave(reads.num_places)


def taken(reads: Reads, order: Tensor) -> Reads:
    """The instances of these numbers, in their order, without what is said of tables."""
    inputs, candidates, scores = (
        None if tensor is None else tensor.index_select(0, order)
        for tensor in (reads.inputs, reads.candidates, reads.scores)
    )
    assert inputs is not None
    return reads._replace(inputs=inputs, table_ptr=None, candidates=candidates, scores=scores)


def of_slots(reads: Reads) -> Reads:
    """Every slot as a LUT of rank 1; all read one table, such as `passing`."""
    slots = reads.inputs.numel()
    ends = torch.arange(2, dtype=torch.int32, device=reads.inputs.device) * slots
    candidates, scores = (
        None if tensor is None else tensor.reshape(slots, 1, -1) for tensor in (reads.candidates, reads.scores)
    )
    return reads._replace(inputs=reads.inputs.reshape(slots, 1), table_ptr=ends, candidates=candidates, scores=scores)


def passing(x: Tensor) -> Tensor:
    """The table of a LUT of rank 1 that passes its input, on x's device."""
    return torch.arange(2, dtype=x.dtype, device=x.device).view(1, 2)
