"""JavaScript, run by Node and compared with its circuits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, CircuitBuilder, Head, IntegerHead, OutputWord
from lutsmith.export import ExportError, to_javascript
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.simulation.software import node as run_in_node
from tests.tools import missing

from ..circuit.examples import random_circuit, random_netlist, random_rich_circuit, random_rich_rows
from .cases import CASES, LABELS, edge_rows, ranks

GOLDEN = Path(__file__).with_name("golden")

DRIVER = """\
const fs = require("fs");
const bytes = fs.readFileSync("rows.bin"), rows = new Float32Array(bytes.length / 4);
for (let i = 0; i < rows.length; i++) rows[i] = bytes.readFloatLE(4 * i);
const shown = (array) => Array.from(array);
function ask(net) {
    const said = { lanes: net.lanes, outputs: shown(net.outputs(rows)) };
    if (net.predict) {
        said.scores = shown(net.scores(rows));
        said.predict = shown(net.predict(rows));
        said.one = [];
        for (let i = 0; i < Math.min(3 * net.features, rows.length); i += net.features)
            said.one.push(...net.predict(shown(rows.subarray(i, i + net.features))));
    }
    return said;
}
const assembled = ask(require("./net.js"));
delete require.cache[require.resolve("./net.js")];
delete globalThis.WebAssembly;
console.log(JSON.stringify([assembled, ask(require("./net.js"))]));
"""


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        missing("node", "install Node.js (https://nodejs.org)")
    return found


def run(node: str, folder: Path, *arguments: str) -> str:
    command = [node, *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def check(node: str, folder: Path, circuit: Circuit, rows: np.ndarray) -> None:
    (folder / "net.js").write_text(to_javascript(circuit, name="net"))
    (folder / "driver.js").write_text(DRIVER)
    (folder / "rows.bin").write_bytes(rows.astype("<f4").tobytes())
    both = json.loads(run(node, folder, "driver.js"))
    assert [said["lanes"] for said in both] == [128, 32]  # with WebAssembly and without
    for said in both:
        np.testing.assert_array_equal(said["outputs"], circuit.evaluate(rows).reshape(-1))
        if circuit.head is not None:
            np.testing.assert_array_equal(said["scores"], circuit.decision_function(rows).reshape(-1))
            np.testing.assert_array_equal(said["predict"], circuit.predict(rows).reshape(-1))
            np.testing.assert_array_equal(said["one"], circuit.predict(rows[:3]).reshape(-1))


@pytest.mark.parametrize("case", CASES)
def test_javascript_says_what_the_circuit_says(node: str, tmp_path: Path, case: str) -> None:
    circuit = CASES[case]
    check(node, tmp_path, circuit, edge_rows(circuit))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_random_netlists_say_the_same(node: str, tmp_path: Path, seed: int) -> None:
    netlist = random_netlist(seed, inputs=24, outputs=12, max_rank=6)
    circuit = replace(ranks(seed % 100, head=False), netlist=netlist, head=Head(3))
    check(node, tmp_path, circuit, edge_rows(circuit, seed, 64))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("main.cjs", 'const net = require("./net.js"); console.log(net.features);'),
        ("main.mjs", 'import net from "./net.js"; console.log(net.features);'),
        ("main.mjs", 'import "./net_module.mjs"; console.log(globalThis.net.features);'),
        (
            "main.cjs",
            """const vm = require("vm"), context = vm.createContext({});
            vm.runInContext(require("fs").readFileSync("net.js", "utf8"), context);
            console.log(vm.runInContext("net.features", context));""",
        ),
    ],
    ids=["CommonJS", "import of CommonJS", "ES module", "script"],
)
def test_the_file_can_be_loaded_as(node: str, tmp_path: Path, file: str, text: str) -> None:
    for name in ("net.js", "net_module.mjs"):
        (tmp_path / name).write_text(to_javascript(ranks(), name="net"))
    (tmp_path / file).write_text(text)
    assert run(node, tmp_path, file).strip() == "6"


def test_numbers_are_rounded_to_float32(node: str, tmp_path: Path) -> None:
    circuit = CASES["no LUTs"]
    (tmp_path / "net.js").write_text(to_javascript(circuit, name="net"))
    rows = np.array([[0.5 + 1e-9, -1.5 + 1e-9, 1e-40], [0.5 + 1e-7, 1e300, -1e300]])
    printed = run(
        node, tmp_path, "-p", f'Array.from(require("./net.js").outputs({json.dumps(rows.ravel().tolist())}))+""'
    )
    np.testing.assert_array_equal(np.array(printed.split(","), int).reshape(2, -1), circuit.evaluate(rows))


def test_names_come_out_as_they_went_in(node: str, tmp_path: Path) -> None:
    circuit = replace(ranks(), classes=("</script>", *LABELS[1:]))
    text = to_javascript(circuit, name="net")
    assert "</script>" not in text  # it may stand in a page as it is
    (tmp_path / "net.js").write_text(text)
    printed = run(node, tmp_path, "-p", 'const n = require("./net.js"); JSON.stringify([n.classNames, n.featureNames])')
    assert json.loads(printed) == [list(circuit.classes or ()), list(circuit.schema.names)]


@pytest.mark.parametrize(
    ("given", "message"),
    [("[1, 2]", "whole samples of 6"), ("[1,2,3,4,5,null]", "got null"), ('"abcdef"', "array of numbers"),
     ('[1,2,3,4,5,"6"]', "got string"), ("new BigInt64Array(6)", "BigInt"),
     ("new DataView(new ArrayBuffer(24))", "array of numbers"), ("[1,2,3,4,5,6n]", "got bigint")],
)  # fmt: skip
def test_what_is_no_sample_is_refused(node: str, tmp_path: Path, given: str, message: str) -> None:
    (tmp_path / "net.js").write_text(to_javascript(ranks(), name="net"))
    code = f'try {{ require("./net.js").predict({given}) }} catch (error) {{ console.log(error.message) }}'
    assert message in run(node, tmp_path, "-e", code)


def test_text_is_as_it_was() -> None:
    circuit = random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3)
    assert to_javascript(circuit, name="small") == (GOLDEN / "small.js").read_text()


@pytest.mark.parametrize("name", ["predict", "ranks", "exported", "FEATURES", "x"])
def test_a_name_may_be_one_that_the_file_uses_itself(node: str, tmp_path: Path, name: str) -> None:
    (tmp_path / "net.mjs").write_text(to_javascript(ranks(), name=name))
    (tmp_path / "main.mjs").write_text(f'import "./net.mjs"; console.log(globalThis.{name}.features);')
    assert run(node, tmp_path, "main.mjs").strip() == "6"


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_all_traits_say_the_same(seed: int) -> None:
    """With WebAssembly and without; of registers, streams as well, once more after reset()."""
    if shutil.which("node") is None:
        missing("node", "install Node.js (https://nodejs.org)")
    circuit = random_rich_circuit(seed)
    script, rows = to_javascript(circuit, name="net").encode(), random_rich_rows(seed, circuit, 300)
    assert Answers.of(circuit, rows).difference(run_in_node(circuit, script, rows, 60)) is None
    if circuit.netlist.num_registers:
        said = run_in_node(circuit, script, rows, 60, streams=150)
        assert Answers.of_streams(circuit, rows.reshape(150, 2, -1)).difference(said) is None


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_words_of_64_bits_are_read_of_big_integers_exactly(node: str, dtype: str) -> None:
    """Comparators see them rounded to float32 once, which by way of float64 would be twice."""
    builder = CircuitBuilder((2,))
    words = builder.words(0, 64, signed=dtype == "i8")
    above = builder.compare([0, 0, 1], [2.0**60, 2.0**60 + 2.0**37, 0.5])
    builder.heads(
        {
            "twice": (
                [builder.constant(False), *words],
                {"head": IntegerHead((OutputWord("twice", 65, dtype == "i8"),))},
            ),
            "above": (above, {"head": Head(3), "objective": "multilabel"}),
        }
    )
    circuit = builder.build()
    rng = np.random.default_rng(0)
    rows = (
        rng.integers(0, 1 << 64, (200, 2), dtype=np.uint64) >> rng.integers(0, 64, (200, 2)).astype(np.uint64)
    ).view(dtype)
    rows[:4, 0] = [2**60 + 2**36 + 1, 2**60 + 2**36, 2**60 + 3 * 2**36 - 1, 2**60 + 3 * 2**36]
    said = run_in_node(circuit, to_javascript(circuit).encode(), rows, 60)
    assert Answers.of(circuit, rows).difference(said) is None
    assert said.results["twice"].tolist() == [2 * number for number in rows[:, 0].tolist()]
    doubled = rows.astype(np.float64).astype(np.float32)
    assert (doubled != rows.astype(np.float32)).any()  # these rows tell the one from the other


def test_streams_are_as_many_as_were_made(node: str, tmp_path: Path) -> None:
    (tmp_path / "net.js").write_text(to_javascript(ranks(registers=2), name="net"))
    code = """const net = require("./net.js"), s = net.create(2);
    const said = [s.streams, s.predict(new Array(12).fill(1)).length];
    for (const wrong of [() => net.create(-1), () => net.create(1.5), () => s.predict(new Array(6).fill(1))])
        try { wrong(); said.push("nothing"); } catch (error) { said.push(error.message); }
    console.log(JSON.stringify(said))"""
    said = json.loads(run(node, tmp_path, "-e", code))
    assert said[:2] == [2, 2]
    assert said[2:] == ["net: expected a number of streams"] * 2 + ["net: expected 6 numbers for each of 2 streams"]


def test_the_file_says_what_parts_are_to_it() -> None:
    text = to_javascript(random_rich_circuit(0, ["parts", "words"]))
    assert re.search(
        r"\n   Parts change nothing of what is computed; their LUTs stand among the others: cell \(\d+", text
    )
    assert re.search(r"6 comparators, \d+ bits of words -> ", text)


def test_what_javascript_cannot_hold_is_refused() -> None:
    with pytest.raises(ExportError, match="reserved word"):
        to_javascript(ranks(), name="class")
    with pytest.raises(ExportError, match="cannot name"):
        to_javascript(ranks(), name="a-b")
