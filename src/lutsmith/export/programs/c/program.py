"""The implementation part of a header: constants, functions for one sample, functions for many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.export.programs.c import results, runtime
from lutsmith.export.programs.c.text import array, ctype
from lutsmith.export.programs.packing import PackedNetlist, narrowest
from lutsmith.export.programs.straight_line import Language, functions
from lutsmith.logic.words import Words

_C = Language("static void {}(lutsmith_word *s)", "const lutsmith_word", "(lutsmith_word)0", "~(lutsmith_word)0")
_INT32_MAX = np.iinfo(np.int32).max
_DECISIONS = {
    "classification": results.ARGMAX,
    "multilabel": results.ABOVE_ZERO,
    "regression": results.VALUES,
}


@dataclass(frozen=True)
class Program:
    """Text with the prefixes of `runtime`, and what it takes in memory.

    Attributes:
        text: the implementation.
        constant_bytes: of all constant arrays.
        sample_bytes: of arrays while one sample is evaluated.
        batch_words: words of samples while many are evaluated.
    """

    text: str
    constant_bytes: int
    sample_bytes: int
    batch_words: int


@dataclass
class _Constants:
    """Constant arrays and the types of their elements."""

    definitions: list[str] = field(default_factory=list)
    num_bytes: int = 0

    def add(self, name: str, values: NDArray[Any], type_name: str = "") -> None:
        if type_name:
            self.definitions.append(f"typedef {ctype(values.dtype)} lutsmith_{type_name};\n")
        self.definitions.append(array(f"lutsmith_{name}", values, "LUTSMITH_FLASH"))
        self.num_bytes += max(values.nbytes, values.itemsize)


def program(circuit: Circuit, words: Words, *, compact: bool) -> Program:
    """Return the implementation of a circuit without registers."""
    constants = _Constants()
    netlist, head = circuit.netlist, circuit.head
    objective = circuit.objective or "classification"
    packed = PackedNetlist.of(netlist)
    signals = max(1, netlist.num_signals)
    signal_bytes = -(-signals // 8) if compact else signals
    sizes: dict[str, int] = {"SIGNAL_BYTES": signal_bytes}
    sample_bytes, batch_words = signal_bytes, signals

    one, many = [], []
    encoded = len(circuit.encoder) > 0
    if encoded:
        encode, encode_words = _encoder(circuit, words, constants)
        one.append(encode)
        many.append(encode_words)
    luts: list[str] = []
    if netlist.num_nodes:
        read_node = _read_node(packed, constants)
        if packed.rank is not None:
            sizes["RANK"] = packed.rank
        one += [runtime.READ_FANIN, runtime.LUTS.replace("@READ_NODE", read_node)]
        if compact:
            many.append(runtime.LUTS_WORDS.replace("@READ_NODE", read_node))
            luts = ["lutsmith_luts_words"]
        else:
            straight = functions(netlist, _C, "lutsmith_luts")
            many += straight
            luts = [f"lutsmith_luts_{number}" for number in range(len(straight))]
    one.append(_run("lutsmith_run(const lutsmith_feature *x, uint8_t *s)", encoded, luts[:1] and ["lutsmith_luts"]))
    many.append(
        _run("lutsmith_run_words(const lutsmith_feature *x, uint32_t samples, lutsmith_word *s)", encoded, luts)
    )
    read_output = _read_output(packed, constants, sizes)
    if netlist.outputs.size:
        one.append(results.OUTPUTS.replace("@READ_OUTPUT", read_output))
        many.append(results.OUTPUTS_BATCH.replace("@READ_OUTPUT", read_output))
    else:
        one.append(results.NO_OUTPUTS)
        many.append(results.NO_OUTPUTS_BATCH)
    if head is not None:
        group = netlist.outputs.size // head.num_groups
        sizes |= {"GROUPS": head.num_groups, "GROUP": group, "PLANES": group.bit_length()}
        one += [results.COUNT.replace("@READ_OUTPUT", read_output), _score(head, group, constants)]
        one += [_decision(head, objective, constants), results.SCORES]
        many += [results.COUNT_WORDS.replace("@READ_OUTPUT", read_output), results.SCORES_BATCH]
        sample_bytes += 4 * (head.num_groups + head.num_classes)
        batch_words += head.num_groups * group.bit_length()
    grid = _Constants()
    if not words.is_float:
        one.append(_quantise(words, grid, check=objective != "regression"))

    infinite = words.is_float and bool(np.isinf(circuit.encoder.threshold).any())
    doubles = objective == "regression" or not words.is_float
    parts = [
        *(["#include <math.h> /* INFINITY */\n"] if infinite else []),
        *(["#include <float.h> /* FLT_EVAL_METHOD */\n"] if doubles else []),
        runtime.FLOATS,
        *([runtime.DOUBLES] if objective == "regression" else []),
        runtime.WORDS,
        runtime.FLASH,
        runtime.STORAGE,
        runtime.BIT_SIGNALS if compact else runtime.BYTE_SIGNALS,
        "".join(f"#define LUTSMITH_{key} {value}\n" for key, value in sizes.items()),
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
        *constants.definitions,
        *one,
        "#ifndef LUTSMITH_NO_BATCH\n",
        *many,
        "#endif\n@NAMES",
        "#ifdef __cplusplus\n}\n#endif\n",
    ]
    return Program("\n".join(parts), constants.num_bytes + grid.num_bytes, sample_bytes, batch_words)


def _encoder(circuit: Circuit, words: Words, constants: _Constants) -> tuple[str, str]:
    encoder = circuit.encoder
    constants.add("compared", narrowest(encoder.feature), "place")
    if words.is_float:
        constants.add("limits", encoder.threshold, "limit")
        comparison = ">"
    else:
        constants.add("limits", narrowest(words.limits(encoder.feature, encoder.threshold) + 1), "limit")
        comparison = ">="
    return runtime.ENCODE.replace("@>", comparison), runtime.ENCODE_WORDS.replace("@>", comparison)


def _read_node(packed: PackedNetlist, constants: _Constants) -> str:
    """Return the statements that give a node's `rank` and `table`."""
    constants.add("fanin", packed.fanin, "signal")
    constants.add("tables", packed.tables, "table")
    if packed.ranks is None:
        lines = ["const unsigned rank = LUTSMITH_RANK;"]
    else:
        constants.add("ranks", packed.ranks)
        lines = ["LUTSMITH_READ(uint8_t, rank, lutsmith_ranks + node);"]
    place = "node"
    if packed.index is not None:
        constants.add("table_of", packed.index, "index")
        lines.append("LUTSMITH_READ(lutsmith_index, place, lutsmith_table_of + node);")
        place = "place"
    lines.append(f"LUTSMITH_READ(lutsmith_table, table, lutsmith_tables + {place});")
    return "\n        ".join(lines)


