"""Names and comments of ports: words of any name, several heads, places, features that are words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lutsmith import export, formats
from lutsmith.circuit import Circuit, CircuitBuilder, Head, IntegerHead, Metadata
from lutsmith.circuit.results import OutputWord
from lutsmith.export import ExportError
from lutsmith.export.hdl.names import in_verilog, in_vhdl
from lutsmith.export.hdl.signals import Signals
from lutsmith.export.hdl.verilog import SYNTAX
from lutsmith.hardware import verify
from lutsmith.logic import elaborate
from tests.circuit.machines import adder, full_adder, labels_of_places

from .benches import run_benches

ODD = (
    "clk",
    "x",
    "outputs",
    "wire",
    "label",
    "sum_0",
    "l0_1",
    "u_network",
    "mux",
    "word",
    "result",
    "a__b",
    "Work",
    "lutsmith",
)
"""Words that a language, or an emitter, has for something else."""


def words(*names: str, bits: int = 2) -> Circuit:
    """Sums of two words of so many bits, under each of some names; the last is signed."""
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], bits)
    carry, sums = builder.constant(False), []
    for place in range(bits):
        low, carry = builder.instances("network", full_adder(), [[a[place], b[place], carry]])[0]
        sums.append(low)
    builder.integers(
        {name: [*sums, carry][: 1 + number % (bits + 1)] for number, name in enumerate(names)}, signed=[names[-1]]
    )
    return builder.build()


@pytest.mark.needs("yosys", "abc")
def test_words_of_any_name_are_exported_and_proved() -> None:
    found = verify(words(*ODD), ("verilog", "vhdl", "blif", "aiger"), layers=("read-back", "formal"), timeout=60)
    assert not found.failures, str(found)
    assert found.outcome_of("verilog") == found.outcome_of("blif") == found.outcome_of("aiger") == "holds", str(found)
    verilog, vhdl = export.to_verilog(words(*ODD)), export.to_vhdl(words(*ODD))
    for name in ("clk", "x", "outputs", "wire", "sum_0", "l0_1", "u_network", "lutsmith"):
        assert re.search(rf"output wire \[\d:0\] {name}_o\b", verilog), name
        assert f"{name} is {name}_o" in verilog
    assert "network is network_part1" in verilog
    assert "module lutsmith_network_part1" in verilog
    assert "a__b is a_b" in vhdl
    assert "output wire [2:0] a__b" in verilog
    assert {"x_o[0]", "x_o[1]"} <= set(formats.from_blif(export.to_blif(words("a", "x"))).outputs)


@pytest.mark.needs("iverilog", "vvp")
def test_benches_and_streams_take_words_of_any_name_and_length(tmp_path: Path) -> None:
    circuit, rng = words(*ODD), np.random.default_rng(0)
    files = {"lutsmith.v": export.to_verilog(circuit), "lutsmith_axis.v": export.to_axi_stream(circuit)}
    places = rng.integers(-2, 20, (8, 3, 2, 2)).astype(np.float32)
    places[::2, 2] = np.nan
    for name, each, samples in (
        ("lutsmith", circuit, rng.integers(0, 4, (16, 2))),
        ("add", adder(64), rng.integers(0, 1 << 64, (9, 3), np.uint64)),
        ("places", labels_of_places(2, 2), places),
    ):
        files[f"{name}.v"] = export.to_verilog(each, name=name)
        for file, data in export.to_testbench(each, samples, name=name).items():
            files[file] = data.decode() if file.endswith(".sv") else data
    said = run_benches("iverilog", ["lutsmith_tb", "add_tb", "places_tb"], files, tmp_path)
    assert [line[:4] for line in said] == ["PASS"] * 3, said
    assert ".word(word_o)" in files["lutsmith_tb.sv"]
    assert ".result(result_o)" in files["lutsmith_axis.v"]
    assert "get_ports {clk_o[0]}" in export.to_constraints(circuit)


@pytest.mark.parametrize(("pair", "language"), [(("x", "x_o"), "Verilog"), (("a_b", "a__b"), "VHDL")])
def test_names_that_would_be_one_are_refused_in_one_line(pair: tuple[str, str], language: str) -> None:
    write = export.to_vhdl if language == "VHDL" else export.to_verilog
    with pytest.raises(ExportError, match=rf"the ports .*{pair[1]}.* would both be .* in {language}: give the word"):
        write(words(*pair))
    export.to_blif(words(*pair))


def test_headers_say_what_words_heads_and_places_are() -> None:
    circuit = labels_of_places(2, 2)
    names = tuple(f"pixel {number}" for number in range(12))
    text = export.to_verilog(replace(circuit, metadata=Metadata(feature_names=names)))
    for said in (
        "//   pixel_label: 4 words of 2 bits: of pixel, word p is the class of the highest score at place p, unsigned;",
        "word p * 3 + c is the score of class c at place p, unsigned; places are 2 x 2, the last index first to",
        "//   image_scores: 4 words of 2 bits: of image, word c is the score of class c, unsigned.",
        "//   features 0 to 3: 4 bits, unsigned; the integer nearest to v,",
        '// feature 2 at (0, 1, 0) "pixel 2": bit 3 of its word',
        '// feature 9 at (2, 0, 1) "pixel 9" is missing',
        '// feature 4 at (1, 0, 0) "pixel 4" > 0.5',
        '// pixel: class 2 "land" at place 3: score, from bit 0 up',
        "// pixel: group 0",
        '// from here: image: class 3 "west"',
        'localparam integer PIXEL_CLASS_SKY = 0;  // "sky"',
        'localparam integer IMAGE_CLASS_WEST = 3;  // "west"',
        "lutsmith_kernel: a part of which the network has 4 instances; 9 LUTs in 2 levels.",
    ):
        assert (said in text) is (said != "// pixel: group 0"), said
    assert "constant PIXEL_CLASS_SKY : integer := 0;" in export.to_vhdl(circuit)
    text = export.to_verilog(words("carry", "total"))
    assert "//   carry: 1 word of 1 bit: an integer, unsigned." in text
    assert "//   total: 1 word of 2 bits: an integer, two's complement." in text


def test_bits_of_logic_formats_are_named_by_place_class_and_bit() -> None:
    named = formats.from_aiger(export.to_aiger(labels_of_places(2, 2)))
    assert {"pixel_label[3][1]", "pixel_scores[3][land][0]", "image_label[1]", "image_scores[west][1]"} <= set(
        named.outputs
    )
    assert len(set(named.outputs)) == len(named.outputs)
    named = formats.from_blif(export.to_blif(adder(64)))
    assert named.inputs[64 * 2 - 1] == "x[1][63]"
    assert named.outputs == tuple(f"sum[{bit}]" for bit in range(65))
    text = export.to_blif(labels_of_places(2, 2))
    for note in (
        "pixel places: [2, 2]",
        'image classes: ["north"',
        'instances, put in their places: {"kernel": 4}',
        'word formats: [{"features": "0 to 3", "bits": 4, "signed": false',
    ):
        assert f"# lutsmith {note}" in text


def chain(seed: int) -> Circuit:
    """LUTs and instances that read each other in any order: whatever was made before."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((3,))
    signals = builder.words([0, 1, 2], 2).reshape(-1)
    for _ in range(12):
        reads = rng.choice(signals, (2, 3))
        if rng.random() < 0.5:
            made = builder.instances("fa", full_adder(), reads).reshape(-1)
        else:
            made = builder.lut(reads, rng.integers(0, 2, (2, 8)))
        signals = np.append(signals, made)
    builder.integers({"out": rng.choice(signals, 9)})
    return builder.build()


