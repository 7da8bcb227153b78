"""C headers, compiled and compared with their circuits."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Head
from lutsmith.export import ExportError, to_c
from lutsmith.logic import Words
from tests.tools import missing

from ..circuit.examples import random_circuit, random_netlist
from .cases import CASES, LABELS, edge_rows, ranks, with_range

GOLDEN = Path(__file__).with_name("golden")
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
COMPILERS = {"C": ["-x", "c", "-std=c99"], "C++": ["-x", "c++"]}

MAIN = """\
#include <stdio.h>
#include <stdlib.h>
#define NET_IMPLEMENTATION
#include "net.h"
@EXTRA
int main(void)
{
    static float x[@ROWS][NET_FEATURES];
    static NET_FEATURE words[@ROWS][NET_FEATURES];
    static uint8_t outputs[NET_OUTPUTS + 1], outputs_all[@ROWS][NET_OUTPUTS + 1];
    size_t i, n = fread(x, sizeof x[0], @ROWS, stdin);
    if (n != @ROWS) return 1;
    for (i = 0; i < n; i++) { @QUANTISE }
    net_outputs_batch(words[0], n, outputs_all[0]);
    fwrite(words, sizeof words[0][0], n * NET_FEATURES, stdout);
    for (i = 0; i < n; i++) { net_outputs(words[i], outputs); fwrite(outputs, 1, NET_OUTPUTS, stdout); }
    fwrite(outputs_all, 1, n * NET_OUTPUTS, stdout);
@HEAD
    return 0;
}
"""
HEAD = """\
    {
        static int32_t scores[NET_SCORES], scores_all[@ROWS][NET_SCORES];
        static net_result result[NET_RESULTS], results[@ROWS][NET_RESULTS];
        for (i = 0; i < n; i++) {
            net_scores(words[i], scores);
            fwrite(scores, sizeof scores[0], NET_SCORES, stdout);
        }
        net_scores_batch(words[0], n, scores_all[0]);
        fwrite(scores_all, sizeof scores[0], n * NET_SCORES, stdout);
        for (i = 0; i < n; i++) {
            net_predict(words[i], result);
            fwrite(result, sizeof result[0], NET_RESULTS, stdout);
        }
        net_predict_batch(words[0], n, results[0]);
        fwrite(results, sizeof result[0], n * NET_RESULTS, stdout);
    }
