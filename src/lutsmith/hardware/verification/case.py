"""What a verification compares an export with, and how a row of its report is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.export import Options
from lutsmith.hardware.tools.tool import ToolError
from lutsmith.hardware.verification.emission import emitted, read
from lutsmith.hardware.verification.report import Check, Verdict
from lutsmith.logic.design import Design

Files = Mapping[str, bytes]

_Value = TypeVar("_Value")


@dataclass(frozen=True, eq=False)
class Case:
    """A verification case: what the files should be, and how that is checked.

    Attributes:
        circuit: the model.
        design: the circuit as logic, as it was exported.
        rows: float32 (N, F), what is simulated.
        timeout: seconds for each step.
        hardware: options that formats of logic are written with.
        software: those of programs.
        foreign: whether the user passed in the files; else the exports have just written them.
        run: whether programs that were handed in may be run.
    """

    circuit: Circuit
    design: Design
    rows: NDArray[np.float32]
    timeout: float
    hardware: Options
    software: Options
    foreign: bool = False
    run: bool = False
    _known: dict[str, Any] = field(default_factory=dict)

    def named(self, name: str) -> Case:
        """Return the same for files whose top module or model has another name."""
        if name == self.hardware.name:
            return self
        design, hardware = replace(self.design, name=name), replace(self.hardware, name=name)
        return replace(self, design=design, hardware=hardware, _known={})

    def once(self, key: str, make: Callable[[], _Value]) -> _Value:
        """Return what `make` returns, or raise what it raises, and call it only the first time."""
        if key not in self._known:
            try:
                self._known[key] = make()
            except (ToolError, ValueError) as problem:
                self._known[key] = problem
        known = self._known[key]
        if isinstance(known, Exception):
            raise known
        found: _Value = known
        return found

    @property
    def stateful(self) -> bool:
        """Whether the circuit has registers of its own. Then outputs belong to the cycle, not to the sample alone."""
        return self.circuit.netlist.num_registers > 0

    @property
    def fixed(self) -> bool:
        """Whether programs in C take words instead of floats."""
        return self.software.words is not None

    def names(self, format_: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of inputs and outputs that an export of logic should have."""
        named = read(format_, self.written(format_))
        return named.inputs, named.outputs

    def written(self, format_: str) -> bytes:
        """Return the file that an export of logic should be."""
        (data,) = emitted(format_, self.circuit, self.hardware, self.software).values()
        return data


def row(part: str, verdict: Verdict, reason: str, samples: int = 0) -> Check:
    """Return a row; the caller that runs the layer adds format, layer and time."""
    return Check("", "formal", part, verdict, reason, samples=samples)


def only(files: Files) -> bytes:
    """Return the one file of an export.

    Raises:
        ValueError: there are more, or none.
    """
    if len(files) != 1:
        raise ValueError(f"expected one file, got {', '.join(files) or 'none'}")
    return next(iter(files.values()))