@pytest.mark.parametrize("seed", range(30))
def test_no_block_waits_for_its_own_results(seed: int) -> None:
    """Instances that read what a block sets give nothing that its text reads, itself or through others."""
    part = next(part for part in elaborate(chain(seed)).parts if part.name == "network")
    signals = Signals(part, whole=False)
    block = {name: f"block {segment}" for name, segment in zip(signals.node_names, signals.segments, strict=True)}
    block |= {name: box.name for box in signals.boxes for name in box.gives}
    before: dict[str, set[str]] = {}
    texts = zip(signals.nodes, signals.expressions(SYNTAX), strict=True)
    readers = [(block[name], re.findall(r"\w+", text.format(*reads))) for (name, reads), text in texts]
    readers += [(box.name, box.reads) for box in signals.boxes]
    for reader, reads in readers:
        before.setdefault(reader, set()).update({block[name] for name in reads if name in block} - {reader})
    while free := [name for name, waits in before.items() if not waits]:
        for name in free:
            del before[name]
        before = {name: waits - set(free) for name, waits in before.items()}
    assert not before


@pytest.mark.needs("yosys", "verilator")
def test_blocks_between_instances_lint_clean_and_are_the_circuit() -> None:
    for seed in range(3):
        found = verify(chain(seed), ("verilog",), layers=("read-back", "formal"), timeout=60)
        assert found.ok, str(found)
        assert "Verilator" in str(found)


def test_designs_in_a_language_keep_what_they_are() -> None:
    design = elaborate(words("x", "label"))
    for named in (in_verilog(design), in_vhdl(design)):
        assert [part.netlist for part in named.parts] == [part.netlist for part in design.parts]
        assert [port.size for port in named.outputs] == [port.size for port in design.outputs]
    assert [port.name for port in in_vhdl(design).outputs] == ["x_o", "label_o"]
    assert [port.name for port in in_verilog(design).outputs] == ["x_o", "label"]


def test_a_head_of_any_name_keeps_its_classes() -> None:
    builder = CircuitBuilder((4,))
    bits = builder.compare([0, 1, 2, 3], [0.5] * 4)
    heads = {name: (bits, {"head": Head(2), "classes": ("a", "b")}) for name in ("class", "label", "a_", "end")}
    builder.heads({**heads, "w": (bits, {"head": IntegerHead((OutputWord("class_a", 4),))})})
    text = export.to_vhdl(builder.build())
    assert len(re.findall(r"constant \w+ : integer", text)) == 8
    found = verify(builder.build(), ("vhdl",), layers=("read-back",))
    assert not found.failures, str(found)
