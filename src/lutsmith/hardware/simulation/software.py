"""C by the system's compiler, JavaScript in node, ONNX in onnxruntime: what programs say of rows.

Each runs in a process of its own, which a time limit can stop and a crash cannot take down with it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.toolchain import HARDWARE_EXTRA, Tool, ToolFailed, ToolMissing, find, workspace

WARNINGS = ("-Wall", "-Wextra", "-pedantic", "-Werror")

C_HARNESS = r"""
#include <stdio.h>
#include <stdlib.h>
#define @PREFIX@_IMPLEMENTATION
#include "@HEADER@"

static void put(const char *name, const void *data, size_t size, size_t count)
{
    FILE *file = fopen(name, "wb");
    if (!file || fwrite(data, size, count, file) != count || fclose(file))
        exit(3);
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        exit(4);
    return memory;
}

int main(int argc, char **argv)
{
    const size_t n = (size_t)strtoul(argv[argc - 1], NULL, 10);
    @ELEMENT@ *given = (@ELEMENT@ *)room(n * @PREFIX@_FEATURES, sizeof *given);
    @NAME@_feature *x = (@NAME@_feature *)room(n * @PREFIX@_FEATURES, sizeof *x);
    uint8_t *outputs = (uint8_t *)room(n * @PREFIX@_OUTPUTS + 1, 1);
    size_t i;
    FILE *file = fopen("rows.bin", "rb");
    if (!file || fread(given, sizeof *given, n * @PREFIX@_FEATURES, file) != n * @PREFIX@_FEATURES)
        return 2;
    fclose(file);
    for (i = 0; i < n * @PREFIX@_FEATURES; i++)
        x[i] = (@NAME@_feature)given[i];
    for (i = 0; i < n; i++)
        @NAME@_outputs(x + i * @PREFIX@_FEATURES, outputs + i * @PREFIX@_OUTPUTS);
    put("outputs.one", outputs, 1, n * @PREFIX@_OUTPUTS);
    @NAME@_outputs_batch(x, n, outputs);
    put("outputs.many", outputs, 1, n * @PREFIX@_OUTPUTS);
#ifdef @PREFIX@_SCORES
    {
        int32_t *scores = (int32_t *)room(n * @PREFIX@_SCORES, sizeof *scores);
        @NAME@_result *results = (@NAME@_result *)room(n * @PREFIX@_RESULTS, sizeof *results);
        for (i = 0; i < n; i++)
            @NAME@_scores(x + i * @PREFIX@_FEATURES, scores + i * @PREFIX@_SCORES);
        put("scores.one", scores, sizeof *scores, n * @PREFIX@_SCORES);
        @NAME@_scores_batch(x, n, scores);
        put("scores.many", scores, sizeof *scores, n * @PREFIX@_SCORES);
        for (i = 0; i < n; i++)
            @NAME@_predict(x + i * @PREFIX@_FEATURES, results + i * @PREFIX@_RESULTS);
        put("results.one", results, sizeof *results, n * @PREFIX@_RESULTS);
        @NAME@_predict_batch(x, n, results);
        put("results.many", results, sizeof *results, n * @PREFIX@_RESULTS);
    }
#endif
    return 0;
}
"""

_NODE_HARNESS = r"""
const fs = require("fs");
const model = require("./model.js");
const [features, count] = process.argv.slice(2).map(Number);
const data = fs.readFileSync("rows.bin");
const all = new Float32Array(data.buffer, data.byteOffset, features * count);
const said = {outputs: Array.from(model.outputs(all))};
if (model.scores) {
  said.scores = Array.from(model.scores(all));
  said.results = Array.from(model.predict(all));
}
fs.writeFileSync("answers.json", JSON.stringify(said));
"""

_ONNX_HARNESS = """
import sys
import numpy as np
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
rows = np.load("rows.npy")
name = session.get_inputs()[0].name
names = [output.name for output in session.get_outputs()]
step = 512
parts = [session.run(None, {name: rows[start : start + step]}) for start in range(0, len(rows), step)]
np.savez("answers.npz", **{name: np.concatenate(values) for name, values in zip(names, zip(*parts))})
"""


def c_compiler(
    circuit: Circuit, header: bytes, rows: NDArray[Any], timeout: float, *, name: str = "lutsmith", cpp: bool = False
) -> tuple[Answers, Answers]:
    """Return what a C header says of rows: by its functions for one sample, and by those for many.

    It is compiled as C99, or as C++, and no warning of `WARNINGS` is let pass.

    Args:
        circuit: whose shapes and task the header should have.
        header: as `export.to_c` makes it.
        rows: float32 (N, F), or words, unsigned (N, F), for a header of words.
        timeout: seconds, to compile and to run each.
        name: the prefix of its functions.
        cpp: compile it as C++.

    Raises:
        ToolMissing, ToolTimeout, ToolFailed: no compiler; too slow; it is refused, or the program fails.
    """
    compiler = find("c++" if cpp else "cc")
    floats = rows.dtype == np.float32
    text = C_HARNESS.replace("@PREFIX@", name.upper()).replace("@NAME@", name).replace("@HEADER@", "model.h")
    with workspace() as folder:
        (folder / "model.h").write_bytes(header)
        source = "harness.cpp" if cpp else "harness.c"
        (folder / source).write_text(text.replace("@ELEMENT@", "float" if floats else "uint32_t"))
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows, np.float32 if floats else np.uint32).tobytes())
        standard = "-std=c++11" if cpp else "-std=c99"
        options = [standard, "-O1", *WARNINGS, source, "-o", "harness", "-lm"]
        compiler.run(options, None, folder, timeout)
        Tool("the compiled C", (str(folder / "harness"),), (), "C").run([str(len(rows))], None, folder, timeout)
        return _c_answers(circuit, folder, len(rows), "one"), _c_answers(circuit, folder, len(rows), "many")


def node(circuit: Circuit, script: bytes, rows: NDArray[np.float32], timeout: float) -> Answers:
    """Return what a JavaScript module says of rows, in node; arguments and errors are those of `c_compiler`."""
    program = find("node")
    with workspace() as folder:
        (folder / "model.js").write_bytes(script)
        (folder / "harness.js").write_text(_NODE_HARNESS)
        (folder / "rows.bin").write_bytes(np.ascontiguousarray(rows, np.float32).tobytes())
        program.run(["harness.js", str(rows.shape[1]), str(len(rows))], None, folder, timeout)
        said = json.loads((folder / "answers.json").read_text())
    outputs = np.array(said["outputs"], np.int64).reshape(len(rows), -1).astype(np.bool_)
    if circuit.head is None:
        return Answers(outputs)
    scores = np.array(said["scores"], np.float64).reshape(len(rows), -1)
    results: NDArray[Any] = np.array(said["results"], np.float64)
    if circuit.task == "multilabel" or (circuit.task == "regression" and circuit.head.num_classes > 1):
        results = results.reshape(len(rows), -1)
    if circuit.task == "multilabel":
        results = results.astype(np.bool_)
    return Answers(outputs, scores.astype(np.int32), results)


def onnxruntime(circuit: Circuit, model: bytes, rows: NDArray[np.float32], timeout: float) -> Answers:
    """Return what an ONNX model says of rows, in onnxruntime; arguments and errors are those of `c_compiler`."""
    from importlib.util import find_spec

    if find_spec("onnxruntime") is None:
        raise ToolMissing(f"onnxruntime is needed and not there. Install it: {HARDWARE_EXTRA}")
    with workspace() as folder:
        (folder / "model.onnx").write_bytes(model)
        np.save(folder / "rows.npy", np.ascontiguousarray(rows, np.float32))
        Tool("onnxruntime", (sys.executable, "-c", _ONNX_HARNESS), (), "wheel").run([], None, folder, timeout)
        with np.load(folder / "answers.npz") as said:
            arrays = {name: said[name] for name in said.files}
    if circuit.head is None:
        return Answers(_named(arrays, "outputs").astype(np.bool_))
    decided = {"multilabel": "labels", "regression": "values"}.get(circuit.task or "", "label")
    return Answers(None, _named(arrays, "scores"), _named(arrays, decided))


def _named(arrays: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in arrays:
        raise ToolFailed(f"the model has no output {name}, only {', '.join(arrays) or 'none'}")
    return arrays[name]


def _c_answers(circuit: Circuit, folder: Path, count: int, which: str) -> Answers:
    outputs = np.frombuffer((folder / f"outputs.{which}").read_bytes(), np.uint8).reshape(count, -1)
    if outputs.size and outputs.max() > 1:
        raise ToolFailed("an output is neither 0 nor 1")
    if circuit.head is None:
        return Answers(outputs.astype(np.bool_))
    scores = np.frombuffer((folder / f"scores.{which}").read_bytes(), np.int32).reshape(count, -1)
    data = (folder / f"results.{which}").read_bytes()
    wanted = circuit.head.decide(
        circuit.head.scores(np.zeros((1, circuit.netlist.outputs.size), np.bool_)), circuit.task
    )
    each = len(data) // max(count, 1) // max(wanted[0].size, 1)
    types: dict[tuple[str, int], Any] = {
        ("i", 4): np.int32,
        ("i", 8): np.int64,
        ("b", 1): np.uint8,
        ("f", 8): np.float64,
    }
    kind = types.get((wanted.dtype.kind, each))
    if kind is None and count:
        raise ToolFailed(f"results take {each} bytes each, which is no type of theirs")
    results: NDArray[Any] = np.frombuffer(data, kind or np.uint8).reshape(count, *wanted.shape[1:])
    return Answers(outputs.astype(np.bool_), scores, results.astype(np.bool_) if wanted.dtype.kind == "b" else results)


def prefix_of(header: bytes) -> str:
    """Return the prefix of the functions of a C header, "lutsmith" where it is not clear."""
    match = re.search(rb"void (\w+)_outputs\(const ", header)
    return match[1].decode() if match else "lutsmith"
