"""Circuits that are unusual, and right: whatever they are made of, their exports hold."""

from __future__ import annotations

import numpy as np
import pytest

from lutsmith.circuit import CircuitBuilder
from lutsmith.hardware import verify
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.hdl import icarus
from lutsmith.hardware.verification import runs
from lutsmith.logic import elaborate
from tests.circuit.machines import full_adder


@pytest.mark.needs("yosys", "abc", "verilator", "iverilog", "vvp")
def test_luts_that_do_not_depend_on_the_instance_that_they_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Verilog, a block of none but these would never start."""
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], 2)
    _, carry = builder.instances("fa", full_adder(), [[a[0], b[0], a[1]]])[0]
    builder.integers({"number": [*builder.lut([[carry, b[0]], [carry, b[1]]], [[1, 1, 1, 1], [0, 0, 0, 0]]), carry]})
    monkeypatch.setattr(runs, "VERILOG_SIMULATORS", {"iverilog": icarus})
    found = verify(builder.build(), ("verilog",), timeout=60)
    assert found.ok, str(found)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 61, 62, 63, 64, 65])
def test_integers_of_every_length_become_the_bits_of_their_ports(bits: int, signed: bool) -> None:
    builder = CircuitBuilder((bits,))
    builder.integers({"number": builder.compare(builder.features, 0)}, signed=signed)
    circuit = builder.build()
    rows = np.random.default_rng([bits, signed]).integers(0, 2, (40, bits))
    rows[:2] = [[0], [1]]
    assert np.array_equal(Answers.of(circuit, rows).bits(elaborate(circuit)), rows > 0)