def _read_output(packed: PackedNetlist, constants: _Constants, sizes: dict[str, int]) -> str:
    """Return the statement that gives the `signal` of an output."""
    if packed.outputs is not None:
        constants.add("output_signals", packed.outputs, "output")
        return "LUTSMITH_READ(lutsmith_output, signal, lutsmith_output_signals + output);"
    sizes["FIRST_OUTPUT"] = packed.first_output
    return "const uint32_t signal = LUTSMITH_FIRST_OUTPUT + output;"


def _run(declaration: str, encoded: bool, luts: list[str]) -> str:
    """Return the function that gives all signals their values."""
    batch = "samples" in declaration
    unused = [] if encoded else ["x", *(["samples"] if batch else [])]
    if not encoded and not luts:
        unused.append("s")
    lines = [f"    (void){name};" for name in unused]
    if encoded:
        lines.append("    lutsmith_encode_words(x, samples, s);" if batch else "    lutsmith_encode(x, s);")
    lines += [f"    {function}(s);" for function in luts]
    body = "\n".join(lines)
    return f"static void {declaration}\n{{\n{body}\n}}\n"


def _score(head: Head, group: int, constants: _Constants) -> str:
    """Return the function from counts to scores."""
    if head.is_plain:
        return results.PLAIN_SCORES
    terms = []
    reach = np.full(head.num_classes, group, np.int64)
    if head.weights is not None:
        constants.add("weights", _signed(head.weights), "weight")
        reach = group * np.abs(head.weights.astype(np.int64)).sum(axis=1)
        terms.append(results.WEIGHTED)
    else:
        terms.append(results.UNWEIGHTED)
    if head.bias is not None:
        constants.add("bias", _signed(head.bias), "bias_type")
        reach = reach + np.abs(head.bias.astype(np.int64))
        terms.append(results.BIAS)
    total = "int32_t" if int(reach.max()) <= _INT32_MAX else "int64_t"  # partial sums, too
    text = results.AFFINE_SCORES.replace("@TERMS", "\n".join(terms)).replace("@sum", total)
    return text.replace("@GROUPS", ", g" if head.weights is not None else "")


def _signed(values: NDArray[np.int32]) -> NDArray[Any]:
    """Return integers in the narrowest signed type: products with counts are signed."""
    array = narrowest(values)
    return array if array.dtype.kind == "i" else narrowest(np.append(values.astype(np.int64).ravel(), -1))[:-1]


def _decision(head: Head, objective: str, constants: _Constants) -> str:
    """Return the function from scores to the result."""
    text = _DECISIONS[objective]
    if objective != "regression":
        return text
    steps = []
    for values, name, step in ((head.scale, "scale", results.SCALE), (head.offset, "offset", results.OFFSET)):
        if values is not None:
            constants.add(name, values)
            steps.append(step)
    return text.replace("@STEPS\n", "".join(f"{step}\n" for step in steps))


def _quantise(words: Words, constants: _Constants, *, check: bool) -> str:
    """Return the function from numbers to words, with its constants, and with a check of doubles where none is yet."""
    assert words.grid is not None
    low, per_unit = words.grid.low, words.grid.per_unit
    same = bool((low == low[0]).all() and (per_unit == per_unit[0]).all())
    constants.add("low", low[:1] if same else low)
    constants.add("per_unit", per_unit[:1] if same else per_unit)
    function = runtime.QUANTISE.replace(" + @f", "" if same else " + f")
    checks = [runtime.DOUBLES] if check else []
    return "\n".join(["#ifndef LUTSMITH_NO_QUANTISE\n", *checks, *constants.definitions, function, "#endif\n"])
