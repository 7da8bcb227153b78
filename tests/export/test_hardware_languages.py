"""Verilog, VHDL, test benches, streams and constraints, as text and in the tools that read them. They run elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lutsmith import export
from lutsmith.circuit import Circuit, NetlistBuilder
from lutsmith.export import ExportError
from lutsmith.export.hdl.names import constants, quoted
from lutsmith.formats import from_aiger
from lutsmith.hardware.tools import toolchain
from lutsmith.logic import Design, Part, Port
from tests.circuit.machines import adder
from tests.tools import module, needs

from .cases import CASES, edge_rows, ranks, with_range

GOLDEN = Path(__file__).parent / "golden"


def tool(name: str, *args: str, folder: Path) -> str:
    finished = toolchain.find(name).run(args, cwd=folder, timeout=200)
    return finished.stdout + finished.stderr


def tiny() -> Circuit:
    return with_range(ranks(7))


def logic(seed: int = 0, inputs: int = 9, luts: int = 5) -> Design:
    """A network of LUTs of every rank, repeated inputs and outputs included."""
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(inputs)
    signals = np.append(np.arange(inputs), builder.constant(True))
    for rank in range(1, 7):
        signals = np.append(
            signals, builder.lut(rng.choice(signals, (luts, rank)), rng.integers(0, 2, (luts, 1 << rank)))
        )
    netlist = builder.build(rng.choice(signals, 12))
    return Design("demo", (Part("network", netlist, (Port("bits", 1, inputs),), (Port("outputs", 3, 4),)),))


FILES = {
    "tiny.v": lambda: export.to_verilog(tiny(), words=3, name="tiny"),
    "tiny_xilinx.v": lambda: export.to_verilog(
        tiny(), encoder=False, head=False, pipeline=1, primitives="xilinx", name="tiny"
    ),
    "tiny.vhd": lambda: export.to_vhdl(tiny(), words=3, name="tiny"),
    "tiny_axis.v": lambda: export.to_axi_stream(tiny(), words=3, pipeline=2, beat_bits=8, name="tiny"),
    "tiny_tb.sv": lambda: export.to_testbench(
        tiny(), edge_rows(tiny(), samples=2)[:4], words=3, pipeline=2, name="tiny"
    )["tiny_tb.sv"].decode(),
    "tiny.xdc": lambda: export.to_constraints(tiny(), words=3, pipeline=2, name="tiny"),
    "parts.v": lambda: export.to_verilog(adder(2), name="parts"),
    "parts.vhd": lambda: export.to_vhdl(adder(2), name="parts"),
    "lut_models.v": export.verilog_primitives,
    "lut_models.vhd": export.vhdl_primitives,
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_as_they_were(name: str) -> None:
    assert FILES[name]() == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("simulator", ["iverilog", "verilator"])
def test_a_bench_that_is_run_elsewhere_misses_its_vectors_and_says_so(simulator: str, tmp_path: Path) -> None:
    needs(*(["iverilog", "vvp"] if simulator == "iverilog" else ["verilator", "c++", "make", "perl"]))
    circuit, elsewhere = tiny(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "tiny.v").write_text(export.to_verilog(circuit, name="tiny"))
    for name, data in export.to_testbench(circuit, edge_rows(circuit)[:5], name="tiny").items():
        (tmp_path / name).write_bytes(data)
    if simulator == "iverilog":
        tool("iverilog", "-g2012", "-o", "bench", "tiny.v", "tiny_tb.sv", folder=tmp_path)
        command = ["vvp", "-n", str(tmp_path / "bench")]
    else:
        flags = ["--binary", "--timing", "--top-module", "tiny_tb", "-CFLAGS", "-O0"]
        tool("verilator", *flags, "tiny.v", "tiny_tb.sv", folder=tmp_path)
        command = [str(tmp_path / "obj_dir" / "Vtiny_tb")]

    def said(folder: Path, *more: str) -> list[str]:
        done = subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True, check=False)
        return [line for line in done.stdout.splitlines() if line[:4] in ("PASS", "FAIL")]

    missing = "FAIL tiny vectors file missing: tiny_vectors.hex (run in its folder, or give +vectors=FILE)"
    assert said(elsewhere) == [missing]
    assert said(tmp_path)[0].startswith("PASS tiny samples=")
    assert said(elsewhere, f"+vectors={tmp_path / 'tiny_vectors.hex'}")[0].startswith("PASS tiny samples=")


@pytest.mark.parametrize("primitives", ["portable", "xilinx"])
@pytest.mark.needs("yosys")
def test_yosys_reads_back_the_same_function(primitives: str, tmp_path: Path) -> None:
    design = logic()
    texts = {"whole": export.verilog_of(design, primitives=primitives)}
    texts["faulty"] = re.sub(r"assign outputs\[0\] = (\w+)", r"assign outputs[0] = ~\1", texts["whole"])
    script = []
    (tmp_path / "models.v").write_text(export.verilog_primitives())
    for name, text in texts.items():
        (tmp_path / f"{name}.v").write_text(text)
        script.append(
            f"design -reset; read_verilog {name}.v models.v; hierarchy -top demo; proc; flatten; opt -full; techmap; "
            f"simplemap; aigmap; opt_clean; write_aiger -symbols {name}.aig"
        )
    tool("yosys", "-q", "-p", "; ".join(script), folder=tmp_path)
    part = design.flat()
    bits = np.array([[sample >> bit & 1 for bit in range(9)] for sample in range(512)], bool)
    expected = part.netlist.evaluate(bits)
    same = {}
    for name in texts:
        read = from_aiger((tmp_path / f"{name}.aig").read_bytes())
        enter = [int(re.search(r"\d+", port)[0]) for port in read.inputs]
        leave = [int(re.search(r"\d+", port)[0]) for port in read.outputs]
        assert sorted(enter) == list(range(9))
        assert sorted(leave) == list(range(12))
        same[name] = np.array_equal(read.netlist.evaluate(bits[:, enter]), expected[:, leave])
    assert same == {"whole": True, "faulty": False}


@pytest.mark.needs("verilator")
def test_verilator_has_nothing_to_warn_of(tmp_path: Path) -> None:
    circuit = tiny()
    options = {"words": 5, "pipeline": 2, "name": "tiny"}
    (tmp_path / "tiny.v").write_text(export.to_verilog(circuit, **options))
    (tmp_path / "tiny_axis.v").write_text(export.to_axi_stream(circuit, beat_bits=16, **options))
    for name, data in export.to_testbench(circuit, edge_rows(circuit)[:5], **options).items():
        (tmp_path / name).write_bytes(data)
    for top, files in {"tiny_tb": ["tiny.v", "tiny_tb.sv"], "tiny_axis": ["tiny.v", "tiny_axis.v"]}.items():
        tool("verilator", "--lint-only", "-Wall", "--timing", "--top-module", top, *files, folder=tmp_path)


@pytest.mark.parametrize("standard", ["93", "08"])
@pytest.mark.needs("ghdl")
def test_ghdl_reads_vhdl_and_simulates_it_as_the_network(standard: str, tmp_path: Path) -> None:
    design = logic(3)
    rows = np.random.default_rng(0).integers(0, 2, (60, 9)).astype(bool)
    expected = design.flat().netlist.evaluate(rows)
    checks = [
        f'    bits <= "{word(row)}"; wait for 1 ns; assert outputs = "{word(out)}" report "FAULT" severity failure;'
        for row, out in zip(rows, expected, strict=True)
    ]
    bench = [
        "library ieee;",
        "use ieee.std_logic_1164.all;",
        "entity bench is end entity;",
        "architecture test of bench is",
        "  signal bits : std_logic_vector(8 downto 0);",
        "  signal outputs : std_logic_vector(11 downto 0);",
        "begin",
        "  dut : entity work.demo port map (bits => bits, outputs => outputs);",
        "  process begin",
        *checks,
        '    report "DONE"; wait;',
        "  end process;",
        "end architecture;",
    ]
    (tmp_path / "bench.vhd").write_text("\n".join(bench))
    (tmp_path / "models.vhd").write_text(export.vhdl_primitives())
    std = f"--std={standard}"
    tool("ghdl", "-a", std, "--work=unisim", "models.vhd", folder=tmp_path)
    for primitives in ("portable", "xilinx") if standard == "08" else ("portable",):
        text = export.vhdl_of(design, primitives=primitives)
        for spoiled in (False, True):
            wrong = re.sub(r"outputs\(0\) <= (\w+);", r"outputs(0) <= not \1;", text)
            (tmp_path / "demo.vhd").write_text(wrong if spoiled else text)
            tool("ghdl", "-a", std, "demo.vhd", "bench.vhd", folder=tmp_path)
            tool("ghdl", "-e", std, "bench", folder=tmp_path)
            ghdl = toolchain.find("ghdl")
            ran = subprocess.run([*ghdl.argv, "-r", std, "bench"], cwd=tmp_path, capture_output=True, text=True)
            assert ("DONE" in ran.stdout + ran.stderr) is not spoiled
            assert ("FAULT" in ran.stdout + ran.stderr) is spoiled


def word(bits: np.ndarray) -> str:
    return "".join("01"[int(bit)] for bit in bits[::-1])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.needs("ghdl")
def test_ghdl_reads_every_circuit(case: str, tmp_path: Path) -> None:
    (tmp_path / "demo.vhd").write_text(export.to_vhdl(CASES[case], encoder=case == "no LUTs", name="demo"))
    tool("ghdl", "-a", "--std=93", "demo.vhd", folder=tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_a_systemverilog_parser_reads_every_circuit(case: str) -> None:
    pyslang = module("pyslang")
    tree = getattr(pyslang, "SyntaxTree", None) or pyslang.syntax.SyntaxTree
    assert not list(tree.fromText(export.to_verilog(CASES[case])).diagnostics)


@pytest.mark.parametrize("beat_bits", [7, 12])
def test_transfers_that_are_no_bytes_are_refused(beat_bits: int) -> None:
    with pytest.raises(ExportError, match="multiple of 8"):
        export.to_axi_stream(tiny(), beat_bits=beat_bits)


@pytest.mark.parametrize("name", ["", "2fast", "module", "logic", "a b", "a;b", "ä", "x", "n" * 201, None])
def test_names_that_verilog_does_not_allow_are_refused(name: str) -> None:
    with pytest.raises(ExportError, match="name"):
        export.to_verilog(tiny(), name=name)


@pytest.mark.parametrize("name", ["_a", "a__b", "a_", "Entity", "label", "x"])
def test_names_that_vhdl_does_not_allow_are_refused(name: str) -> None:
    with pytest.raises(ExportError, match="name"):
        export.to_vhdl(tiny(), name=name)


def test_unknown_primitives_and_constraints_are_refused() -> None:
    for refused in (
        lambda: export.to_verilog(tiny(), primitives="intel"),
        lambda: export.to_vhdl(tiny(), primitives="intel"),
        lambda: export.to_constraints(tiny(), kind="ucf"),
        lambda: export.to_constraints(tiny(), period=0.0),
    ):
        with pytest.raises(ExportError, match="expected"):
            refused()


def test_class_names_cannot_leave_their_comment() -> None:
    odd = ["*/ `include", "a\nb", 'q"', "\\", "\x7f\u2028", "é" * 500, 3, 2.5]
    for text in map(quoted, odd):
        assert text.isascii()
        assert text.isprintable()
        assert "*/" not in text
        assert not text.endswith("\\")
        assert len(text) < 130
    names = constants("CLASS", [*odd, "a b", "a_b", "A-B"])
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"CLASS(_[A-Z0-9]+)+", name) for name in names)


@pytest.mark.parametrize("kind", ["xdc", "sdc", "lpf", "pcf"])
def test_constraints_hold_the_clock_where_there_is_one(kind: str) -> None:
    clocked = export.to_constraints(tiny(), kind=kind, period=4.0, words=3, pipeline=1)
    assert "4.000" in clocked or "250.000" in clocked
    assert "clk" in clocked
    assert "No registers" in export.to_constraints(tiny(), kind=kind, words=3)


def test_text_does_not_depend_on_the_process() -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from tests.export.cases import ranks; from lutsmith import export; "
        "from hashlib import sha256; text = export.to_verilog(ranks()) + export.to_vhdl(ranks()); "
        "print(sha256(text.encode()).hexdigest())"
    )
    paths = [str(Path(__file__).parents[2]), str(Path(export.__file__).parents[2])]
    made = {
        subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(made) == 1
