"""The operation is not told: fabrics are tried from simple to complex, and what excludes one is evidence.

A fabric is excluded by examples that no tables of it agree with: the solver names them, and anybody can ask again. The
first fabric that has tables for all examples is the answer, and proofs then say which operation it is, if it is one
that is known by name. Needs python-sat: `pip install 'lutsmith[sat]'`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from lutsmith.cells.arrays import ArrayCell, Counter, RowFeedback, Shifter
from lutsmith.cells.fabric import Fabric
from lutsmith.cells.fabrics import Tap
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.examples import ContradictionError
from lutsmith.cells.learning.sat import NotDecidedError, learn_sat
from lutsmith.cells.proof import CellProof, prove
from lutsmith.cells.serial import Bitwise, SerialCell, TwoPass
from lutsmith.cells.textbook import TEXTBOOK, specification
from lutsmith.data.alu.operations import operation
from lutsmith.ground.arguments import instance_of, number, whole_number

TEMPLATES: Mapping[str, Fabric] = {
    "bitwise": Bitwise(),
    "counter": Counter(),
    "shift left": Shifter("left"),
    "shift right": Shifter("right"),
    "rotate left": Shifter("left", rotate=True),
    "rotate right": Shifter("right", rotate=True),
    "final state": SerialCell(read="final"),
    "serial": SerialCell(),
    "serial, one bit more": SerialCell(extra=1),
    "last of a stream": Tap(SerialCell(), -1),
    "two passes": TwoPass(),
    "root": RowFeedback("root"),
    "remainder": RowFeedback("remainder"),
    "quotient": RowFeedback("quotient"),
    "array, low half": ArrayCell("low"),
    "array": ArrayCell(),
    "final of two states": SerialCell(2, read="final"),
}
"""What is tried, in this order: by the bits of their tables, 4 to 34."""

FIRST_SECONDS = 1.0
"""What each fabric is given in the first round; four times as much in each that follows."""

Verdict = Literal["agrees", "refuted", "not decided"]


@dataclass(frozen=True)
class TemplateTrial:
    """What was found of one fabric.

    Attributes:
        name: of the fabric.
        verdict: "agrees": it has tables for all examples; "refuted": there are none; "not decided": within the time.
        examples: numbers of the examples that say so: those that were used, those that contradict each other, or the
            first whose result the fabric's bits do not hold.
        seconds: that it took, in all rounds.
        reason: what else there is to say.
    """

    name: str
    verdict: Verdict
    examples: tuple[int, ...]
    seconds: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**vars(self), "examples": list(self.examples)}


@dataclass(frozen=True)
class TemplateSearch:
    """What a search over fabrics found.

    Attributes:
        name: of the fabric, as the caller named it; None where none agrees.
        cell: it agrees with all examples; where it is none of the operations known by name, another that also agrees
            with those of small operands read as narrower ones, if there is one. None where no fabric agrees.
        trials: each fabric that was tried, in order. A simpler fabric that is "not decided" may agree as well.
        operations: the names that the cell was proved to have, with the proofs; of divisions b = 0 is left out.
    """

    name: str | None
    cell: LearnedCell | None
    trials: tuple[TemplateTrial, ...]
    operations: Mapping[str, CellProof]

    @property
    def used(self) -> int:
        """How many examples the solver saw for the cell."""
        return len(self.trials[-1].examples) if self.cell is not None else 0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "fabric": self.name,
            "cell": None if self.cell is None else self.cell.to_json(),
            "trials": [trial.to_json() for trial in self.trials],
            "operations": {name: proof.to_json() for name, proof in self.operations.items()},
        }


def search_templates(
    a: ArrayLike,
    b: ArrayLike | None,
    z: ArrayLike,
    width: int,
    *,
    templates: Mapping[str, Fabric] = TEMPLATES,
    max_seconds: float = 300.0,
    seed: int = 0,
) -> TemplateSearch:
    """Return the first of some fabrics that has tables for all examples of an operation that is not told.

    All fabrics that are still open are tried in order with little time, then again with more: one that the solver finds
    hard to exclude does not keep the others waiting.

    Args:
        a: the first operands, integers (N,) from 0 to 2^width - 1.
        b: the second ones; None where there are none: then fabrics of two operands read zeros.
        z: the results, integers (N,); negative ones are two's complement in a fabric's own bits.
        width: of the operands.
        templates: what is tried, in this order, by any names.
        max_seconds: for all of it.
        seed: of the choice among examples.

    Raises:
        ModuleNotFoundError: python-sat is not installed.
        TypeError, ValueError: examples that are none.
    """
    for name, fabric in templates.items():
        instance_of(f"template {name!r}", fabric, Fabric)
    whole_number("seed", seed, 0)
    number("max_seconds", max_seconds, lambda value: value > 0, "seconds above 0")
    results = np.atleast_1d(np.array(z, object))
    trials: dict[str, TemplateTrial] = {}
    deadline, seconds = time.monotonic() + max_seconds, FIRST_SECONDS
    while open_ := [name for name in templates if name not in trials or trials[name].verdict == "not decided"]:
        for name in open_:
            left = deadline - time.monotonic()
            if left <= 0:
                return TemplateSearch(None, None, _in_order(templates, trials), {})
            before = trials[name].seconds if name in trials else 0.0
            trial, cell = _tried(name, templates[name], a, b, z, results, width, min(seconds, left), seed)
            trials[name] = TemplateTrial(name, trial.verdict, trial.examples, before + trial.seconds, trial.reason)
            if cell is not None:
                order = (*_in_order(templates, {each: trials[each] for each in trials if each != name}), trials[name])
                operations = named(cell)
                if not operations:
                    left = max(deadline - time.monotonic(), FIRST_SECONDS)
                    cell = _as_of_narrower(templates[name], a, b, results, width, left, seed) or cell
                    operations = named(cell)
                return TemplateSearch(name, cell, order, operations)
        seconds *= 4
    return TemplateSearch(None, None, _in_order(templates, trials), {})


def named(cell: LearnedCell) -> dict[str, CellProof]:
    """Return the operations that a cell is proved to compute, at every width or at one; divisions for b > 0."""
    found = {}
    for name in TEXTBOOK:
        if specification(name, cell.fabric) is None or (isinstance(cell.fabric, Tap) and not operation(name).is_truth):
            continue
        try:
            proof = prove(cell, name, zero="skip", max_seconds=10.0)
        except ValueError:  # another result than the operation's
            continue
        if proof.outcome == "proved":
            found[name] = proof
    return found


def _in_order(templates: Mapping[str, Fabric], trials: Mapping[str, TemplateTrial]) -> tuple[TemplateTrial, ...]:
    return tuple(trials[name] for name in templates if name in trials)


def _tried(
    name: str, fabric: Fabric, a: ArrayLike, b: ArrayLike | None, z: ArrayLike, results: Any, width: int,
    seconds: float, seed: int,
) -> tuple[TemplateTrial, LearnedCell | None]:  # fmt: skip
    begun = time.monotonic()

    def told(verdict: Verdict, examples: tuple[int, ...], reason: str = "") -> TemplateTrial:
        return TemplateTrial(name, verdict, examples, time.monotonic() - begun, reason)

    bits = fabric.result_bits(width)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if (results < 0).any() else (0, 1 << bits)
    beyond = np.flatnonzero((results < low) | (results >= high))
    if beyond.size:
        return told("refuted", (int(beyond[0]),), f"{bits} bits do not hold {results[beyond[0]]}"), None
    try:
        found = learn_sat(fabric, a, b, z, width, max_seconds=seconds, seed=seed)
    except ContradictionError as error:
        return told("refuted", error.numbers, str(error)), None
    except NotDecidedError as error:
        return told("not decided", (), f"{error.used} examples, {seconds:.0f} s"), None
    return told("agrees", found.used), found.cell


def _as_of_narrower(
    fabric: Fabric, a: ArrayLike, b: ArrayLike | None, results: Any, width: int, seconds: float, seed: int
) -> LearnedCell | None:
    """Return a cell that agrees with all examples, and with those of small operands as if they had a bit less, if there
    is one: of cells that examples of one width do not tell apart, one that does not live by the width being even.
    """
    left, right = (np.atleast_1d(np.array(0 if each is None else each, object)) for each in (a, b))
    bits, high = fabric.result_bits(width - 1) if width > 1 else 0, 1 << width - 1
    low = -(1 << bits) // 2 if (results < 0).any() else 0
    top = 1 << bits if low == 0 else -low
    small = np.flatnonzero((left < high) & (right < high) & (results >= low) & (results < top))
    if not bits or not small.size:
        return None
    narrower = (left[small], None if b is None else right[small], results[small], width - 1)
    try:
        return learn_sat(fabric, a, b, results, width, also=[narrower], max_seconds=seconds, seed=seed).cell
    except (ContradictionError, NotDecidedError):
        return None
