"""What the LUT instances of a layer read, as tensors, and the checks that keep bad tensors away from the kernels."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

MAX_RANK = 8
FLOATS = (torch.float32, torch.float64, torch.bfloat16)
RULES = ("softmax", "dwn")


class Wiring(NamedTuple):
    """Which rows each LUT instance reads, which table it owns or shares, and how learned connections get gradients.

    W instances of rank n read rows of an (F, B) activation matrix. With `candidates`, the row read now is one of K
    candidates per slot; the forward pass looks at `inputs` alone, and the backward pass gives every candidate its
    share.
    """

    inputs: Tensor  # (W, n) int32: the row that each slot reads now
    table_ptr: Tensor | None = (
        None  # (T + 1,) int32: instances table_ptr[t]:table_ptr[t+1] read table t; None: w reads w
    )
    candidates: Tensor | None = None  # (W, n, K) int32: the rows that a learned slot may read
    scores: Tensor | None = None  # (W, n, K) float32: the learned scores; their gradient flows here
    temperature: float = 1.0  # of the softmax over the scores
    rule: str = "softmax"  # "softmax": straight-through softmax; "dwn": DWN's score rule


def check(x: Tensor, tables: Tensor, wiring: Wiring) -> None:
    """Raise ValueError where shapes, dtypes or devices do not fit together (the values of the indices are not read)."""
    inputs, table_ptr, candidates, scores, temperature, rule = wiring
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (features, batch): flatten it to two dimensions")
    if x.dtype not in FLOATS or tables.dtype not in FLOATS:
        raise ValueError(
            f"x is {x.dtype} and tables are {tables.dtype}; expected float32, float64 or bfloat16: "
            "convert with .float()"
        )
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
    for name, tensor in (("tables", tables), *zip(Wiring._fields, wiring[:4], strict=False)):
        if isinstance(tensor, Tensor) and tensor.device != x.device:
            raise ValueError(f"x is on {x.device} and {name} on {tensor.device}; move both to one device with .to()")


def _check_indices(name: str, tensor: Tensor, dimensions: int) -> None:
    if tensor.ndim != dimensions or tensor.dtype != torch.int32:
        raise ValueError(
            f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}; expected int32 with {dimensions} dimensions"
        )


def check_ranges(features: int, wiring: Wiring) -> None:
    """Raise ValueError where an index points outside of its array.

    An index tensor is read when it is first used and after each change by torch, not in every call.
    """
    for name, rows in (("inputs", wiring.inputs), ("candidates", wiring.candidates)):
        if rows is not None and rows.numel():
            low, high = _known(rows, _bounds)
            if low < 0 or high >= features:
                raise ValueError(
                    f"{name} range over {low}..{high}; expected 0..{features - 1}: x has {features} rows (features)"
                )
    if wiring.table_ptr is not None:
        first, last, ascends = _known(wiring.table_ptr, _course)
        if (first, last) != (0, wiring.inputs.shape[0]) or not ascends:
            raise ValueError(
                f"table_ptr runs from {first} to {last}; expected non-decreasing from 0 to the number of LUTs, "
                f"{wiring.inputs.shape[0]}"
            )


def remember_choice(chosen: Tensor, candidates: Tensor) -> None:
    """Note that all of `chosen` are among `candidates`, so that their range need not be looked for."""
    if candidates.numel():
        _facts[chosen] = chosen._version, _known(candidates, _bounds)


def _known(tensor: Tensor, find: Callable[[Tensor], tuple[int, ...]]) -> tuple[int, ...]:
    """What `find` says of a tensor's values, asked again where its version has changed."""
    if tensor.is_inference():  # it counts no versions
        return find(tensor)
    version = tensor._version
    known = _facts.get(tensor)
    if known is None or known[0] != version:
        known = _facts[tensor] = version, find(tensor)
    return known[1]


_facts: MutableMapping[Tensor, tuple[int, tuple[int, ...]]] = WeakIdKeyDictionary()


def _bounds(rows: Tensor) -> tuple[int, ...]:
    return tuple(int(bound) for bound in torch.aminmax(rows))


def _course(pointers: Tensor) -> tuple[int, ...]:
    """The first and the last one, and whether they ascend."""
    if not pointers.numel():
        return -1, -1, False
    return int(pointers[0]), int(pointers[-1]), bool((pointers.diff() >= 0).all())


def table_of(wiring: Wiring) -> Tensor:
    """Return the table that each instance reads, (W,) int64."""
    instances = wiring.inputs.shape[0]
    device = wiring.inputs.device
    if wiring.table_ptr is None:
        return torch.arange(instances, device=device)
    pointers = wiring.table_ptr.long()
    tables = torch.arange(pointers.shape[0] - 1, device=device)
    return torch.repeat_interleave(tables, pointers.diff(), output_size=instances)