"""


def compiler(language: str) -> str:
    name = shutil.which("gcc" if language == "C" else "g++") or shutil.which("cc" if language == "C" else "c++")
    if name is None:
        missing("cc", f"no {language} compiler on PATH: install gcc and g++ (apt-get install build-essential)")
    return name


def run(
    folder: Path,
    circuit: Circuit,
    rows: np.ndarray,
    *,
    language: str = "C",
    flags: tuple[str, ...] = (),
    extra: str = "",
    **options: object,
) -> dict[str, np.ndarray]:
    """Compile and run an export; return what it says of the rows, one by one and all together."""
    text = to_c(circuit, name="net", **options)  # type: ignore[arg-type]
    (folder / "net.h").write_text(text)
    feature = re.search(r"typedef (\w+) net_feature;", text)[1]  # type: ignore[index]
    main = MAIN.replace("@EXTRA", extra).replace("@HEAD", HEAD if circuit.head else "").replace("@ROWS", str(len(rows)))
    quantise = "net_quantise(x[i], words[i]);" if "net_quantise" in text else (
        "size_t f; for (f = 0; f < NET_FEATURES; f++) words[i][f] = x[i][f];"
    )  # fmt: skip
    main = main.replace("@QUANTISE", quantise).replace("NET_FEATURE ", "net_feature ")
    (folder / "main.c").write_text(main)
    command = [compiler(language), "-O1", *WARNINGS, *COMPILERS[language], *flags, "main.c", "-o", "net"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([folder / "net"], input=rows.tobytes(), capture_output=True, timeout=60)
    assert ran.returncode == 0
    n, outputs = len(rows), circuit.netlist.outputs.size
    dtype = {"float": np.float32, "uint8_t": np.uint8, "uint16_t": np.uint16, "uint32_t": np.uint32}[feature]
    parts = [("words", dtype, rows.shape), ("outputs", np.uint8, (n, outputs)), ("outputs_all", np.uint8, (n, outputs))]
    if circuit.head is not None:
        objective = circuit.objective or "classification"
        kind = {"classification": np.int32, "multilabel": np.uint8, "regression": np.float64}[objective]
        wide = (n, circuit.head.num_classes)
        results = (n,) if objective == "classification" or (wide[1] == 1 and objective == "regression") else wide
        parts += [("scores", np.int32, wide), ("scores_all", np.int32, wide)]
        parts += [("results", kind, results), ("results_all", kind, results)]
    printed, place, data = {}, 0, ran.stdout
    for name, kind, shape in parts:
        size = int(np.prod(shape))
        printed[name] = np.frombuffer(data, kind, size, place).reshape(shape)
        place += size * np.dtype(kind).itemsize
    assert place == len(data)
    return printed


def compare(said: dict[str, np.ndarray], circuit: Circuit, rows: np.ndarray) -> None:
    for name in ("outputs", "outputs_all"):
        np.testing.assert_array_equal(said[name], circuit.evaluate(rows))
    if circuit.head is not None:
        for name in ("scores", "scores_all"):
            np.testing.assert_array_equal(said[name], circuit.decision_function(rows))
        for name in ("results", "results_all"):
            np.testing.assert_array_equal(said[name], circuit.predict(rows))


@pytest.mark.parametrize("style", ["unrolled", "compact"])
@pytest.mark.parametrize("case", CASES)
def test_c_says_what_the_circuit_says(tmp_path: Path, case: str, style: str) -> None:
    circuit = CASES[case]
    rows = edge_rows(circuit)
    compare(run(tmp_path, circuit, rows, style=style), circuit, rows)


@pytest.mark.parametrize("style", ["unrolled", "compact"])
@pytest.mark.parametrize("case", ["rank 0 to 6", "regression", "no inputs", "nothing"])
def test_c_is_cpp_too(tmp_path: Path, case: str, style: str) -> None:
    circuit = CASES[case]
    rows = edge_rows(circuit)
    compare(run(tmp_path, circuit, rows, style=style, language="C++"), circuit, rows)


@pytest.mark.parametrize("style", ["unrolled", "compact"])
def test_words_of_32_samples_and_static_storage_say_the_same(tmp_path: Path, style: str) -> None:
    circuit = CASES["classification, affine"]
    rows = edge_rows(circuit)
    flags = ("-DNET_WORD_BITS=32", "-DNET_STORAGE=static", "-fstrict-aliasing", "-O2")
    compare(run(tmp_path, circuit, rows, style=style, flags=flags), circuit, rows)


@pytest.mark.parametrize("bits", [1, 5, 8, 13, 24])
@pytest.mark.parametrize("case", ["rank 0 to 6", "infinite thresholds", "no inputs"])
def test_words_on_a_grid_are_those_of_the_library(tmp_path: Path, case: str, bits: int) -> None:
    circuit = with_range(CASES[case], -1.25 - 1 / 3, 2.2)
    words = Words.derive(circuit, bits)
    rows = edge_rows(circuit)
    said = run(tmp_path, circuit, rows, words=bits, style="compact")
    np.testing.assert_array_equal(said["words"], words.quantise(rows))
    compare(said, replace(circuit, fitted_range=None), words.values(words.quantise(rows)))


@pytest.mark.parametrize("low", [np.linspace(-2, -1, 6), 10.0 ** np.arange(6)], ids=["fine floats", "coarse floats"])
def test_each_feature_may_have_its_own_grid(tmp_path: Path, low: np.ndarray) -> None:
    circuit = ranks()
    words = Words.fixed(9 if low[0] < 0 else 20, low, np.linspace(100, 300.5, 6) if low[0] < 0 else low**2)
    rows = np.concatenate([edge_rows(circuit), words.values(np.arange(0, 500)[:, None] * np.full(6, 2000))])
    said = run(tmp_path, circuit, rows, words=words)
    np.testing.assert_array_equal(said["words"], words.quantise(rows))
    compare(said, circuit, words.values(words.quantise(rows)))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_random_netlists_say_the_same_in_both_styles(tmp_path: Path, seed: int) -> None:
    netlist = random_netlist(seed, inputs=24, outputs=12, max_rank=6)
    circuit = replace(ranks(seed % 100, head=False), netlist=netlist, head=Head(3))
    rows = edge_rows(circuit, seed, 64)
    for style in ("unrolled", "compact"):
        compare(run(tmp_path, circuit, rows, style=style, flags=("-O0",)), circuit, rows)


def test_constants_are_read_through_the_macro_for_program_memory(tmp_path: Path) -> None:
    reads = """
