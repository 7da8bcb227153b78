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
from lutsmith.ground.registry import add_own, own_hint
from lutsmith.nn.connections.balanced import balanced_rows
from lutsmith.nn.connections.channels import channels
from lutsmith.nn.connections.windows import local, spans


def random(num_inputs: int, num_luts: int, rank: int, generator: torch.Generator | None) -> Rows:
    """Balanced: permutations of the inputs cut into LUTs (DWN), no input twice in a LUT; fan-outs differ by at most
    one.
    """
    return balanced_rows(num_inputs, num_luts, rank, generator)


def random_unique(num_inputs: int, num_luts: int, rank: int, generator: torch.Generator | None) -> Rows:
    """No two LUTs read the same set of inputs, as long as there are enough sets; no input twice in a LUT.

    torchlogix's idea: the LUTs are arithmetic progressions around the ring of inputs, stride after stride, until there
    are enough; then inputs and LUTs are permuted. Further sets are drawn at random, and a set is used again only when
    all sets are in use.
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
    """Every slot is drawn on its own, with replacement (lutnets, difflogic): inputs may be missed, or come twice in a
    LUT.
    """
    drawn: Rows = torch.randint(num_inputs, (num_luts, rank), generator=generator).numpy()
    return drawn


def arange(num_inputs: int, num_luts: int, rank: int, _: torch.Generator | None) -> Rows:
    """DWN's: LUT j reads the inputs j n to j n + n - 1, around the ring; inputs repeat in a LUT where rank > inputs."""
    return np.arange(num_luts * rank, dtype=np.int64).reshape(num_luts, rank) % num_inputs


def butterfly(num_inputs: int, num_luts: int, rank: int, _: torch.Generator | None) -> Rows:
    """The wiring of a radix-n FFT of constant geometry (Pease, 1968): n inputs a stride of F / n apart, in order.

    A layer consists of passes over all F inputs, so fan-outs differ by at most one. LUT j of W reads the inputs near j
    F / (n W) of every column of F / n inputs, so that LUTs of stacked layers reach n, n^2, ... inputs: all of them at
    depth log_n F where the widths are powers of n, and at most three layers later elsewhere. The first n passes read
    the same sets in rotated order, as the outputs of an FFT's node do; each n further passes skew the columns by one
    more.
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

REPEATING = {"iid", "arange", "spans"}
"""Wirings that may read an input twice in one LUT."""

_BUILT_IN = frozenset(WIRINGS)


def register_wiring(name: str, function: Callable[..., Any], *, repeats: bool = False) -> None:
    """Make a wiring of your own known by a name, for this process: `LogicDense(..., init_method=name)`.

    Learned connections accept it too if it does not repeat inputs: each LUT's candidates are then the inputs that a LUT
    of rank times candidates inputs would read. A layer keeps the numbers that were drawn, in its state and in its
    circuit. The name is needed where the layer is built, which includes resuming a run.

    Args:
        name: a text without spaces; not one of lutsmith's own.
        function: `function(num_inputs, num_luts, rank, generator, **options)`, which gives the inputs that each LUT
            reads, integers `(num_luts, rank)` from 0 to num_inputs - 1: an array, a tensor or lists. The generator is
            torch's, or None for its global one; draw from it alone, so that one seed gives one network. Options are
            keyword-only arguments. An argument called `usable` is not an option: it receives the inputs that may be
            read, bool `(num_inputs,)`. Without it, inputs that may not be read are left out of the count beforehand.
        repeats: whether a LUT may read an input twice.

    Raises:
        TypeError: not a function of these arguments, a name that is not a text.
        ValueError: a name that is taken.
    """
    if not callable(function):
        raise TypeError(f"the wiring {name!r} is {function!r}; expected a function")
    try:
        inspect.signature(function).bind(8, 4, 2, None, **dict.fromkeys(_keyword_only(function)))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"the wiring {name!r} does not take (num_inputs, num_luts, rank, generator, *, its options): {error}"
        ) from None
    add_own(WIRINGS, "wiring", name, function)
    (REPEATING.add if repeats else REPEATING.discard)(name)


def _keyword_only(function: Callable[..., Any]) -> list[str]:
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]


def options_of(method: str) -> list[str]:
    """The names of a wiring's options."""
    return [name for name in _keyword_only(WIRINGS[method]) if name != "usable"]


def options_given(method: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    """Take the options of a user's own wiring out of the settings of a layer, and return them."""
    if method not in WIRINGS or method in _BUILT_IN:
        return {}
    return {name: settings.pop(name) for name in options_of(method) if name in settings}


def check_method(method: str, options: dict[str, Any]) -> None:
    """Raise ValueError for an unknown wiring, or for options that it does not take or lacks."""
    one_of("init_method", method, WIRINGS, hint=own_hint("lutsmith.nn.register_wiring"))
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
    """The inputs `(num_luts, rank)` that a wiring of `WIRINGS` reads, only usable ones.

    A wiring that does not care where the inputs lie sees the usable ones as if there were no others.

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
        rows = function(len(usable), num_luts, rank, generator, usable=usable, **options)
        return rows if method in _BUILT_IN else _checked(method, rows, len(usable), (num_luts, rank), usable)
    inputs = np.flatnonzero(usable)
    rows = function(len(inputs), num_luts, rank, generator, **options)
    return inputs[rows if method in _BUILT_IN else _checked(method, rows, len(inputs), (num_luts, rank))]


def _checked(
    method: str, rows: Any, num_inputs: int, shape: tuple[int, int], usable: NDArray[np.bool_] | None = None
) -> Rows:
    """Return what a wiring of one's own gave as integers; TypeError, ValueError where it is no wiring."""
    given = np.asarray(rows)
    what = f"the wiring {method!r} gave"
    if given.dtype.kind not in "iu":
        raise TypeError(f"{what} {given.dtype}; expected integers, the inputs that each LUT reads")
    if given.shape != shape:
        raise ValueError(f"{what} inputs of shape {given.shape}; expected (num_luts, rank) = {shape}")
    if given.size and (given.min() < 0 or given.max() >= num_inputs):
        raise ValueError(f"{what} inputs {given.min()} to {given.max()}; expected 0 to {num_inputs - 1}")
    found: Rows = given.astype(np.int64)
    if usable is not None and not usable[found].all():
        raise ValueError(f"{what} input {found[~usable[found]][0]}, which is not usable")
    ordered = np.sort(found, axis=1)
    if method not in REPEATING and (ordered[:, 1:] == ordered[:, :-1]).any():
        lut = int((ordered[:, 1:] == ordered[:, :-1]).any(axis=1).argmax())
        raise ValueError(
            f"{what} LUT {lut} the inputs {found[lut].tolist()}, one of them twice; register it with repeats=True"
        )
    return found
