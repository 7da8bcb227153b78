"""Programs that feed rows to an export and write what it says to standard output, array after array, and nothing else.

C gives, by its functions for one sample and then by those for many: outputs, scores, results in the types that it has;
then words made of numbers, and its names, each ended by a zero. JavaScript gives outputs, scores and results as
float64, then JSON of what the module tells. ONNX gives its outputs, each in the type that it must have.
"""

from __future__ import annotations

from collections.abc import Mapping

_C = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif
#define @PREFIX@_IMPLEMENTATION
#include "model.h"

static void put(const void *data, size_t size, size_t count)
{
    if (fwrite(data, size, count, stdout) != count)
        exit(3);
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        exit(4);
    return memory;
}

static void *numbers_of(const char *name, size_t count, size_t size)
{
    void *memory = room(count, size);
    FILE *file = fopen(name, "rb");
    if (!file || fread(memory, size, count, file) != count || fgetc(file) != EOF) {
        fprintf(stderr, "the header takes other numbers of features than the %s given\n", name);
        exit(2);
    }
    fclose(file);
    return memory;
}

int main(int argc, char **argv)
{
    const size_t n = (size_t)strtoul(argv[argc - 1], NULL, 10), all = n * @PREFIX@_FEATURES;
    @ELEMENT@ *given = (@ELEMENT@ *)numbers_of("rows.bin", all, sizeof *given);
    @NAME@_feature *x = (@NAME@_feature *)room(all, sizeof *x);
    uint8_t *outputs = (uint8_t *)room(n * @PREFIX@_OUTPUTS + 1, 1);
    size_t i;
#ifdef _WIN32
    _setmode(1, _O_BINARY);
#endif
    for (i = 0; i < all; i++)
        x[i] = (@NAME@_feature)given[i];
    for (i = 0; i < n; i++)
        @NAME@_outputs(x + i * @PREFIX@_FEATURES, outputs + i * @PREFIX@_OUTPUTS);
    put(outputs, 1, n * @PREFIX@_OUTPUTS);
@ONE@
    @NAME@_outputs_batch(x, n, outputs);
    put(outputs, 1, n * @PREFIX@_OUTPUTS);
@MANY@
@REST@
    return fflush(stdout) ? 3 : 0;
}
"""

_C_HEAD = {
    "ONE": """
    for (i = 0; i < n; i++)
        @NAME@_scores(x + i * @PREFIX@_FEATURES, scores + i * @PREFIX@_SCORES);
    put(scores, sizeof *scores, n * @PREFIX@_SCORES);
    for (i = 0; i < n; i++)
        @NAME@_predict(x + i * @PREFIX@_FEATURES, results + i * @PREFIX@_RESULTS);
    put(results, sizeof *results, n * @PREFIX@_RESULTS);""",
    "MANY": """
    @NAME@_scores_batch(x, n, scores);
    put(scores, sizeof *scores, n * @PREFIX@_SCORES);
    @NAME@_predict_batch(x, n, results);
    put(results, sizeof *results, n * @PREFIX@_RESULTS);""",
}

_C_ROOM = """\
    int32_t *scores = (int32_t *)room(n * @PREFIX@_SCORES, sizeof *scores);
    @NAME@_result *results = (@NAME@_result *)room(n * @PREFIX@_RESULTS, sizeof *results);
    size_t i;
