"""Registers in JavaScript: a first cycle, and streams of samples that have a state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.export.programs.javascript.literals import constant

_LOAD = """\
    for (let i = 0, at = (start / LANES) * REGISTERS * WORDS; i < REGISTERS * WORDS; i++)
        s[INPUTS * WORDS + i] = state ? state[at + i] : -registerInit[Math.floor(i / WORDS)];
"""

_STORE = """\
    if (!state) return;
    for (let r = 0, at = (start / LANES) * REGISTERS * WORDS; r < REGISTERS; r++)
        for (let w = 0; w < WORDS; w++) state[at++] = s[registerNext[r] * WORDS + w];
"""

_CREATE = """
/**
 * Streams of samples, each with a state of its own. The functions of the module itself are those of a first cycle.
 * @param {number} streams how many
 * @returns {object} @ASKED, which take the next sample of each stream, and end a cycle; and reset
 */
function create(streams) {
    if (!Number.isInteger(streams) || streams < 0) throw new RangeError("@NAME: expected a number of streams");
    const state = new Int32Array(Math.ceil(streams / LANES) * REGISTERS * WORDS);
    const reset = () => {
        for (let i = 0; i < state.length; i++) state[i] = -registerInit[Math.floor(i / WORDS) % REGISTERS];
    };
    const step = (ask) => (x) => {
        if (x.length !== streams * FEATURES)
            throw new RangeError("@NAME: expected " + FEATURES + " numbers for each of " + streams + " streams");
        return ask(x, state);
    };
    reset();
    return { streams, reset, @STEPS };
}
"""


class Registers:
    """What a file has for registers; empty texts where there are none.

    Attributes:
        constants: definitions.
        load, store: lines before and after the LUTs.
        first_lut: the signal of the first LUT.
        argument: of functions that may get a state.
        told: what the file gives by name.
        notes: a line for the head of the file.
    """

    def __init__(self, netlist: Netlist) -> None:
        count = netlist.num_registers
        self.constants: list[str] = []
        self.load, self.store, self.first_lut, self.argument, self.notes = "", "", "INPUTS", "", ""
        self.told: tuple[str, ...] = ()
        if count:
            self.constants = [
                f"const REGISTERS = {count}, FIRST_LUT = {netlist.num_inputs + count};",
                constant("registerNext", netlist.register_next),
                constant("registerInit", netlist.register_init.astype(np.int32)),
            ]
            self.load, self.store, self.first_lut, self.argument = _LOAD, _STORE, "FIRST_LUT", ", state"
            self.told = ("create",)
            self.notes = (
                f"   There are {count} registers: create(streams) gives functions that go on from cycle to cycle.\n"
            )

    def create(self, asked: Sequence[str]) -> str:
        """Return the function that makes streams, with these functions of the file."""
        if not self.told:
            return ""
        steps = ", ".join(f"{function}: step({function})" for function in asked)
        return _CREATE.replace("@ASKED", ", ".join(asked)).replace("@STEPS", steps)
