"""Fixed wirings: functions from sizes and a generator to the inputs that each LUT reads, and their registry."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.circuit.wiring import Rows, cut_rows
from lutsmith.ground.arguments import check_options, one_of, whole_number
from lutsmith.nn.connections.balanced import balanced_rows
from lutsmith.nn.connections.channels import channels
from lutsmith.nn.connections.windows import local, spans


def random(num_inputs: int, num_luts: int, rank: int, generator: torch.Generator | None) -> Rows:
    """Balanced: permutations of the inputs cut into LUTs (DWN), none twice in one; fan-outs differ by one at most."""
    return balanced_rows(num_inputs, num_luts, rank, generator)


def random_unique(num_inputs: int, num_luts: int, rank: int, generator: torch.Generator | None) -> Rows:
    """No two LUTs read the same set of inputs, as far as there are sets enough; no input twice in a LUT.

    torchlogix's idea: the LUTs are arithmetic progressions around the ring of inputs, stride after stride, until there
    are enough; then inputs and LUTs are permuted. Further sets are drawn at random, and the same ones are used again
    only when all are.
    """
    total = math.comb(num_inputs, rank)
    rows: list[tuple[int, ...]] = []
    seen: set[tuple[int, ...]] = set()
    sets = itertools.chain(_progressions(num_inputs, rank), _drawn(num_inputs, num_luts, rank, generator))
    while len(rows) < min(num_luts, total):
        row = next(sets)
        key = tuple(sorted(row))
        if key not in seen:
            seen.add(key)
            rows.append(row)
    names = torch.randperm(num_inputs, generator=generator).numpy()
    order = torch.randperm(num_luts, generator=generator).numpy() % len(rows)
    unique: Rows = names[np.array(rows, dtype=np.int64)][order]
    return unique


def _progressions(num_inputs: int, rank: int) -> Iterator[tuple[int, ...]]:
    """Rows of `rank` inputs a stride apart around the ring: per stride, rounds in which each input comes about once."""
    for stride in range(1, max(2, num_inputs // 2 + 1)):
        cosets = math.gcd(stride, num_inputs)
        length = num_inputs // cosets
        if length < rank:
            continue
        for turn, coset in itertools.product(range(rank), range(cosets)):
            for start in range(turn, length, rank):
                yield tuple((coset + stride * (start + slot)) % num_inputs for slot in range(rank))


def _drawn(num_inputs: int, num_luts: int, rank: int, generator: torch.Generator | None) -> Iterator[tuple[int, ...]]:
    """Random sets while there are many more than needed, and then all of them."""
    if math.comb(num_inputs, rank) > 4 * num_luts:
        while True:
            yield from map(tuple, balanced_rows(num_inputs, num_luts, rank, generator).tolist())
    yield from itertools.combinations(range(num_inputs), rank)


def iid(num_inputs: int, num_luts: int, rank: int, generator: torch.Generator | None) -> Rows:
    """Every slot on its own, with replacement (lutnets, difflogic): inputs may be missed, or come twice in a LUT."""
    drawn: Rows = torch.randint(num_inputs, (num_luts, rank), generator=generator).numpy()
    return drawn


def arange(num_inputs: int, num_luts: int, rank: int, _: torch.Generator | None) -> Rows:
    """DWN's: LUT j reads the inputs j n to j n + n - 1, around the ring; twice the same where rank > inputs."""
    return np.arange(num_luts * rank, dtype=np.int64).reshape(num_luts, rank) % num_inputs