"""

_C_QUANTISE = """
    {
        float *numbers = (float *)numbers_of("numbers.bin", all, sizeof *numbers);
        for (i = 0; i < n; i++)
            @NAME@_quantise(numbers + i * @PREFIX@_FEATURES, x + i * @PREFIX@_FEATURES);
        for (i = 0; i < all; i++)
            given[i] = x[i];
        put(given, sizeof *given, all);
    }"""

_C_NAMES = """
    if (sizeof @NAME@_@KEY@ / sizeof *@NAME@_@KEY@ != @COUNT@) {
        fprintf(stderr, "the header has not @COUNT@ @KEY@\\n");
        return 5;
    }
    for (i = 0; i < @COUNT@; i++)
        put(@NAME@_@KEY@[i], 1, strlen(@NAME@_@KEY@[i]) + 1);"""


def c_driver(name: str, element: str, names: Mapping[str, int], *, scores: bool, quantise: bool) -> str:
    """Return the program in C that includes model.h and is called with the number of rows.

    Args:
        name: the prefix of the header's functions.
        element: the type of a number in rows.bin.
        names: how many names the header has, by the end of the array's name.
        scores: whether it has scores and results.
        quantise: whether it makes words of numbers.bin, too.
    """
    text = _C
    for key, part in _C_HEAD.items():
        text = text.replace(f"@{key}@", part if scores else "")
    if scores:
        text = text.replace("    size_t i;\n#ifdef", f"{_C_ROOM}#ifdef")
    rest = [_C_QUANTISE] if quantise else []
    rest += [_C_NAMES.replace("@KEY@", key).replace("@COUNT@", str(count)) for key, count in names.items()]
    text = text.replace("@REST@", "".join(rest))
    return text.replace("@PREFIX@", name.upper()).replace("@NAME@", name).replace("@ELEMENT@", element)


NODE_DRIVER = r"""
const fs = require("fs");
const [features, count, streams] = process.argv.slice(2, 5).map(Number);
const [way, typed, wanted] = process.argv.slice(5, 8);
const kind = globalThis[typed], asked = JSON.parse(wanted);
if (way !== "WebAssembly") delete globalThis.WebAssembly;
const model = require("./model.js");
const data = fs.readFileSync("rows.bin");
const all = new kind(Uint8Array.from(data).buffer, 0, features * count);
function put(bytes) {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(1, bytes, at);
}
function say(answer, path, limbs) {
  for (const name of path) answer = answer[name];
  if (!limbs) return put(Buffer.from(Float64Array.from(answer).buffer));
  const words = new BigUint64Array(answer.length * limbs);
  for (let i = 0, to = 0; i < answer.length; i++) {
    if (BigInt.asIntN(64 * limbs, answer[i]) !== answer[i]) throw new RangeError("an integer is too long");
    for (let l = 0; l < limbs; l++) words[to++] = BigInt.asUintN(64, answer[i] >> BigInt(64 * l));
  }
  put(Buffer.from(words.buffer));
}
function cycles(ask) {
  const step = features * streams, answers = [];
  for (let at = 0; at < all.length; at += step) answers.push(ask(all.subarray(at, at + step)));
  return answers;
}
const joined = (parts) => parts.every(ArrayBuffer.isView)
  ? parts.reduce((whole, part, i) => (whole.set(part, i * part.length), whole),
      new parts[0].constructor(parts.length * parts[0].length))
  : parts.every(Array.isArray) ? [].concat(...parts)
  : Object.fromEntries(Object.keys(parts[0]).map((name) => [name, joined(parts.map((part) => part[name]))]));
const known = {};
for (const [name, path, limbs] of asked) {
  if (!(name in known)) {
    if (!streams) known[name] = model[name](all);
    else {
      const machine = model.create(streams);
      known[name] = joined(cycles(machine[name]));
      machine.reset();
      const again = joined(cycles(machine[name]));
      const text = (value) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? part + "n" : part));
      if (text(again) !== text(known[name])) throw new Error(name + " differ after reset()");
    }
  }
  say(known[name], path, limbs);
}
const told = {};
const kept = ["features", "outputCount", "scoreCount", "lanes", "classNames", "featureNames", "shape", "words"];
for (const key of [...kept, "heads"])
  told[key] = model[key];
put(Buffer.from(JSON.stringify(told)));
"""

ONNX_DRIVER = """
import json, os, sys
places, shape, wanted, (init, streams) = map(json.loads, sys.argv[1:])
sys.path[:] = places
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
rows = np.fromfile("rows.bin", np.float32).reshape(shape)
inputs = [value.name for value in session.get_inputs()]
names = [value.name for value in session.get_outputs()]
meant = [*wanted, *["next_state"] * bool(init)]
numbers = [name for name in inputs if name != "state" or not init]
if len(numbers) != 1 or len(inputs) != 1 + bool(init) or sorted(names) != sorted(meant):
    sys.exit(f"the model has inputs {inputs} and outputs {names}, expected one input and outputs {meant}")
step = streams or 512
held = np.tile(np.array(init, np.bool_), (step, 1))
parts = []
for start in range(0, len(rows), step):
    feed = {numbers[0]: rows[start : start + step]}
    if init:
        feed["state"] = held[: len(feed[numbers[0]])]
    parts.append(session.run(None, feed))
    if streams:
        held = parts[-1][names.index("next_state")]
said = {name: np.concatenate(values) for name, values in zip(names, zip(*parts))}
for name, (dtype, size) in wanted.items():
    values = said[name]
    if values.dtype.str != dtype or list(values.shape) != size:
        sys.exit(f"{name} are {values.dtype.str} {values.shape}, expected {dtype} {tuple(size)}")
    sys.stdout.buffer.write(np.ascontiguousarray(values).tobytes())
"""
