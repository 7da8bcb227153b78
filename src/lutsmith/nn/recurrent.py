"""A cell of LUTs over time: unrolled in training and as a circuit, or a machine that makes a step each clock cycle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.nn.dense import LogicDense
from lutsmith.nn.lowering import lower

if TYPE_CHECKING:
    from lutsmith.circuit.circuit import Circuit

OUTPUTS = ("last", "all")
"""What a recurrent layer gives: the state after the last step, or after every step."""


class LogicRecurrent(nn.Module):
    """A state of bits, which LUTs compute anew at every step from the step's channels and the state before it.

    The LUTs are a `LogicDense` of `channels + state` inputs, the same at every step; the state begins as zeros. In
    training the state is the LUTs' output, between 0 and 1, and gradients go back through all steps. In eval mode it
    consists of bits. The circuit repeats the cell for every step; `to_machine` gives a circuit with one cell and
    registers.

    Args:
        channels: of a sequence.
        state: bits of the state, and LUTs.
        lut_rank: inputs of a LUT, 1 to 8.
        output: `"last"` or `"all"`.
        **settings: of the cell, as for `LogicDense`.

    Shapes: `(..., channels, length)` to `(..., state)`, or of all steps `(..., state, length)`; at least one step.

    Parameters: those of `cell`.

    Raises:
        TypeError, ValueError: as `LogicDense`; an output that is neither; in use, other shapes.
    """

    def __init__(self, channels: int, state: int, lut_rank: int = 4, *, output: str = "last", **settings: Any) -> None:
        super().__init__()
        self.channels = whole_number("channels", channels, 1)
        self.state = whole_number("state", state, 1)
        self.output = one_of("output", output, OUTPUTS)
        self.cell = LogicDense(channels + state, state, lut_rank, **settings)

    def forward(self, x: Tensor) -> Tensor:
        self._check(x.shape)
        dtype = x.dtype if x.is_floating_point() else self.cell.weight.dtype
        rows = x.to(dtype).reshape(-1, *x.shape[-2:]).permute(2, 1, 0)  # steps, channels, samples: as cells read them
        state, states = rows.new_zeros(self.state, rows.shape[2]), []
        for step in rows:
            state = self.cell(torch.cat([step, state]).t()).t()
            states.append(state)
        found = state if self.output == "last" else torch.stack(states, dim=1)
        return found.movedim(-1, 0).reshape(*x.shape[:-2], *found.shape[:-1])

    def lower(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the cell for each step of `signals` `(..., channels, length)`, or once with registers for a machine."""
        self._check(signals.shape)
        samples, is_machine = signals.reshape(-1, *signals.shape[-2:]), isinstance(builder, _MachineBuilder)
        if is_machine and samples.shape[::2] != (1, 1):
            raise ValueError(f"a machine reads a step at a time, and signals have shape {signals.shape}")
        found = []
        for sample in samples:
            registers = builder.register(self.state) if is_machine else None
            state = np.full(self.state, builder.constant(False), np.int32) if registers is None else registers
            states = []
            for step in sample.T:
                state = self.cell.lower(builder, np.concatenate([step, state]))
                states.append(state)
            if registers is not None:
                builder.connect(registers, state)
            found.append(state if self.output == "last" else np.stack(states, axis=1))
        return np.stack(found).reshape(*signals.shape[:-2], *found[0].shape)

    def _check(self, shape: Sequence[int]) -> None:
        if len(shape) < 2 or shape[-2] != self.channels or shape[-1] < 1 or math.prod(shape[:-2]) == 0:
            raise ValueError(
                f"LogicRecurrent got an input of shape {tuple(shape)}; expected (..., {self.channels}, length)"
            )

    def extra_repr(self) -> str:
        return f"{self.channels}, {self.state}, output={self.output!r}"


class _MachineBuilder(CircuitBuilder):
    """The builder of a circuit whose cycles are the steps of a sequence."""


def to_machine(model: nn.Module, channels: int, *, classes: Sequence[int | float | str] | None = None) -> Circuit:
    """Lower a network over sequences to a circuit with registers that reads the channels of a step in each clock cycle.

        machine = to_machine(nn.Sequential(LogicRecurrent(3, 64), LogicDense(64, 40, 4), GroupSum(4)), 3)
        machine.run(x.transpose(0, 2, 1))  # of (N, 3, T): what is said after each of T steps

    After T cycles it gives the same result as the circuit that `to_circuit` makes for sequences of T steps.

    Args:
        model: bits to bits or scores, such as `nn.Sequential(LogicRecurrent(...), ..., head)`: every layer before a
            `LogicRecurrent` must read each step on its own, and every layer behind one must read its last state or that
            of the step.
        channels: of a sequence, each the bit `x > 1/2`.
        classes: as for `to_circuit`.

    Raises:
        ValueError: a module that cannot be lowered for one step, as for `to_circuit`.
    """
    shape = (whole_number("channels", channels, 1), 1)
    return lower(model, shape, classes=classes, builder=_MachineBuilder(shape)).circuit
