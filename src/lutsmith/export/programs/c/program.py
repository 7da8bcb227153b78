"""The implementation part of a header: constants, functions for one sample, functions for many."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.export.programs.c import results, runtime
from lutsmith.export.programs.c.answers import answers
from lutsmith.export.programs.c.constants import Constants
from lutsmith.export.programs.c.inputs import input_code
from lutsmith.export.programs.c.interface import interfaces, is_plain
from lutsmith.export.programs.c.luts import luts
from lutsmith.export.programs.c.quantise import has_quantise, quantise
from lutsmith.export.programs.c.scores import decision, scores
from lutsmith.export.programs.order import ProgramOrder
from lutsmith.export.programs.packing import PackedLuts
from lutsmith.logic.words import Words


@dataclass(frozen=True)
class Program:
    """Text with the prefixes of `runtime`, and what it takes in memory.

    Attributes:
        text: the implementation.
        constant_bytes: of all constant arrays.
        sample_bytes: of arrays while one sample is evaluated.
        batch_words: words of samples while many are evaluated.
        num_signals: signals that are kept.
    """

    text: str
    constant_bytes: int
    sample_bytes: int
    batch_words: int
    num_signals: int


def program(circuit: Circuit, words: Words, *, compact: bool) -> Program:
    """Return the implementation of a circuit."""
    constants = Constants()
    order = ProgramOrder.of(circuit.netlist, circuit.parts)
    packed = PackedLuts.of(order.luts, order.signal[circuit.netlist.outputs])
    signals = max(1, order.num_signals)
    signal_bytes = -(-signals // 8) if compact else signals
    constants.sizes["SIGNAL_BYTES"] = signal_bytes

    inputs = input_code(circuit.inputs, words, constants)
    nodes = luts(order, packed, len(circuit.inputs), constants, compact=compact)
    one, many = [*inputs.one, *nodes.one], [*inputs.many, *nodes.many]
    one.append(_run(inputs.one_calls, nodes.one_calls, batch=False))
    many.append(_run(inputs.many_calls, nodes.many_calls, batch=True))
    read_output = _read_output(packed, constants)
    if is_plain(circuit):
        said, said_of_many, head_bytes, head_words = _plain(circuit, read_output, constants)
    else:
        next_ = order.signal[circuit.netlist.register_next]
        said, said_of_many, head_bytes, head_words = answers(circuit, next_, read_output, constants)
    one += said
    many += said_of_many

    regression = any(isinstance(each.head, Head) and each.objective == "regression" for each in interfaces(circuit))
    has_doubles = regression or inputs.has_doubles
    grid_bytes = 0
    if has_quantise(words):
        text, grid_bytes = quantise(words, inputs, has_doubles=has_doubles)
        one.append(text)
    every = [*inputs.helpers, *one]
    parts = [
        *(["#include <math.h> /* INFINITY */\n"] if inputs.has_infinity else []),
        *(["#include <float.h> /* FLT_EVAL_METHOD */\n"] if has_doubles or "FLT_EVAL" in "".join(one) else []),
        *(["#include <string.h> /* memcpy */\n"] if "memcpy(" in "".join(every) else []),
        runtime.FLOATS,
        *([runtime.DOUBLES] if has_doubles else []),
        *([] if circuit.netlist.num_registers else [runtime.WORDS]),
        runtime.FLASH,
        runtime.STORAGE,
        runtime.BIT_SIGNALS if compact else runtime.BYTE_SIGNALS,
        "".join(f"#define LUTSMITH_{key} {value}\n" for key, value in constants.sizes.items()),
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
        *constants.definitions,
        *every,
        "#ifndef LUTSMITH_NO_BATCH\n",
        *many,
        "#endif\n@NAMES",
        "#ifdef __cplusplus\n}\n#endif\n",
    ]
    return Program(
        "\n".join(parts),
        constants.num_bytes + grid_bytes,
        signal_bytes + nodes.own_bytes + head_bytes,
        signals + nodes.own_words + head_words,
        signals,
    )


def _plain(circuit: Circuit, read_output: str, constants: Constants) -> tuple[list[str], list[str], int, int]:
    """Return the functions of outputs and of at most one decision; then the bytes and words that a head needs."""
    netlist, head = circuit.netlist, circuit.head
    if not netlist.outputs.size:
        return [results.NO_OUTPUTS], [results.NO_OUTPUTS_BATCH], 0, 0
    one = [results.OUTPUTS.replace("@READ_OUTPUT", read_output)]
    many = [results.OUTPUTS_BATCH.replace("@READ_OUTPUT", read_output)]
    if not isinstance(head, Head):
        return one, many, 0, 0
    group = head.group_size(netlist.outputs.size)
    constants.sizes |= {"GROUPS": head.num_groups, "GROUP": group, "PLANES": group.bit_length()}
    count, count_words = (
        text.replace("@READ_OUTPUT", read_output).replace("@FROM", "").replace("@START", ", output = 0")
        for text in (results.COUNT, results.COUNT_WORDS)
    )
    objective = circuit.objective or "classification"
    one += [count, scores(head, group, constants), decision(head, objective, constants), results.SCORES]
    many += [count_words, results.SCORES_BATCH]
    return one, many, 4 * (head.num_groups + head.num_classes), head.num_groups * group.bit_length()


def _read_output(packed: PackedLuts, constants: Constants) -> str:
    """Return the statement that gives the `signal` of an output."""
    if packed.outputs is not None:
        constants.add("output_signals", packed.outputs, "output")
        return "LUTSMITH_READ(lutsmith_output, signal, lutsmith_output_signals + output);"
    constants.sizes["FIRST_OUTPUT"] = packed.first_output
    return "const uint32_t signal = LUTSMITH_FIRST_OUTPUT + output;"


def _run(inputs: list[str], nodes: list[str], *, batch: bool) -> str:
    """Return the function that gives all signals their values."""
    declaration = "lutsmith_run(const lutsmith_feature *x, uint8_t *s)"
    if batch:
        declaration = "lutsmith_run_words(const lutsmith_feature *x, uint32_t samples, lutsmith_word *s)"
    given = ["x", "samples"] if batch else ["x"]
    called = "".join(inputs)
    unused = [name for name in given if not re.search(rf"\b{name}\b", called)]
    if not inputs and not nodes:
        unused.append("s")
    lines = [f"    (void){name};" for name in unused] + [f"    {call}" for call in (*inputs, *nodes)]
    body = "\n".join(lines)
    return f"static void {declaration}\n{{\n{body}\n}}\n"
