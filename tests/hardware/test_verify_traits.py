"""Circuits of all traits in JSON, JavaScript and ONNX: they are verified, and planted faults are found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lutsmith.circuit import Circuit, Head, Heads, IntegerHead, Netlist, OutputWord, Result, WordBits
from lutsmith.circuit.traits import TRAITS
from lutsmith.export import FORMATS, Options
from lutsmith.hardware.verification.verify import verify, verify_files
from tests.tools import missing, needs

from ..circuit.examples import random_rich_circuit

CIRCUIT = random_rich_circuit(10, set(TRAITS) - {"long words"}, max_bits=63)
LAYERS = ("read-back", "simulation")
PROGRAMS = ("json", "javascript", "onnx")


def needed(format_: str) -> None:
    if format_ == "javascript" and shutil.which("node") is None:
        missing("node", "install Node.js (https://nodejs.org)")
    if format_ == "onnx":
        needs("onnx", "onnxruntime")


@pytest.mark.slow
@pytest.mark.parametrize("format_", PROGRAMS)
def test_all_traits_are_verified(format_: str) -> None:
    needed(format_)
    every = [CIRCUIT, random_rich_circuit(1, ["integers", "places"], max_bits=53)]
    if format_ != "onnx":
        every += [random_rich_circuit(10, TRAITS), random_rich_circuit(4, ["long words", "missing values"])]
    for circuit in every:
        report = verify(circuit, [format_], layers=LAYERS)
        assert {check.verdict for check in report.checks} == {"proved", "simulated"}, str(report)
        streams = {"javascript", "onnx"} & {format_} if circuit.netlist.num_registers else set()
        assert ("streams" in {check.part for check in report.checks}) == bool(streams)


def with_array(netlist: Netlist, name: str, place: int, value: Any) -> Netlist:
    array = getattr(netlist, name).copy()
    array[place] = value
    return replace(netlist, **{name: array})


def wired_otherwise(circuit: Circuit) -> Circuit:
    """An instance reads another signal than its part says. The file has no parts: with them it would be none."""
    part = circuit.parts[0]
    netlist = circuit.netlist
    slot = int(netlist.fanin_ptr[part.nodes[0, 0]])
    others = (value for value in range(netlist.num_inputs) if value != netlist.fanin[slot])
    return replace(circuit, netlist=with_array(netlist, "fanin", slot, next(others)), parts=())


def other_table(circuit: Circuit) -> Circuit:
    """A node of an instance computes the opposite."""
    netlist, node = circuit.netlist, int(circuit.parts[0].nodes[-1, -1])
    tables = netlist.tables().copy()
    tables[node] ^= np.uint64((1 << (1 << int(netlist.ranks[node]))) - 1)
    return replace(circuit, netlist=replace(netlist, table_pool=tables, table_index=np.arange(tables.size)), parts=())


def other_start(circuit: Circuit) -> Circuit:
    netlist = circuit.netlist
    return replace(circuit, netlist=with_array(netlist, "register_init", 0, not netlist.register_init[0]), parts=())


def other_next(circuit: Circuit) -> Circuit:
    netlist = circuit.netlist
    return replace(circuit, netlist=with_array(netlist, "register_next", 0, int(netlist.register_next[1])), parts=())


def swapped_bits(circuit: Circuit) -> Circuit:
    words = circuit.words
    assert words is not None
    bit = words.bit.copy()
    bit[[0, 1]] = bit[[1, 0]]
    return replace(circuit, words=WordBits(words.feature, bit, words.formats))


def other_scale(circuit: Circuit) -> Circuit:
    words = circuit.words
    assert words is not None
    offset = words.formats.offset + ~words.formats.plain
    return replace(circuit, words=WordBits(words.feature, words.bit, replace(words.formats, offset=offset)))


def other_sign(circuit: Circuit) -> Circuit:
    words = circuit.words
    assert words is not None
    formats = replace(words.formats, signed=~words.formats.signed)
    return replace(circuit, words=WordBits(words.feature, words.bit, formats))


def other_missing(circuit: Circuit) -> Circuit:
    return replace(circuit, missing=(circuit.missing + 1) % 8)


def other_integer(circuit: Circuit) -> Circuit:
    assert isinstance(circuit.head, Heads)
    results = {**circuit.head}
    head = results["sums"].head
    assert isinstance(head, IntegerHead)
    words = (OutputWord(head.words[0].name, head.words[0].bits, not head.words[0].signed), *head.words[1:])
    results["sums"] = Result(IntegerHead(words, head.shape), results["sums"].outputs)
    return replace(circuit, head=Heads(results))


def other_places(circuit: Circuit) -> Circuit:
    """The outputs of the places the other way round."""
    assert isinstance(circuit.head, Heads)
    last = circuit.head["head_0"]
    assert isinstance(last.head, Head)
    outputs = circuit.netlist.outputs.copy()
    outputs[-last.outputs :] = outputs[-last.outputs :].reshape(last.head.places, -1)[::-1].reshape(-1)
    return replace(circuit, netlist=replace(circuit.netlist, outputs=outputs))


FAULTS: list[Callable[[Circuit], Circuit]] = [
    wired_otherwise, other_table, other_start, other_next, swapped_bits, other_scale, other_sign, other_missing,
    other_integer, other_places,
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("format_", PROGRAMS)
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found_by_looking_and_by_running(format_: str, fault: Callable[[Circuit], Circuit]) -> None:
    needed(format_)
    files = FORMATS[format_].files(fault(CIRCUIT), Options(name="lutsmith"))
    report = verify_files(CIRCUIT, format_, files, layers=("read-back",))
    assert not report.ok
    assert {check.verdict for check in report.checks} <= {"failed", "not decided", "proved"}
    assert {check.verdict for check in report.checks} & {"failed", "not decided"}
    if format_ == "json":
        assert {check.verdict for check in report.checks} == {"failed"}
        return
    report = verify_files(CIRCUIT, format_, files, layers=LAYERS, run=True)
    assert "failed" in {check.verdict for check in report.checks}, str(report)


def test_a_part_that_does_not_stand_in_the_netlist_is_no_document() -> None:
    """Every number of a document of all traits: another one is found, or is no circuit."""
    text = FORMATS["json"].files(CIRCUIT)["lutsmith.json"].decode()
    document = json.loads(text)
    for path, value in (
        (("parts", 0, "name"), "other"),
        (("parts", 0, "nodes", 0, 0), 0),
        (("parts", 1, "registers", 0, 0), 1),
        (("words", "bit", 0), 1),
        (("words", "formats", "per_unit", 1), 2),
        (("missing", 0), 3),
        (("head", "heads", 0, 0), "sum"),
        (("head", "heads", 1, 2, "shape"), [1, 3]),
    ):
        place: Any = json.loads(text)
        changed = place
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert changed != document
        report = verify_files(CIRCUIT, "json", {"a.json": json.dumps(changed).encode()}, layers=("read-back",))
        assert [check.verdict for check in report.checks] == ["failed"], path
