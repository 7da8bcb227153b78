"""Whole circuits as BLIF and AIGER, read back and compared with the circuit."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pytest

from lutsmith import formats
from lutsmith.circuit import Circuit, Metadata
from lutsmith.export import designed, to_aiger, to_blif
from lutsmith.logic import Words

from .cases import CASES, edge_rows, ranks, with_range

SMALL = [case for case in CASES if case != "1,000 classes"]


def read(circuit: Circuit, kind: str, **options: object) -> formats.NamedNetlist:
    if kind == "blif":
        return formats.from_blif(to_blif(circuit, **options))  # type: ignore[arg-type]
    return formats.from_aiger(to_aiger(circuit, binary=kind == "binary", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["blif", "ascii", "binary"])
@pytest.mark.parametrize("case", SMALL)
def test_logic_says_what_the_circuit_says(case: str, kind: str) -> None:
    circuit = CASES[case]
    words = Words.float32(circuit.encoder.num_features)
    named = read(circuit, kind, words=words)
    rows = edge_rows(circuit, samples=10)
    seen = words.quantise(rows)
    bits = (seen[:, :, None] >> np.arange(32, dtype=np.uint32) & 1).astype(np.bool_).reshape(len(rows), -1)
    said = named.netlist.evaluate(bits)
    if circuit.head is None:
        np.testing.assert_array_equal(said, circuit.evaluate(rows))
        return
    at = 0
    for port in designed(circuit, words=words).outputs:
        got = port.words(said[:, at : at + port.size])
        at += port.size
        if port.name == "scores":
            np.testing.assert_array_equal(got, circuit.decision_function(rows))
        else:
            np.testing.assert_array_equal(got.reshape(circuit.predict(rows).shape), circuit.predict(rows))
    assert at == named.netlist.outputs.size


@pytest.mark.parametrize("kind", ["blif", "ascii", "binary"])
def test_names_of_features_and_classes_are_names_of_bits(kind: str) -> None:
    circuit = replace(with_range(ranks()), classes=("setosa", 'a "b" c', "ü\n", "x]["))
    circuit = replace(circuit, metadata=Metadata(feature_names=("age", "age b", "%20", "é", "[3]", "#")))
    named = read(circuit, kind, words=3)
    assert named.inputs[:4] == ("x[age][0]", "x[age][1]", "x[age][2]", "x[age b][0]")
    assert len(set(named.inputs)) == 18
    assert {"label[0]", "label[1]", "scores[setosa][0]", 'scores[a "b" c][0]'} <= set(named.outputs)


@pytest.mark.parametrize("kind", ["blif", "ascii", "binary"])
def test_every_bit_is_where_its_name_says(kind: str) -> None:
    """Whoever wires the file by its names alone, in any order, has the circuit."""
    features, classes = ["age", "b c", "d", "%20", "é", "[3]"], ("setosa", "b", "virginica", "d e")
    circuit = replace(with_range(ranks(5)), classes=classes, metadata=Metadata(feature_names=features))
    named = read(circuit, kind, words=4)
    words = Words.derive(circuit, 4)
    rows = words.quantise(edge_rows(circuit)[-60:])
    bits = np.zeros((len(rows), len(named.inputs)), np.bool_)
    for place, name in enumerate(named.inputs):
        feature, bit = re.fullmatch(r"x\[(.*)\]\[(\d)\]", name).groups()
        written = [quote(text, safe=" []") for text in features]
        bits[:, place] = rows[:, written.index(feature)] >> int(bit) & 1
    said = dict(zip(named.outputs, named.netlist.evaluate(bits).T.astype(int), strict=True))
    numbers = words.values(rows)
    scores = circuit.decision_function(numbers)
    for index, label in enumerate(classes):
        width = sum(name.startswith(f"scores[{label}]") for name in said)
        assert width > 1
        found = sum(said[f"scores[{label}][{bit}]"] << bit for bit in range(width))
        np.testing.assert_array_equal(found, scores[:, index])
    np.testing.assert_array_equal(said["label[0]"] + 2 * said["label[1]"], scores.argmax(axis=1))


def test_names_that_are_twice_there_get_their_number() -> None:
    named = formats.from_blif(to_blif(with_range(ranks()), words=1))
    assert named.inputs[0] == "x[0:age]"
    assert named.inputs[5] == "x[5:age]"


def test_comments_say_what_no_bit_does() -> None:
    circuit = with_range(CASES["regression"])
    text = to_blif(circuit, words=5)
    assert '# lutsmith words: {"bits": 5, "low": [-3.0' in text
    assert "# lutsmith scale: [0.1, -0.001, 0.3333333333333333]" in text
    assert "# lutsmith offset: [1000000.0" in text
    data = to_aiger(circuit, words=5)
    assert b"\nc\nlutsmith name" in data
    assert b"lutsmith scale: [0.1" in data
    assert "scale" not in to_blif(circuit, words=5, head=False)


def test_parts_can_be_left_out() -> None:
    circuit = ranks()
    named = formats.from_blif(to_blif(circuit, encoder=False, head=False))
    assert named.inputs == tuple(f"bits[{index}]" for index in range(24))
    assert named.outputs == tuple(f"outputs[{index}]" for index in range(24))
    bits = np.random.default_rng(0).integers(0, 2, (50, 24))
    np.testing.assert_array_equal(named.netlist.evaluate(bits), circuit.netlist.evaluate(bits))


def test_pipelines_and_registers_become_latches() -> None:
    assert formats.from_blif(to_blif(ranks(), pipeline=1)).netlist.num_registers > 0
    assert formats.from_aiger(to_aiger(ranks(registers=2), head=False)).netlist.num_registers == 2
