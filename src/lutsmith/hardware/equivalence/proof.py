"""What is known about two functions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

TIMEOUT = 600.0
"""Seconds for a proof, by default."""

Verdict = Literal["equal", "different", "undecided"]


@dataclass(frozen=True)
class Suspicion:
    """A state in which two machines differ, although they may never reach it.

    Attributes:
        inputs: bool (I,), or for circuits a sample, float32 (F,).
        state: bool (R,), the contents of the registers on which an output of either side depends.
    """

    inputs: NDArray[np.bool_] | NDArray[np.float32]
    state: NDArray[np.bool_]


@dataclass(frozen=True)
class Proof:
    """What is known about two functions.

    Attributes:
        verdict: "equal" is proved. "different" has a counterexample, on which both sides were evaluated here.
            "undecided" is everything else, and `note` says why.
        seconds: how long it took in all.
        method: how it was decided: "identical", "exhaustive", "random inputs", "random samples", "simulation" (from the
            initial state), "abc &cec"; of machines also "abc dprove", "abc pdr"; or what was tried last.
        counterexample: input bits (I,) for netlists, or a sample (F,) for circuits, float32, on which the sides differ.
        trace: where outputs depend on registers, the inputs from the initial state on, cycle by cycle: bool (T, I) for
            netlists, float32 (T, F) for circuits. The sides differ in the last of these cycles; its inputs are
            `counterexample`. Else None.
        output: the first output that differs there; None where outputs are equal and classes or decisions differ.
        suspicion: in an undecided proof with registers, a state in which the sides would differ, if they ever reach it.
        cycles: in an undecided proof with registers, the number of cycles from the initial state for which the sides
            are proved equal, whatever goes in; None in all other proofs.
        note: further remarks.
    """

    verdict: Verdict
    seconds: float
    method: str
    counterexample: NDArray[np.bool_] | NDArray[np.float32] | None = None
    trace: NDArray[np.bool_] | NDArray[np.float32] | None = None
    output: int | None = None
    suspicion: Suspicion | None = None
    note: str = ""
    cycles: int | None = None

    def __post_init__(self) -> None:
        if (self.verdict == "different") != (self.counterexample is not None):
            raise ValueError(f"a proof that says {self.verdict!r} needs a counterexample where it is 'different' alone")

    @property
    def equal(self) -> bool:
        """Whether equality is proved."""
        return self.verdict == "equal"

    def __bool__(self) -> bool:
        return self.equal

    def __str__(self) -> str:
        at = "" if self.output is None else f" at output {self.output}"
        return f"{self.verdict}{at} ({self.method}, {self.seconds:.2f} s){f': {self.note}' if self.note else ''}"


def undecided(method: str, note: str, **fields: Any) -> Proof:
    """Return a proof that did not succeed, for the reason in `note`."""
    return Proof("undecided", 0.0, method, note=note, **fields)


def joined(*notes: str) -> str:
    """Return the notes that say something, as one."""
    return "; ".join(filter(None, notes))


def left(limit: float | None) -> float | None:
    """Return the seconds until `limit`, of `time.perf_counter()`, at least a moment; None where there is no limit."""
    return None if limit is None else max(limit - time.perf_counter(), 0.001)


def share(limit: float | None, part: float) -> float | None:
    """Return the `time.perf_counter()` at which a part of the time until `limit` is over."""
    if limit is None:
        return None
    now = time.perf_counter()
    return now + part * max(limit - now, 0.0)