#include <string.h>
#define NET_FLASH
static unsigned long reads;
#define NET_READ(type, value, place) type value; (reads++, memcpy(&value, (place), sizeof value))
#define NET_IMPLEMENTATION
#include "net.h"
int main(void) { static float x[NET_FEATURES]; uint8_t y[NET_OUTPUTS]; net_outputs(x, y); return reads == @ ? 0 : 1; }
"""
    circuit = ranks(head=False)
    (tmp_path / "net.h").write_text(to_c(circuit, style="compact", name="net"))
    netlist = circuit.netlist
    expected = 2 * 24 + 3 * netlist.num_nodes + netlist.fanin.size + netlist.outputs.size  # rank, index and table
    (tmp_path / "main.c").write_text(reads.replace("@", str(expected)))
    subprocess.run([compiler("C"), "-std=c99", "main.c", "-o", "main"], cwd=tmp_path, check=True, timeout=60)
    assert subprocess.run([tmp_path / "main"], timeout=60).returncode == 0


def test_fast_math_is_refused_by_the_header(tmp_path: Path) -> None:
    (tmp_path / "net.h").write_text(to_c(ranks(), name="net"))
    (tmp_path / "main.c").write_text('#define NET_IMPLEMENTATION\n#include "net.h"\n')
    command = [compiler("C"), "-ffast-math", "-c", "main.c", "-o", "main.o"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert built.returncode != 0
    assert "without -ffast-math" in built.stderr


def test_parts_can_be_left_out(tmp_path: Path) -> None:
    circuit = with_range(ranks())
    (tmp_path / "net.h").write_text(to_c(circuit, words=8, name="net"))
    for part, name in {"BATCH": "net_predict_batch", "NAMES": "net_class_names", "QUANTISE": "net_quantise"}.items():
        for flag, there in ((f"-DNET_NO_{part}", False), ("-DNET_OTHER", True)):
            command = [compiler("C"), *WARNINGS, *COMPILERS["C"], flag, "-DNET_IMPLEMENTATION", "net.h"]
            seen = subprocess.run([*command, "-E"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
            assert (name in seen) == there
            assert ("double net_low[" in seen) == (there or part != "QUANTISE")
            subprocess.run([*command, "-S", "-o", "net.s"], cwd=tmp_path, check=True, timeout=60)


def test_names_come_out_of_c_as_they_went_in(tmp_path: Path) -> None:
    main = '#include <stdio.h>\n#define NET_IMPLEMENTATION\n#include "net.h"\nint main(void) { int i;\n'
    main += "for (i = 0; i < NET_SCORES; i++) { fputs(net_class_names[i], stdout); fputc(0, stdout); }\n"
    main += (
        "for (i = 0; i < NET_FEATURES; i++) { fputs(net_feature_names[i], stdout); fputc(0, stdout); } return 0; }\n"
    )
    circuit = ranks()
    (tmp_path / "net.h").write_text(to_c(circuit, name="net"))
    (tmp_path / "main.c").write_text(main)
    for language in COMPILERS:
        command = [compiler(language), *WARNINGS, *COMPILERS[language], "main.c", "-o", "main"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        printed = subprocess.run([tmp_path / "main"], capture_output=True, timeout=60).stdout.decode()
        assert printed.split("\0")[:-1] == [*LABELS, *circuit.schema.names]


def test_implementation_and_users_may_be_different_files(tmp_path: Path) -> None:
    (tmp_path / "net.h").write_text(to_c(ranks(), name="net"))
    (tmp_path / "net.c").write_text('#define NET_IMPLEMENTATION\n#include "net.h"\n#include "net.h"\n')
    user = (
        '#include "net.h"\nint main(void) { float x[NET_FEATURES] = {0}; net_result y; net_predict(x, &y); return 0; }'
    )
    (tmp_path / "main.c").write_text(user)
    command = [compiler("C"), *WARNINGS, "-std=c99", "net.c", "main.c", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


def test_names_may_be_words_of_the_language_and_stand_beside_each_other(tmp_path: Path) -> None:
    circuit = random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3)
    main = ""
    for name in ("int", "class", "errno", "INT32", "LUTSMITH_net", "lutsmith"):
        (tmp_path / f"{name}.h").write_text(to_c(circuit, name=name))
        main += f'#define {name.upper()}_IMPLEMENTATION\n#include "{name}.h"\n'
        main += f"void use_{name}(const float *x, int32_t *y);\n"
        main += f"void use_{name}(const float *x, int32_t *y) {{ {name}_predict(x, y); }}\n"
    (tmp_path / "main.c").write_text(main)
    for language in COMPILERS:
        command = [compiler(language), *WARNINGS, *COMPILERS[language], "-c", "main.c", "-o", "main.o"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


def test_compact_tells_the_bytes_that_its_constants_take(tmp_path: Path) -> None:
    circuit = random_circuit(0, luts=200)
    text = to_c(circuit, style="compact", name="net")
    told = int(re.search(r"Flash: (\d+) bytes", text)[1])  # type: ignore[index]
    sizes = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "float": 4}
    arrays = re.findall(r"static const (\w+) \w+\[(\d+)\]", text)
    assert told == sum(sizes[kind] * int(count) for kind, count in arrays)
    netlist = circuit.netlist
    assert told < 6 * netlist.num_nodes + 2 * netlist.fanin.size
    assert f"RAM: {-(-netlist.num_signals // 8) + 4 * 6} bytes for one sample" in text


def test_a_budget_of_bytes_is_kept_or_what_it_lacks_is_told() -> None:
    circuit = random_circuit(0, luts=200)
    told = re.findall(r"(?:Flash|RAM): (\d+) bytes", to_c(circuit, style="compact"))
    needed = sum(map(int, told))
    assert to_c(circuit, style="compact", budget=needed) == to_c(circuit, style="compact")
    with pytest.raises(ExportError, match=f", 1 more than the budget of {needed - 1}: simplify the circuit"):
        to_c(circuit, style="compact", budget=needed - 1)
    with pytest.raises(ExportError, match='take style="compact"'):
        to_c(circuit, budget=needed)


@pytest.mark.parametrize("style", ["unrolled", "compact"])
def test_text_is_as_it_was(style: str) -> None:
    circuit = random_circuit(5, input_shape=(2,), classes=2, group=2, luts=3)
    assert to_c(circuit, style=style, name="small") == (GOLDEN / f"small_{style}.h").read_text()  # type: ignore[arg-type]
    assert to_c(circuit, style=style) == to_c(circuit, style=style)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "9a", "a-b", "a b", "é", "x" * 65, "a\n"])
def test_names_that_are_no_identifiers_are_refused(name: str) -> None:
    with pytest.raises(ExportError, match="cannot name functions"):
        to_c(ranks(), name=name)


def test_what_c_cannot_hold_is_refused() -> None:
    with pytest.raises(ExportError, match="too long"):
        to_c(replace(CASES["one class"], classes=("x" * 5000,)))
    with pytest.raises(ExportError, match="zero character"):
        to_c(replace(CASES["one class"], classes=("a\0b",)))
    with pytest.raises(ValueError, match="style"):
        to_c(ranks(), style="fast")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fitted_range"):
        to_c(ranks(), words=8)
    with pytest.raises(ValueError, match="words of 3 features for a circuit of"):
        to_c(ranks(), words=Words.float32(3))
