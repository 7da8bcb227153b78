"""Circuits with a state: exports of them hold in every layer, and faults of registers are found in every format."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Comparators, Head, Netlist
from lutsmith.export import FORMATS, Options
from lutsmith.hardware import Verification, prove, verify, verify_files
from lutsmith.hardware.simulation.hdl import icarus
from lutsmith.hardware.verification import runs
from lutsmith.hardware.verification.rows import dealt
from lutsmith.logic import Words
from tests.circuit.examples import random_netlist
from tests.hardware.test_equivalence_registers import edited
from tests.machines import adder_circuit, serial_adder

TOOLS = {"verilog": ("yosys", "abc"), "vhdl": ("ghdl", "yosys", "abc"), "json": ()}
RUN = {"verilog": ("yosys", "iverilog"), "vhdl": ("ghdl", "yosys")}
LOGIC = ("verilog", "vhdl", "blif", "aiger", "aiger-ascii")
EACH = [pytest.param(name, marks=pytest.mark.needs(*TOOLS.get(name, ("abc",)))) for name in (*LOGIC, "json")]


def machine() -> Circuit:
    """Six classes of a bit each, three of which are registers that go on to differ, on words of four bits."""
    netlist = random_netlist(107, inputs=6, registers=3, luts=20, outputs=6, max_rank=4)
    netlist = replace(netlist, outputs=[6, 7, 8, *netlist.outputs[3:]])
    encoder = Comparators([0, 0, 1, 1, 2, 2], [2.5, 9.5, 4.5, 7.5, 1.5, 12.5], 3)
    bounds = np.zeros(3, np.float32), np.full(3, 15, np.float32)
    return Circuit((3,), encoder, netlist, head=Head(6), classes=tuple("abcdef"), fitted_range=bounds)


OPTIONS = {"words": Words.derive(machine(), 4), "timeout": 60}


def started(netlist: Netlist, register: int) -> Netlist:
    init = netlist.register_init.copy()
    init[register] ^= True
    return replace(netlist, register_init=init)


def rewired(netlist: Netlist, register: int) -> Netlist:
    following = netlist.register_next.copy()
    following[register] = (following[register] + 1) % netlist.num_signals
    return replace(netlist, register_next=following)


def swapped(netlist: Netlist, register: int) -> Netlist:
    following, init = netlist.register_next.copy(), netlist.register_init.copy()
    pair = [register, (register + 1) % following.size]
    following[pair], init[pair] = following[pair[::-1]], init[pair[::-1]]
    return replace(netlist, register_next=following, register_init=init)


FAULTS = {"initial value": started, "next-state wire": rewired, "a swapped register": swapped}


def files_of(format_: str, netlist: Netlist) -> dict[str, bytes]:
    """The export of the machine with another network."""
    options = Options(words=OPTIONS["words"]) if format_ in LOGIC else Options()
    return FORMATS[format_].files(replace(machine(), netlist=netlist), options)


def checked(format_: str, netlist: Netlist, *layers: str) -> Verification:
    options = OPTIONS if format_ in LOGIC else {"timeout": 60}
    return verify_files(machine(), format_, files_of(format_, netlist), layers=layers, **options)


@pytest.mark.slow
@pytest.mark.needs("abc")
@pytest.mark.parametrize("format_", EACH)
def test_faults_of_registers_are_found_in_every_format(format_: str) -> None:
    netlist = machine().netlist
    layers = ("formal",) if format_ in LOGIC else ("read-back", "simulation")
    assert checked(format_, netlist, *layers).outcome == "holds"
    for fault in FAULTS.values():
        for register in range(1 if format_ in ("verilog", "vhdl") else 3):
            assert prove(netlist, fault(netlist, register), 60).verdict == "different"
            found = checked(format_, fault(netlist, register), *layers)
            assert found.outcome == "fails", str(found)


@pytest.mark.needs("abc")
@pytest.mark.parametrize("format_", EACH[:-1])
def test_the_same_machine_in_another_order_or_inverted_holds(format_: str) -> None:
    """What somebody else's tool may have done to it: only the proof can tell, and does."""
    netlist = edited(machine().netlist, "order", 2)
    assert not np.array_equal(netlist.register_next, machine().netlist.register_next)
    assert checked(format_, netlist, "formal").outcome == "holds"


@pytest.mark.slow
@pytest.mark.parametrize(
    "format_",
    [
        pytest.param(name, marks=pytest.mark.needs(*tools))
        for name, *tools in (("verilog", "iverilog"), ("vhdl", "ghdl"))
    ],
)
def test_faults_of_registers_show_in_simulation(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "VERILOG_SIMULATORS", {"iverilog": icarus})
    netlist = machine().netlist
    found = checked(format_, netlist, "simulation")
    assert [check.verdict for check in found.of(format_, "simulation")] == ["simulated"], str(found)
    assert "8 streams of 82 cycles" in found.of(format_, "simulation")[0].reason
    for fault in FAULTS.values():
        wrong = checked(format_, fault(netlist, 2), "simulation")
        assert [check.verdict for check in wrong.of(format_, "simulation")] == ["failed"], str(wrong)
    ((name, data),) = files_of(format_, netlist).items()
    always = data.replace(b"if (ce) begin", b"if (ce | ~ce) begin").replace(b"if ce = '1' then", b"if true then")
    assert always != data
    said = {"simulation": "rows differ", "formal": "does not hold its state while ce is 0"}
    for layer, how in said.items():  # VHDL without the enable is not even read
        wrong = verify_files(machine(), format_, {name: always}, layers=(layer,), **OPTIONS)
        how = how if format_ == "verilog" else "expected ce, as in the export"
        assert any(how in check.reason for check in wrong.failures), str(wrong)


@pytest.mark.slow
@pytest.mark.needs("abc", "yosys", "verilator")
def test_a_serial_adder_is_verified_and_proved_for_all_cycles() -> None:
    found = verify(adder_circuit(), (*LOGIC, "json"), timeout=100)
    assert not found.failures, str(found)
    for format_ in ("verilog", "blif", "aiger", "aiger-ascii", "json"):
        assert found.outcome_of(format_) == "holds", str(found)
    for form in ("borrow", "two"):
        assert prove(adder_circuit(), adder_circuit(form)).equal
    wrong = replace(adder_circuit("two"), netlist=replace(serial_adder("two"), register_init=[True, False]))
    proof = prove(adder_circuit(), wrong)
    assert proof.verdict == "different"
    assert proof.trace is not None


def test_a_machine_is_not_pipelined() -> None:
    with pytest.raises(ValueError, match="only designs without are pipelined"):
        verify(adder_circuit(), ("verilog",), pipeline=1)


@pytest.mark.parametrize(("count", "shape"), [(0, (0, 1)), (3, (3, 1)), (8, (8, 1)), (21, (8, 3))])
def test_rows_are_dealt_to_streams_in_turn(count: int, shape: tuple[int, int]) -> None:
    rows = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    streams = dealt(rows)
    assert streams.shape == (*shape, 2)
    for row in range(streams.shape[0] * streams.shape[1]):
        np.testing.assert_array_equal(streams[row % shape[0], row // shape[0]], rows[row % count])
