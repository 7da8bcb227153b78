"""What a module of a model states that it computes, in terms that need no circuit, and which code states it.

A statement is made from what the module's own forward pass reads in eval mode: tables, inputs, thresholds, integers.
Types are looked up exactly: a subclass may compute something else, so it states this itself or is not known. Classes
that users write subclasses of are families: their subclasses state what they compute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.netlist import Netlist
from lutsmith.nn.sums.numbers import LinearMap, Step


@dataclass(frozen=True, eq=False)
class Bits:
    """An encoder: each bit is a function of one feature, constant between the thresholds of that feature.

    Attributes:
        shape: of one sample.
        thresholds: float32 (F, L), those of each feature of the flattened sample, in any order; no number is above NaN
            or +inf.
        feature: integers of the shape of one encoded sample, the feature that each bit belongs to.
        encode: float32 (N, *shape) to bool (N, *shape of one encoded sample): the forward pass in eval mode.
        fitted_range: float32 (low, high), each (F,).
    """

    shape: tuple[int, ...]
    thresholds: NDArray[np.float32]
    feature: NDArray[np.int64]
    encode: Callable[[NDArray[np.float32]], NDArray[np.bool_]]
    fitted_range: tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Computed(Bits):
    """An encoder with bits that are LUTs over other bits, and each of the other bits is a function of one feature.

    `feature` and `encode` are those of these other bits, (B,) and (N, B).

    Attributes:
        steps: LUTs in copies: a netlist, and for each copy what its inputs are, integers (I, inputs). Numbers count the
            constants 0 and 1, the B bits, and the outputs of the copies of the steps before.
        outputs: integers of the shape of one encoded sample, the number of each bit.
        owner: the same shape, a feature that each bit belongs to.
        note: what was established of the netlists.
    """

    steps: tuple[tuple[Netlist, NDArray[np.int64]], ...]
    outputs: NDArray[np.int64]
    owner: NDArray[np.int64]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Luts:
    """LUTs over the last axis of bits.

    Attributes:
        width: how many inputs there are.
        inputs: integers (W, n), what each LUT reads, the least significant address bit first.
        tables: bool (W, 2**n), entry a at address a; (P, 2**n) with `table_of`.
        kept: integers (K,), inputs that stand before the LUTs in the output; None: no inputs do.
        table_of: integers (W,), the table of each LUT; None: its own.
    """

    width: int
    inputs: NDArray[Any]
    tables: NDArray[np.bool_]
    kept: NDArray[Any] | None = None
    table_of: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class ChosenBits:
    """Bits of the last axis, chosen or repeated.

    Attributes:
        inputs: integers (W,), or None: all of them as they are.
    """

    inputs: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class Scores:
    """A head: the sum of ones in equal, contiguous groups of bits, an integer affine map, and what scores mean.

    Attributes:
        order: integers, the input that each bit is, applied before anything else; -1 is the constant 0.
        num_groups: G.
        weights: integers (C, G) as float64 or int64; None: the identity.
        bias: integers (C,); None: zero.
        scale: float64 (C,); None: one.
        offset: float64 (C,); None: zero.
        objective: what the scores mean, as `Circuit.objective`.
        levels: LUTs between the order and the groups, with their names below the head's.
        shape: of the places that have a decision each; (): one decision. Then `order` names inputs in C order.
        note: in which sense the circuit's scores are the module's, if they are not simply equal.
    """

    order: NDArray[Any]
    num_groups: int
    weights: NDArray[Any] | None = None
    bias: NDArray[Any] | None = None
    scale: NDArray[np.float64] | None = None
    offset: NDArray[np.float64] | None = None
    objective: str = "classification"
    levels: tuple[tuple[str, Luts], ...] = ()
    note: str = ""
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class LutGroups:
    """LUTs that read each other, over all bits of a sample: those of kernels at places, and of trees.

    Signals are numbered: the bits that are read, in the order of their array; the constants 0 and 1; then the LUTs,
    group by group.

    Attributes:
        steps: the groups, LUTs of one rank over the signals before them.
        outputs: integers, the signal that each bit of the output is, of the shape of the output.
        note: what was established of the LUTs themselves.
    """

    steps: tuple[Luts, ...]
    outputs: NDArray[Any]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Branches:
    """Modules that read the same bits, joined along an axis, and modules that read what was joined.

    Attributes:
        modules: names and modules.
        axis: of a sample.
        behind: names and modules, one after the other.
    """

    modules: tuple[tuple[str, nn.Module], ...]
    axis: int
    behind: tuple[tuple[str, nn.Module], ...] = ()


@dataclass(frozen=True, eq=False)
class LinearSums:
    """Sums of numbers with weights, and what scale and bias make of each.

    Attributes:
        maps: the matrices.
        shape: of the sums of a sample.
        forward: the module itself.
        step: what the module makes of its sums.
    """

    maps: tuple[LinearMap, ...]
    shape: tuple[int, ...]
    forward: Step
    step: Step


@dataclass(frozen=True, eq=False)
class LutSums:
    """Sums of LUTs that read whether numbers are above 0.

    Attributes:
        module: it.
        reads: places of the flattened sample that LUTs read, (*shape of the sums, LUTs, rank); or a constant.
        shape: of the sums.
    """

    module: Any
    reads: NDArray[np.int64]
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Each:
    """A module that turns each number into one at the same place, or reshapes or pools numbers.

    Attributes:
        after: the numbers behind it.
        sign: whether they are signs.
    """

    after: Callable[[Any], Any]
    sign: bool = False


@dataclass(frozen=True, eq=False)
class ResidualLevels:
    """A module that makes several bits of each number.

    Attributes:
        module: it.
    """

    module: Any


@dataclass(frozen=True, eq=False)
class Added:
    """Modules that read the same numbers, and whose numbers are added.

    Attributes:
        modules: names and modules.
        join: the sums of levels of one shape.
    """

    modules: tuple[tuple[str, nn.Module], ...]
    join: Callable[[list[Any]], Any]


NumberStatement = LinearSums | LutSums | Each | ResidualLevels | Added
"""Those of modules between numbers."""

Statement = Bits | Luts | ChosenBits | LutGroups | Branches | Scores | NumberStatement
Speaker = Callable[[Any, tuple[int, ...]], Statement]

_SPEAKERS: dict[type[nn.Module], Speaker] = {}
_FAMILIES: dict[type[nn.Module], Speaker] = {}


def states(*kinds: type[nn.Module]) -> Callable[[Speaker], Speaker]:
    """Register a function (module, shape of its input) -> statement for exactly these classes.

    The function raises ValueError or RuntimeError where a module of the class cannot be stated.
    """

    def register(speaker: Speaker) -> Speaker:
        _SPEAKERS.update(dict.fromkeys(kinds, speaker))
        return speaker

    return register


def families(base: type[nn.Module]) -> Callable[[Speaker], Speaker]:
    """Register a function as `states` does, for all subclasses of a class that users write subclasses of.

    The function raises ValueError if a subclass may compute something else than it states.
    """

    def register(speaker: Speaker) -> Speaker:
        _FAMILIES[base] = speaker
        return speaker

    return register


def speaker_of(module: nn.Module) -> Speaker | None:
    """Return the function that states what modules of exactly this class, or of its family, compute; None if there is
    none.
    """
    of_family = (speaker for base, speaker in _FAMILIES.items() if isinstance(module, base))
    return _SPEAKERS.get(type(module)) or next(of_family, None)
