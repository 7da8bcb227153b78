"""Pictures of small circuits, in the language of dot."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit import Heads, IntegerHead, Metadata
from lutsmith.circuit.traits import TRAITS
from lutsmith.export import ExportError, to_graphviz

from ..circuit.examples import random_circuit, random_rich_circuit
from .cases import CASES, LABELS, ranks, thousand_classes

GOLDEN = Path(__file__).with_name("golden")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
STATEMENT = re.compile(
    r'(digraph "(?:[^"\\]|\\.)*" \{|subgraph "\w+" \{|\}|rankdir=LR|label="[^"]*"|node \[.*\]'
    r'|\w+ \[(?:[a-z]+=(?:\w+|"(?:[^"\\]|\\.)*")(?:, )?)*\]|\w+ -> \w+(?: \[(?:[a-z]+=(?:\w+|"[^"]*")(?:, )?)*\])?)'
)


@pytest.mark.parametrize("case", [case for case in CASES if case != "1,000 classes"])
def test_every_line_is_a_statement_of_dot(case: str) -> None:
    for line in to_graphviz(CASES[case], name='a "b"\n\\').splitlines():
        assert STATEMENT.fullmatch(line.strip()), line


def test_edges_are_the_wires_and_names_survive() -> None:
    circuit = ranks(registers=2)
    netlist = circuit.netlist
    text = to_graphviz(circuit)
    wires = re.findall(r's(\d+) -> s(\d+) \[headlabel="(\d)"\]', text)
    assert [int(wire[0]) for wire in wires] == netlist.fanin.tolist()
    targets = np.repeat(np.arange(netlist.num_nodes) + 26, netlist.ranks)
    assert [int(wire[1]) for wire in wires] == targets.tolist()
    clocked = re.findall(r"s(\d+) -> s(\d+) \[style=dashed", text)
    assert [int(wire[0]) for wire in clocked] == netlist.register_next.tolist()
    strings = [string.replace('\\"', '"').replace("\\\\", "\\") for string in STRING.findall(text)]
    assert f"class {LABELS[0]}" in strings
    assert "class ünïcödé\\u000a\\u0009\\u007f" in strings
    assert any(string.startswith('a "b" \\c > ') for string in strings)
    assert "level 1" in strings


def test_affine_heads_show_their_weights() -> None:
    text = to_graphviz(CASES["regression"])
    assert 'g0 -> c0 [label="3"]' in text
    assert "g0 -> c1" not in text  # a weight of 0
    assert "bias -30, x -0.001 + 0.3" in text


def test_all_traits_are_drawn() -> None:
    """Every input, register, instance, integer bit and place has its text, and every output its edge."""
    circuit = random_rich_circuit(10, TRAITS)
    text = to_graphviz(circuit)
    for line in text.splitlines():
        assert STATEMENT.fullmatch(line.strip()), line
    words, netlist = circuit.words, circuit.netlist
    assert words is not None
    names = circuit.schema.names or [f"x{feature}" for feature in range(8)]
    bits = [f"{names[feature]}, bit {bit}" for feature, bit in zip(words.feature, words.bit, strict=True)]
    texts = [*bits, *(f"{names[feature]} is missing" for feature in circuit.missing)]
    for place, shown in enumerate(texts, len(circuit.encoder)):
        assert f's{place} [shape=cds, label="{shown}"]' in text
    for part in circuit.parts:
        for instance, signals in enumerate(part.signals(netlist)[:, part.netlist.num_inputs :]):
            for signal in signals:
                assert re.search(rf's{signal} \[(?:shape=box3d, )?label="[^"]*, {part.name} {instance}"\]', text)
    assert isinstance(circuit.head, Heads)
    ends = re.findall(r"s(\d+) -> [cg]\d+", text)
    assert [int(end) for end in ends] == netlist.outputs.tolist()
    integers = circuit.head["sums"].head
    assert isinstance(integers, IntegerHead)
    for place in range(3):
        for word in integers.words:
            kind = "signed" if word.signed else "unsigned"
            assert f'label="sums place {place} {word.name}, {kind}"' in text
        assert f'label="head_0 place {place} count 0"' in text
    assert len(re.findall(r'-> c\d+ \[headlabel="\d+"\]', text)) == circuit.head["sums"].outputs


def test_large_circuits_are_refused_with_the_reason() -> None:
    with pytest.raises(ExportError, match="too large to be read"):
        to_graphviz(thousand_classes())


def test_text_is_as_it_was() -> None:
    circuit = random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3)
    circuit = replace(circuit, metadata=Metadata(feature_names=("width", "height")))
    assert to_graphviz(circuit, name="small") == (GOLDEN / "small.dot").read_text()
