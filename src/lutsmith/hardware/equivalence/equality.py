"""`prove`: whether two netlists, or two circuits, are the same function."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import overload

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arguments import number
from lutsmith.hardware.equivalence.circuits import circuits
from lutsmith.hardware.equivalence.netlists import netlists
from lutsmith.hardware.equivalence.proof import TIMEOUT, Proof


@overload
def prove(a: Netlist, b: Netlist, timeout: float | None = TIMEOUT) -> Proof: ...
@overload
def prove(a: Circuit, b: Circuit, timeout: float | None = TIMEOUT) -> Proof: ...
def prove(a: Netlist | Circuit, b: Netlist | Circuit, timeout: float | None = TIMEOUT) -> Proof:
    """Decide whether `a` and `b` are the same function.

    "equal" means that it is proved. "different" comes with a counterexample, on which lutsmith has evaluated both
    sides. Everything else is "undecided", and `note` says what is known.

    Netlists: inputs and outputs correspond in order. With registers, equal means that the outputs are equal in every
    cycle from the initial states on, whatever goes in; different means that a run from the initial states shows a
    difference. The methods, in order: registers that some output depends on, matched in order and cut (outputs and next
    values are equal whatever they hold); registers matched by what they hold in runs, in any order, twice or inverted,
    by induction over cycles; all states of small machines; ABC's engines for machines, `dprove` and `pdr`. If none of
    these decides, `cycles` is the number of cycles from the initial states for which the outputs are proved equal, and
    `suspicion` is a state in which they would differ, if one is known.

    Circuits: features correspond in order. Equal means the same output bits for all samples, and heads, objectives and
    classes that turn them into the same results; `fitted_range`, `input_shape` and metadata do not count. Comparators
    correspond by feature and threshold, whatever their order, and may be missing on one side. If necessary, only inputs
    that samples can produce are considered (x > 3 implies x > 2, and nothing is above +inf). Where heads, objectives or
    classes are not the same, samples are tried. The circuits are different if a sample gets different classes, labels
    or values of targets, or, where one circuit has no head, different output bits. Without such a sample the result is
    undecided.

    Args:
        a: a netlist or a circuit.
        b: another of the same kind.
        timeout: seconds for the proof; None waits for ever.

    Raises:
        TypeError: a netlist and a circuit, or neither.
        ValueError: they have different numbers of inputs (features) or outputs: there is nothing to compare; or a
            timeout that is negative or NaN.
        ToolMissing: ABC is needed and not installed.
        ToolFailed: ABC printed something other than a verdict.
    """
    began = time.perf_counter()
    if timeout is not None:
        number("timeout", timeout, lambda seconds: seconds >= 0, "seconds, 0 or more, or None")
    limit = None if timeout is None else began + timeout
    if isinstance(a, Netlist) and isinstance(b, Netlist):
        proof = netlists(a, b, limit)
    elif isinstance(a, Circuit) and isinstance(b, Circuit):
        proof = circuits(a, b, limit)
    else:
        raise TypeError(f"cannot compare {type(a).__name__} with {type(b).__name__}: give two netlists or two circuits")
    return replace(proof, seconds=time.perf_counter() - began)
