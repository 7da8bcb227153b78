"""WebAssembly modules, run by Node and compared with their circuits."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Head, IntegerHead, OutputWord
from lutsmith.circuit.heads import OBJECTIVES
from lutsmith.export import to_webassembly, webassembly_script
from lutsmith.export.programs.webassembly import luts
from lutsmith.export.programs.webassembly.binary import signed, unsigned
from lutsmith.export.programs.webassembly.program import STYLES, Style
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.software import webassembly

from ..circuit.examples import random_affine, random_circuit, random_images, random_rich_circuit, random_rich_rows
from .cases import CASES, LABELS, edge_rows, ranks

pytestmark = pytest.mark.needs("node")


def check(circuit: Circuit, rows: np.ndarray, style: Style) -> None:
    """Outputs, scores and results of a module are the circuit's, in plain NumPy."""
    said = webassembly(circuit, to_webassembly(circuit, style=style), rows, 60)
    assert Answers.of(circuit, rows).difference(said) is None


def run(folder: Path, circuit: Circuit, code: str, style: Style = "unrolled") -> str:
    """What a script prints that has a module as `net`."""
    (folder / "net.wasm").write_bytes(to_webassembly(circuit, style=style))
    (folder / "net_wasm.js").write_text(webassembly_script())
    load = 'const net = require("./net_wasm.js").load(require("fs").readFileSync("net.wasm"));'
    node = shutil.which("node")
    assert node is not None
    ran = subprocess.run([node, "-e", load + code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("case", CASES)
def test_a_module_says_what_the_circuit_says(case: str, style: Style) -> None:
    check(CASES[case], edge_rows(CASES[case]), style)


def of_rank(rank: int, seed: int) -> Circuit:
    """Three levels of LUTs of one rank, those of 7 and 8 as trees of LUT6."""
    rng = np.random.default_rng(seed)
    builder = CircuitBuilder((5,))
    signals = builder.compare(np.repeat(np.arange(5), 4), np.tile([-1.0, -0.3, 0.3, 1.0], 5)).reshape(-1)
    for _ in range(3):
        made = builder.lut(rng.choice(signals, (9, rank)), rng.integers(0, 2, (9, 1 << rank)))
        signals = np.concatenate([signals, made])
    builder.popcount(signals[-12:], 3)
    return builder.build()


@settings(max_examples=12, deadline=None)
@given(
    rank=st.integers(1, 8), seed=st.integers(0, 999), style=st.sampled_from(STYLES), rows=st.sampled_from([1, 64, 65])
)
def test_luts_of_every_rank_say_the_same(rank: int, seed: int, style: Style, rows: int) -> None:
    check(of_rank(rank, seed), np.random.default_rng(seed).normal(size=(rows, 5)).astype(np.float32), style)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), style=st.sampled_from(STYLES))
def test_all_traits_say_the_same(seed: int, style: Style) -> None:
    """Words, long ones, missing values, integers, several heads, places; of registers, streams as well."""
    circuit = random_rich_circuit(seed)
    module, rows = to_webassembly(circuit, style=style), random_rich_rows(seed, circuit, 300)
    assert Answers.of(circuit, rows).difference(webassembly(circuit, module, rows, 60)) is None
    if circuit.netlist.num_registers:
        said = webassembly(circuit, module, rows, 60, streams=150)
        assert Answers.of_streams(circuit, rows.reshape(150, 2, -1)).difference(said) is None


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("seed", range(3))
def test_heads_of_every_objective_say_the_same(objective: str, seed: int) -> None:
    circuit = random_circuit(
        seed, input_shape=(6,), classes=3, objective=objective, affine=random_affine(seed, 3, 3, objective)
    )
    check(circuit, random_images(seed, circuit, 70).astype(np.float32), "compact")


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 129])
def test_any_number_of_samples_is_taken(rows: int) -> None:
    check(ranks(), edge_rows(ranks())[:rows], "unrolled")


def test_words_of_64_bits_are_read_of_big_integers_exactly() -> None:
    builder = CircuitBuilder((2,))
    words = builder.words(0, 64)
    above = builder.compare([0, 0, 1], [2.0**60, 2.0**60 + 2.0**37, 0.5])
    twice = IntegerHead((OutputWord("twice", 65),))
    builder.heads(
        {
            "twice": ([builder.constant(False), *words], {"head": twice}),
            "above": (above, {"head": Head(3), "objective": "multilabel"}),
        }
    )
    circuit = builder.build()
    rows = np.random.default_rng(0).integers(0, 1 << 64, (200, 2), dtype=np.uint64)
    rows[:4, 0] = [2**60 + 2**36 + 1, 2**60 + 2**36, 2**60 + 3 * 2**36 - 1, 2**60 + 3 * 2**36]
    said = webassembly(circuit, to_webassembly(circuit), rows, 60)
    assert Answers.of(circuit, rows).difference(said) is None
    assert said.results["twice"].tolist() == [2 * number for number in rows[:, 0].tolist()]


def test_wires_beyond_65_536_signals_are_read_by_the_loop() -> None:
    rng = np.random.default_rng(0)
    builder = CircuitBuilder((4,))
    bits = builder.compare(np.arange(4), np.zeros(4, np.float32))
    luts_ = builder.lut(rng.choice(bits, (66_000, 2)), rng.integers(0, 2, (66_000, 4)))
    builder.popcount(builder.lut(luts_[-40:].reshape(-1, 4), rng.integers(0, 2, (10, 16))), 2)
    circuit = builder.build()
    check(circuit, rng.normal(size=(65, 4)).astype(np.float32), "compact")


