"""The order of the passes: local ones to a fixed point, cones collapsed, and again for as long as that gains."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.codes import use_codes
from lutsmith.circuit.simplify.cones import checked_rank, collapse_cones
from lutsmith.circuit.simplify.local import LOCAL
from lutsmith.circuit.simplify.restructure import restructure
from lutsmith.circuit.simplify.steps import Step

LEVELS = (1, 2, 3, 4)
"""Levels of effort."""


def simplify_netlist(netlist: Netlist, level: int = 2, *, rank: int = MAX_RANK) -> tuple[Netlist, tuple[Step, ...]]:
    """Return an equal netlist and the steps to it: `simplify` without encoder and head. Inputs stay.

    There is no level 3, which needs the encoder; level 4 is 2 with LUTs taken apart.

    Raises:
        TypeError, ValueError: another level or rank.
    """
    level, rank = checked_settings(level, rank)
    if level == 3:
        raise ValueError(f"level is {level}, which needs the encoder: simplify the circuit, or give 1, 2 or 4")
    record = Record(netlist)
    run_passes(record, level, rank)
    return record.netlist, record.steps()


def run_passes(record: Record, level: int, rank: int, encoder: Comparators | None = None) -> None:
    """Take a netlist through the passes of a level until none changes it. Codes (level 3) need the encoder.

    LUTs are taken apart once, before cones are collapsed: what is collapsed has lost some of its structure.
    """
    apart = level > 3
    while True:
        while True:
            before = record.netlist
            for each in LOCAL:
                record.run(each.__name__, each)
            if record.netlist is before:
                break
        if apart:
            apart = False
            record.run("restructure", lambda given: restructure(given, rank))
            continue
        if level > 1 and record.run("collapse_cones", lambda given: collapse_cones(given, rank)):
            continue
        if level < 3 or encoder is None or not record.run("use_codes", lambda given: use_codes(given, encoder)):
            return


def checked_settings(level: int, rank: int) -> tuple[int, int]:
    """Return level and rank as ints after checking them."""
    if isinstance(level, bool) or not isinstance(level, (int, np.integer)):
        raise TypeError(f"level must be an int, not {type(level).__name__}")
    if level not in LEVELS:
        raise ValueError(
            f"level is {level}, expected 1 (local passes), 2 (cones too), 3 (codes too) or 4 (taken apart too)"
        )
    return int(level), checked_rank(rank)


class Record:
    """A netlist on its way through passes, and the steps of it so far."""

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self._start = time.perf_counter()
        self._steps = [Step.of("given", netlist, 0.0)]

    def run(self, name: str, change: Callable[[Netlist], Netlist]) -> bool:
        """Apply a pass; return whether it changed something."""
        start = time.perf_counter()
        after = change(self.netlist)
        if after is self.netlist:
            return False
        self.netlist = after
        self._steps.append(Step.of(name, after, time.perf_counter() - start))
        return True

    def steps(self) -> tuple[Step, ...]:
        """All steps, and the result."""
        return *self._steps, Step.of("result", self.netlist, time.perf_counter() - self._start)