def butterfly(num_inputs: int, num_luts: int, rank: int, _: torch.Generator | None) -> Rows:
    """The wiring of a radix-n FFT of constant geometry (Pease, 1968): n inputs a stride of F / n apart, in order.

    A layer is passes over all F inputs, so fan-outs differ by one at most. LUT j of W reads the inputs near j F / (n W)
    of every column of F / n inputs, so that LUTs of stacked layers reach n, n^2, ... inputs: all of them at depth
    log_n F where the widths are powers of n, and at most three layers later elsewhere. The first n passes read the same
    sets in rotated order, as the outputs of an FFT's node do; each n further passes skew the columns by one more.
    """
    stride = -(-num_inputs // rank)
    passes = -(-num_luts * rank // num_inputs)
    places, columns = np.meshgrid(np.arange(stride), np.arange(rank), indexing="ij")

    def order(number: int) -> Rows:
        rotated = (columns + number) % rank
        grid = rotated * stride + (places + number // rank * rotated) % stride
        return grid[grid < num_inputs]

    rows = cut_rows(num_inputs, num_luts, rank, [order(number) for number in range(passes)])
    place = np.arange(num_luts) * rank % num_inputs
    return rows[np.argsort(place, kind="stable")]


def grouped(
    num_inputs: int,
    num_luts: int,
    rank: int,
    generator: torch.Generator | None,
    *,
    num_groups: int,
    usable: NDArray[np.bool_],
) -> Rows:
    """Inputs and LUTs are cut into `num_groups` runs; LUTs read their own group only, balanced as in `random`.

    Raises:
        ValueError: more groups than inputs or LUTs, or a group with fewer usable inputs than `rank`.
    """
    groups = input_groups(num_inputs, num_groups, num_luts)
    rows = np.empty((num_luts, rank), dtype=np.int64)
    owners = np.arange(num_luts) * num_groups // num_luts
    for group in range(num_groups):
        members = np.flatnonzero(usable & (groups == group))
        if len(members) < rank:
            raise ValueError(
                f"group {group} of {num_groups} has {len(members)} usable inputs for LUTs of rank {rank}; "
                "take fewer groups or a smaller rank"
            )
        mine = owners == group
        rows[mine] = members[balanced_rows(len(members), int(mine.sum()), rank, generator)]
    return rows


def input_groups(num_inputs: int, num_groups: int, num_luts: int) -> NDArray[np.int64]:
    """The group of each input: runs of inputs, of sizes that differ by one at most.

    Raises:
        ValueError: more groups than inputs or LUTs, or none.
    """
    most = min(num_inputs, num_luts)
    whole_number("num_groups", num_groups, 1, most, f"groups of {num_inputs} inputs and {num_luts} LUTs")
    return np.arange(num_inputs) * num_groups // num_inputs


WIRINGS: dict[str, Callable[..., Rows]] = {
    "random": random,
    "random-unique": random_unique,
    "iid": iid,
    "arange": arange,
    "butterfly": butterfly,
    "local": local,
    "channels": channels,
    "spans": spans,
    "grouped": grouped,
}
"""Functions `(num_inputs, num_luts, rank, generator, **options) -> (num_luts, rank)`, by the name of `init_method`."""

REPEATING = frozenset({"iid", "arange", "spans"})
"""Wirings that may read an input twice in one LUT."""


def options_of(method: str) -> list[str]:
    """The names of a wiring's options."""
    parameters = inspect.signature(WIRINGS[method]).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "usable"]


def check_method(method: str, options: dict[str, Any]) -> None:
    """Raise ValueError for an unknown wiring, or for options that it does not take or lacks."""
    one_of("init_method", method, WIRINGS)
    known = options_of(method)
    check_options(f"the wiring {method!r}", options, known)
    for name, parameter in inspect.signature(WIRINGS[method]).parameters.items():
        if name in known and parameter.default is parameter.empty and name not in options:
            raise ValueError(f"the wiring {method!r} needs {name}")


def draw_wiring(
    method: str,
    usable: NDArray[np.bool_],
    num_luts: int,
    rank: int,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Rows:
    """The inputs `(num_luts, rank)` that a wiring of `WIRINGS` reads, usable ones alone.

    A wiring that has no interest in where the inputs lie sees the usable ones as if there were no others.

    Args:
        method: a name of `WIRINGS`.
        usable: bool `(num_inputs,)`.
        num_luts: LUTs.
        rank: inputs of a LUT.
        generator: of the random ones; None is torch's global one.
        **options: the wiring's own.

    Raises:
        ValueError: an unknown method, options that it does not take or lacks, or sizes that it cannot have.
    """
    check_method(method, options)
    function = WIRINGS[method]
    if "usable" in inspect.signature(function).parameters:
        return function(len(usable), num_luts, rank, generator, usable=usable, **options)
    inputs = np.flatnonzero(usable)
    return inputs[function(len(inputs), num_luts, rank, generator, **options)]
