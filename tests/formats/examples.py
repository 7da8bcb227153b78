"""What the tests of formats share: netlists of every shape, and whether two are the same."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from lutsmith.circuit import Netlist, NetlistBuilder

from ..circuit.examples import random_netlist


def shapes() -> dict[str, Netlist]:
    """Netlists at the edges of what a format must hold."""
    empty = NetlistBuilder()
    wires = NetlistBuilder(3)
    constants = NetlistBuilder(2)
    both = [constants.constant(False), constants.constant(True)]
    wide = NetlistBuilder(6)
    tables = np.array([0, 2**64 - 1, 2**63, 1, 0x8000000000000001], np.uint64)
    single = NetlistBuilder(1)
    buffer, inverter = single.lut([[0], [0]], np.array([2, 1], np.uint64))
    state = NetlistBuilder(1)
    registers = state.register(3, [True, False, True])
    state.connect(registers, [0, registers[0], state.constant(True)])
    unread = NetlistBuilder(2)
    unread.lut([[0, 1]], np.array([6], np.uint64))
    return {
        "nothing": empty.build([]),
        "no outputs": NetlistBuilder(4).build([]),
        "outputs that are inputs, repeated": wires.build([2, 0, 2, 2]),
        "constants": constants.build([*both, both[1]]),
        "constant and sparse tables of rank 6": wide.build(wide.lut([np.arange(6)] * 5, tables)),
        "a buffer and an inverter, repeated": single.build([buffer, inverter, buffer, 0]),
        "registers that feed each other": state.build([registers[2], 0, registers[2]]),
        "a node that nothing reads": unread.build([0]),
        "every rank": random_netlist(7, luts=60),
        "every rank and registers": random_netlist(8, luts=60, registers=4),
    }


def assert_same(netlist: Netlist, other: Netlist) -> None:
    """Array for array."""
    for item in fields(Netlist):
        np.testing.assert_array_equal(getattr(netlist, item.name), getattr(other, item.name), err_msg=item.name)


def assert_same_function(netlist: Netlist, other: Netlist, seed: int = 0, rows: int = 64) -> None:
    """Outputs and next values are equal on random inputs and states, initial values too."""
    assert (netlist.num_inputs, netlist.num_registers) == (other.num_inputs, other.num_registers)
    np.testing.assert_array_equal(netlist.register_init, other.register_init)
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (rows, netlist.num_inputs)).astype(bool)
    state = rng.integers(0, 2, (rows, netlist.num_registers)).astype(bool)
    kept = [side.evaluate(bits, state=state, keep="all") for side in (netlist, other)]
    for field in ("outputs", "register_next"):
        np.testing.assert_array_equal(kept[0][:, getattr(netlist, field)], kept[1][:, getattr(other, field)])
