"""Which inputs a wiring reads, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, repr=False)
class Coverage:
    """How the slots of a layer's LUTs share its inputs.

    Attributes:
        num_inputs: inputs that may be read.
        num_slots: slots that read one each: LUTs times rank.
        unused: the inputs that no slot reads, ascending.
        histogram: entry f is the number of inputs that f slots read.
    """

    num_inputs: int
    num_slots: int
    unused: tuple[int, ...]
    histogram: tuple[int, ...]

    @property
    def mean_fanout(self) -> float:
        """Slots per input, on average."""
        return self.num_slots / self.num_inputs

    @property
    def max_fanout(self) -> int:
        """The number of slots that read the most-read input."""
        return len(self.histogram) - 1

    def __repr__(self) -> str:
        used = self.num_inputs - len(self.unused)
        return (
            f"Coverage({used} of {self.num_inputs} inputs read, fan-out mean {self.mean_fanout:.2f}, "
            f"max {self.max_fanout})"
        )


def coverage_of(inputs: Tensor, usable: Tensor) -> Coverage:
    """Count the readers of each usable input.

    Args:
        inputs: the inputs that the LUTs read, integers of any shape.
        usable: bool, one element an input: those that may be read.
    """
    fanout = torch.bincount(inputs.flatten().long(), minlength=usable.numel())[usable]
    unused = usable.nonzero().flatten()[fanout == 0]
    return Coverage(
        num_inputs=fanout.numel(),
        num_slots=inputs.numel(),
        unused=tuple(unused.tolist()),
        histogram=tuple(torch.bincount(fanout).tolist()),
    )
