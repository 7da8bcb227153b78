"""The engine of a circuit: the compiled one, as soon as there is enough to do for it.

Loading compiled code takes a third of a second in a new process, the first time ever some seconds. A few samples are
known in a millisecond without it: they are evaluated in plain NumPy until that has taken as long as loading does.
"""

from __future__ import annotations

import contextlib
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.engine.few import FEW
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.netlist import Netlist

if TYPE_CHECKING:
    from lutsmith.circuit.engine.blocks import Blocks

SHALLOW = 1000
"""Levels that a netlist may have to be evaluated without compiled code: NumPy takes some 20 us for each."""

MAPPED = 1 << 23
"""Counts that are mapped to scores at a time, some 100 MB of them."""

LARGE = 1024
"""Samples of a call whose time counts for whether machine code would have been worth its making."""

LOADING = 0.3
"""Seconds that compiled code takes to load."""


class Engine:
    """Evaluates a circuit on all cores; safe under concurrent callers.

    Results are those of `Inputs.encode`, `Netlist.evaluate` and `Head`, bit for bit. A netlist with registers
    is evaluated for one clock cycle from their initial values.

    All methods take rows (N, F) of real numbers, `tables` uint64 (nodes,) to use instead of the netlist's own, and a
    number of `threads` (by default LUTSMITH_NUM_THREADS, else all cores that the process may use). They raise TypeError
    or ValueError where one of these has the wrong type or shape.

    Args:
        encoder: what the inputs of the netlist are.
        netlist: the LUTs.
        head: popcounts and affine map; None if only bits are asked for.
    """

    def __init__(self, encoder: Comparators | Inputs, netlist: Netlist, head: Head | None = None) -> None:
        inputs = Inputs.of(encoder)
        if len(inputs) != netlist.num_inputs:
            raise ValueError(f"{len(inputs)} comparators for {netlist.num_inputs} inputs of the netlist")
        if head is not None:
            head.check(netlist.outputs.size)
        self._inputs, self._netlist, self._head = inputs, netlist, head
        self._labels_are_groups = head is not None and head.is_plain and not head.shape
        self._seconds = 0.0
        self._large_seconds = 0.0
        self._coded: Blocks | None = None
        self.considering: threading.Thread | None = None

    def predict(
        self, rows: NDArray[Any], *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.int64]:
        """The class of each sample, int64 (N, *shape); the lowest class wins a tie. ValueError without a head."""
        head = self._checked_head()
        if not self._labels_are_groups:
            labels = np.empty((len(rows), *head.shape), np.int64)
            step = max(LARGE, MAPPED // (head.places * head.num_classes)) if head.shape else max(1, len(rows))
            for first in range(0, len(rows), step):
                part = slice(first, first + step)
                scores = self.decision_function(rows[part], tables=tables, threads=threads)
                labels[part] = head.labels(scores)
            return labels
        if self._without_loading(rows):
            return head.labels(head.scores(self._evaluate(rows, tables)))
        start = time.perf_counter()
        labels = self._blocks(tables).predict(rows, tables=tables, threads=threads)
        self._consider(rows, start)
        return labels

    def decision_function(
        self, rows: NDArray[Any], *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.int32]:
        """The scores, int32 (N, *shape, C). ValueError without a head."""
        head = self._checked_head()
        if self._without_loading(rows):
            return head.scores(self._evaluate(rows, tables))
        start_time = time.perf_counter()
        groups = head.places * head.num_groups
        if head.is_plain:
            counted = self._blocks(tables).counts(rows, tables=tables, threads=threads)
            self._consider(rows, start_time)
            return counted.reshape(len(rows), *head.shape, head.num_classes)
        single = groups == self._netlist.outputs.size  # groups of one bit need no counting
        blocks = self._blocks(tables)
        count = blocks.outputs if single else blocks.counts
        scores = np.empty((len(rows), *head.shape, head.num_classes), np.int32)
        samples = max(1024, MAPPED // groups)
        narrow = max(1, MAPPED // groups)  # float64 takes more room than bits or counts do
        for start in range(0, len(rows), samples):
            counts = count(rows[start : start + samples], tables=tables, threads=threads)
            counts = counts.reshape(len(counts), *head.shape, head.num_groups)
            for first in range(0, len(counts), narrow):
                part = counts[first : first + narrow]
                scores[start + first : start + first + len(part)] = head.affine(part)
        self._consider(rows, start_time)
        return scores

    def outputs(
        self, rows: NDArray[Any], *, tables: ArrayLike | None = None, threads: int | None = None
    ) -> NDArray[np.bool_]:
        """The output bits of each sample, bool (N, O)."""
        if self._without_loading(rows):
            return self._evaluate(rows, tables)
        start = time.perf_counter()
        bits = self._blocks(tables).outputs(rows, tables=tables, threads=threads)
        self._consider(rows, start)
        return bits

    @cached_property
    def interpreter(self) -> Blocks:
        """What interprets the netlist, a block of samples at a time. Asking for it loads compiled code."""
        from lutsmith.circuit.engine.blocks import Blocks

        return Blocks(self._inputs, self._netlist, self._head)

    def _blocks(self, tables: ArrayLike | None) -> Blocks:
        """What evaluates most samples a second: the interpreter, or machine code once there is it."""
        return self.interpreter if tables is not None or self._coded is None else self._coded

    def _consider(self, rows: NDArray[Any], start: float) -> None:
        """Think of machine code (`engine.machine_code`) in the background, once large calls have taken as long as its
        making would: whenever the work ends, no more than twice the time has been spent that was needed.
        """
        if len(rows) < LARGE or self.considering is not None:
            return
        self._large_seconds += time.perf_counter() - start
        if self._large_seconds < self._making:
            return
        from lutsmith.circuit.engine import machine_code

        if machine_code.wanted():
            self.considering = machine_code.start(self._compile)

    @cached_property
    def _making(self) -> float:
        from lutsmith.circuit.engine import machine_code

        return machine_code.making(self._netlist)

    def _compile(self) -> None:
        from lutsmith.circuit.engine import machine_code
        from lutsmith.circuit.engine.blocks import Blocks
        from lutsmith.circuit.engine.plan import EnginePlan

        with contextlib.suppress(Exception):  # whatever goes wrong, the interpreter stays
            code = machine_code.find(self._netlist)
            if code is not None:
                plan = code.plan()
                network = code.load(plan)
                if machine_code.faster(plan, EnginePlan(self._netlist, fixed=True), network):
                    self._coded = Blocks(self._inputs, code.netlist, self._head, coded=(plan, network))

    def _checked_head(self) -> Head:
        if self._head is None:
            raise ValueError("scores and labels need a head, and this engine was built without one: use outputs()")
        return self._head

    def _without_loading(self, rows: NDArray[Any]) -> bool:
        if rows.ndim != 2 or rows.shape[1] != self._inputs.num_features:
            raise ValueError(f"rows have shape {rows.shape}, expected (samples, {self._inputs.num_features})")
        if rows.dtype.kind not in "biuf":
            raise TypeError(f"rows hold {rows.dtype}, expected real numbers")
        if len(rows) > FEW or self._netlist.level_ptr.size > SHALLOW:
            return False
        return self._seconds < LOADING and "interpreter" not in self.__dict__

    def _evaluate(self, rows: NDArray[Any], tables: ArrayLike | None) -> NDArray[np.bool_]:
        start = time.perf_counter()
        bits = self._netlist.evaluate(self._inputs.encode(rows), tables=tables)
        self._seconds += time.perf_counter() - start
        return bits
