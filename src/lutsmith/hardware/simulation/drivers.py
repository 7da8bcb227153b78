"""Programs that feed rows to an export and write what it says to standard output, array after array, and nothing else.

C gives, by its functions for one sample and then by those for many: outputs, scores, results in the types that it has,
head after head; the same of functions that say all at once, and of streams; then words made of numbers, and its names,
each ended by a zero. JavaScript gives outputs, scores and results as
float64, then JSON of what the module tells. ONNX gives its outputs, each in the type that it must have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lutsmith.export.programs.c.text import prefixed

_C = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif
#define LUTSMITH_IMPLEMENTATION
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
    const size_t n = (size_t)strtoul(argv[argc - 1], NULL, 10), all = n * LUTSMITH_FEATURES;
    @ELEMENT *given = (@ELEMENT *)numbers_of("rows.bin", all, sizeof *given);
    lutsmith_feature *x = (lutsmith_feature *)room(all, sizeof *x);
@ROOM    size_t i;
#ifdef _WIN32
    _setmode(1, _O_BINARY);
#endif
    for (i = 0; i < all; i++)
        x[i] = (lutsmith_feature)given[i];
@SAID    return fflush(stdout) ? 3 : 0;
}
"""

_ROOM = "    @TYPE *@WHAT = (@TYPE *)room(n * @SIZE + 1, sizeof *@WHAT);\n"

_PUT = "    put(@WHAT, sizeof *@WHAT, n * @SIZE);\n"

_ONE = """\
    for (i = 0; i < n; i++)
        @FUNCTION(x + i * LUTSMITH_FEATURES, @WHAT + i * @SIZE);
"""

_MANY = "    @FUNCTION_batch(x, n, @WHAT);\n"

_WHOLE = """\
    for (i = 0; i < n; i++)
        lutsmith_evaluate(x + i * LUTSMITH_FEATURES@EACH);
@PUT    lutsmith_evaluate_batch(x, n@WHAT);
@PUT"""

# Side by side, streams are there several times, in more than one word of samples, and must say the same each time.
_STREAMS = """\
    {
        const size_t streams = @STREAMS, cycles = n / streams, side = streams * (LUTSMITH_WORD_BITS / streams + 1);
        size_t stream, cycle;
        lutsmith_feature *now = (lutsmith_feature *)room(side * LUTSMITH_FEATURES, sizeof *now);
        lutsmith_states *states = (lutsmith_states *)room(LUTSMITH_STATES(side), sizeof *states);
@ROOM        for (stream = 0; stream < streams; stream++) {
            lutsmith_state state;
            lutsmith_reset(&state);
            for (cycle = 0; cycle < cycles; cycle++) {
                i = stream * cycles + cycle;
                lutsmith_step(x + i * LUTSMITH_FEATURES, &state@EACH);
            }
        }
@PUT        lutsmith_reset_batch(states, side);
        for (cycle = 0; cycle < cycles; cycle++) {
            for (stream = 0; stream < side; stream++)
                memcpy(now + stream * LUTSMITH_FEATURES, x + (stream % streams * cycles + cycle) * LUTSMITH_FEATURES,
                       LUTSMITH_FEATURES * sizeof *now);
            lutsmith_step_batch(now, side, states@NOW);
@SPREAD        }
@PUT    }
"""

_SPREAD = """\
            for (stream = 0; stream < streams; stream++)
                memcpy(@WHAT + (stream * cycles + cycle) * @SIZE, @WHAT_now + stream * @SIZE, @SIZE * sizeof *@WHAT);
            for (; stream < side; stream++)
                if (memcmp(@WHAT_now + stream * @SIZE, @WHAT_now + stream % streams * @SIZE, @SIZE * sizeof *@WHAT)) {
                    fprintf(stderr, "@WHAT of equal streams differ in cycle %lu\\n", (unsigned long)cycle);
                    return 6;
                }
"""

_QUANTISE = """\
    {
        float *numbers = (float *)numbers_of("numbers.bin", all, sizeof *numbers);
        for (i = 0; i < n; i++)
            lutsmith_quantise(numbers + i * LUTSMITH_FEATURES, x + i * LUTSMITH_FEATURES);
        for (i = 0; i < all; i++)
            given[i] = x[i];
        put(given, sizeof *given, all);
    }
"""

_NAMES = """\
    if (sizeof lutsmith_@KEY / sizeof *lutsmith_@KEY != @COUNT) {
        fprintf(stderr, "the header has not @COUNT @KEY\\n");
        return 5;
    }
    for (i = 0; i < @COUNT; i++)
        put(lutsmith_@KEY[i], 1, strlen(lutsmith_@KEY[i]) + 1);
"""


def c_driver(
    name: str,
    element: str,
    names: Mapping[str, int],
    asked: Sequence[tuple[str, str, str, str]],
    *,
    whole: bool,
    streams: int | None,
    quantise: bool,
) -> str:
    """Return the program in C that includes model.h and is called with the number of rows.

    It gives what the functions for one sample say, and those for many; the same once more of the functions that say
    all at once; then of streams, one by one and side by side.

    Args:
        name: the prefix of the header's functions.
        element: the type of a number in rows.bin.
        names: how many names the header has, by the end of the array's name.
        asked: what can be asked of a sample, as `export.programs.c.interface.parameters` tells it.
        whole: whether functions say all at once.
        streams: of how many streams the rows are, one stream after the other; None of a circuit without a state.
        quantise: whether it makes words of numbers.bin, too.
    """

    def each(template: str) -> str:
        texts = []
        for type_, what, function, size in asked:
            filled = template.replace("@TYPE", type_).replace("@WHAT", what)
            texts.append(filled.replace("@FUNCTION", function).replace("@SIZE", size))
        return "".join(texts)

    said = [each(_ONE + _PUT), each(_MANY + _PUT)]
    if whole:
        said.append(_WHOLE)
    if streams:
        now = each("        @TYPE *@WHAT_now = (@TYPE *)room(side * @SIZE + 1, sizeof *@WHAT_now);\n")
        text = _STREAMS.replace("@STREAMS", str(streams)).replace("@ROOM", now).replace("@SPREAD", each(_SPREAD))
        said.append(text.replace("@NOW", each(", @WHAT_now")))
    said += [_QUANTISE] if quantise else []
    said += [_NAMES.replace("@KEY", key).replace("@COUNT", str(count)) for key, count in names.items()]
    text = "".join(said).replace("@EACH", each(", @WHAT + i * @SIZE")).replace("@WHAT", each(", @WHAT"))
    text = _C.replace("@SAID", text.replace("@PUT", each(_PUT)))
    return prefixed(text.replace("@ROOM", each(_ROOM)).replace("@ELEMENT", element), name)


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