def test_straight_line_code_stands_in_functions_of_bounded_length() -> None:
    """Browsers refuse functions above 7.6 MB, and compile one at a time."""
    circuit = of_rank(6, 0)
    rng = np.random.default_rng(1)
    builder = CircuitBuilder((8,))
    bits = builder.compare(np.arange(8), np.zeros(8, np.float32))
    builder.popcount(builder.lut(rng.choice(bits, (700, 6)), rng.integers(0, 2, (700, 64))), 2)
    large = builder.build()
    for each in (circuit, large):
        longest = max(len(function.code) for function in luts.straight_line(each.netlist, 0))
        assert longest < luts.CHUNK + 4096
    assert len(luts.straight_line(large.netlist, 0)) > 2
    check(large, rng.normal(size=(20, 8)).astype(np.float32), "unrolled")


def test_bits_and_luts_of_a_sample_can_be_looked_at(tmp_path: Path) -> None:
    circuit, row = ranks(), edge_rows(ranks())[7:9]
    text = f"net.predict({json.dumps(row.reshape(-1).tolist())});"
    printed = run(tmp_path, circuit, text + "console.log(JSON.stringify([[...net.inputs(1)], [...net.luts(1)]]))")
    inputs, values = json.loads(printed)
    bits = circuit.inputs.encode(row)
    netlist = replace(circuit.netlist, outputs=np.arange(circuit.netlist.num_signals, dtype=np.int32))
    np.testing.assert_array_equal(inputs, bits[1])
    np.testing.assert_array_equal(values, netlist.evaluate(bits)[1, circuit.netlist.num_inputs :])


def test_a_promise_of_the_same_is_given_to_pages(tmp_path: Path) -> None:
    code = """require("./net_wasm.js").instantiate(require("fs").readFileSync("net.wasm"))
        .then((other) => console.log(other.features, ...other.scores([1, 2, 3, 4, 5, 6])), console.error);
        console.log(net.features, ...net.scores([1, 2, 3, 4, 5, 6]));"""
    first, second = run(tmp_path, ranks(), code).splitlines()
    assert first == second


def test_names_come_out_as_they_went_in(tmp_path: Path) -> None:
    circuit = replace(ranks(), classes=("</script>", "\u2028", *LABELS[2:]))
    printed = run(tmp_path, circuit, "console.log(JSON.stringify([net.classNames, net.featureNames]))")
    assert json.loads(printed) == [list(circuit.classes or ()), list(circuit.schema.names)]


@pytest.mark.parametrize(
    ("given", "message"),
    [("[1, 2]", "whole samples of 6"), ("[1,2,3,4,5,null]", "got null"), ('"abcdef"', "array of numbers"),
     ('[1,2,3,4,5,"6"]', "got string"), ("new DataView(new ArrayBuffer(24))", "array of numbers")],
)  # fmt: skip
def test_what_is_no_sample_is_refused(tmp_path: Path, given: str, message: str) -> None:
    code = f"try {{ net.predict({given}) }} catch (error) {{ console.log(error.message) }}"
    assert message in run(tmp_path, ranks(), code)


def test_a_module_of_others_is_refused(tmp_path: Path) -> None:
    bare = json.dumps([0, 97, 115, 109, 1, 0, 0, 0])
    tried = f'require("./net_wasm.js").load(Uint8Array.from({bare}))'
    code = f"try {{ {tried} }} catch (error) {{ console.log(error.message) }}"
    assert "not written by lutsmith" in run(tmp_path, ranks(), code)


def test_streams_are_as_many_as_were_made(tmp_path: Path) -> None:
    code = """const s = net.create(2);
    const said = [s.streams, s.predict(new Array(12).fill(1)).length];
    for (const wrong of [() => net.create(-1), () => net.create(1.5), () => s.predict(new Array(6).fill(1))])
        try { wrong(); said.push("nothing"); } catch (error) { said.push(error.message); }
    console.log(JSON.stringify(said))"""
    said = json.loads(run(tmp_path, ranks(registers=2), code))
    assert said[:2] == [2, 2]
    expected = ["expected a number of streams"] * 2 + ["expected 6 numbers for each of 2 streams"]
    assert said[2:] == [f"lutsmith: {text}" for text in expected]


def leb(data: Sequence[int], *, sign: bool) -> int:
    """A number in LEB128, decoded as the specification says it."""
    value = sum((byte & 127) << 7 * place for place, byte in enumerate(data))
    return value - (1 << 7 * len(data)) if sign and data[-1] & 64 else value


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_in_leb128_are_decoded_again_and_short(value: int) -> None:
    data = signed(value)
    assert leb(data, sign=True) == value
    assert all(byte & 128 for byte in data[:-1])
    assert not data[-1] & 128
    assert len(data) == max(1, (value if value >= 0 else ~value).bit_length() // 7 + 1)
    if value >= 0:
        assert leb(unsigned(value), sign=False) == value


def test_another_style_is_refused() -> None:
    with pytest.raises(ValueError, match="compact"):
        to_webassembly(ranks(), style="loop")  # type: ignore[arg-type]
