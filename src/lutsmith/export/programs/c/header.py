"""`to_c`: a circuit as one C99 header."""

from __future__ import annotations

import re
from typing import Literal

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.errors import ExportError
from lutsmith.export.labels import check_identifier, class_names
from lutsmith.export.programs.c.program import Program, program
from lutsmith.export.programs.c.text import ctype, strings
from lutsmith.export.programs.packing import narrowest
from lutsmith.ground.arguments import one_of
from lutsmith.logic.words import Words

STYLES = ("unrolled", "compact")

_RESULTS = {
    "classification": ("int32_t", "the class with the highest score, the lowest of those that tie"),
    "multilabel": ("uint8_t", "1 for each label whose score is above 0, else 0"),
    "regression": ("double", "the value of each target"),
}


def to_c(
    circuit: Circuit,
    *,
    words: Words | int | None = None,
    style: Literal["unrolled", "compact"] = "unrolled",
    budget: int | None = None,
    name: str = "lutsmith",
) -> str:
    """Return a circuit as one header in C99, which is C++ too. It needs no malloc and no library.

    Include it where it is used; in one source file define `<NAME>_IMPLEMENTATION` before. There are functions for one
    sample, and for many, which work on 64 (or 32, `<NAME>_WORD_BITS`) samples at a time:

        void <name>_predict(const <name>_feature *x, <name>_result *result);
        void <name>_scores(const <name>_feature *x, int32_t *scores);
        void <name>_outputs(const <name>_feature *x, uint8_t *outputs);
        void <name>_predict_batch(const <name>_feature *x, size_t n, <name>_result *results);      and so on
        void <name>_quantise(const float *x, <name>_feature *words);                               with words

    Predictions, scores and outputs are those of the circuit, for every float, NaN and the infinities included; with
    words on a grid, those of the circuit on the values that the words stand for.

    Args:
        circuit: without registers.
        words: None takes features as float; `Words`, or the bits of a word (`Words.derive`), take integers.
        style: "unrolled" writes each LUT as an expression on words of samples, which is fast. "compact" writes tables
            and wiring as the smallest constant arrays and one loop, for microcontrollers; the header's first lines say
            what it takes in bytes. One sample is evaluated from the tables in both.
        budget: bytes that constants, and signals and scores of one sample, may take together; None for any number.
            Code comes on top, little and always the same in "compact", and names do.
        name: of functions, and in capitals of macros.

    Raises:
        ExportError: registers, more bytes than the budget, labels that C strings cannot hold, or a name that is no
            plain identifier, or no such style.
        TypeError, ValueError: words that `Words.derive` refuses, or words for other features.
    """
    one_of("style", style, STYLES, ExportError)
    check_identifier(name)
    if circuit.netlist.num_registers:
        raise ExportError(
            f"the circuit has {circuit.netlist.num_registers} registers, and C takes circuits without state: "
            "export verilog, vhdl, blif, aiger or json"
        )
    chosen = Words.float32(circuit.encoder.num_features) if words is None else Words.of(circuit, words)
    body = program(circuit, chosen, compact=style == "compact")
    needed = body.constant_bytes + body.sample_bytes
    if budget is not None and needed > budget:
        advice = "simplify the circuit or train a smaller one" if style == "compact" else 'take style="compact"'
        raise ExportError(
            f"constants take {body.constant_bytes} bytes and one sample {body.sample_bytes}, {needed - budget} more "
            f"than the budget of {budget}: {advice}"
        )
    labels = _labels(circuit)
    text = "\n".join(
        [
            _comment(circuit, chosen, body, style),
            "#ifndef LUTSMITH_H\n#define LUTSMITH_H\n\n#include <stddef.h>\n#include <stdint.h>\n",
            *_declarations(circuit, chosen, labels),
            "#endif\n\n#ifdef LUTSMITH_IMPLEMENTATION\n#undef LUTSMITH_IMPLEMENTATION\n",
            f"{body.text}\n#endif\n",
        ]
    )
    prefixes = {"lutsmith": name, "LUTSMITH": name.upper()}
    text = re.sub(r"\b(lutsmith|LUTSMITH)(?=_)", lambda prefix: prefixes[prefix[0]], text)
    return text.replace("@NAMES", _names(name, labels))


def _comment(circuit: Circuit, words: Words, body: Program, style: str) -> str:
    netlist, head = circuit.netlist, circuit.head
    stages = [
        f"{circuit.encoder.num_features} features ({'float' if words.is_float else f'words of {words.bits} bits'})",
        f"{len(circuit.encoder)} comparators",
        f"{netlist.num_nodes} LUTs (depth {netlist.depth})",
        f"{netlist.outputs.size} outputs",
    ]
    if head is not None:
        stages.append(f"{head.num_classes} scores ({circuit.objective or 'classification'})")
    quantise = ", LUTSMITH_NO_QUANTISE\n   the function from numbers to words, which needs doubles of 64 bits"
    quantise = "" if words.is_float else quantise
    code = "and a loop over them" if style == "compact" else "and code for each LUT, if there are batch functions"
    return f"""\
/* A network of look-up tables in C99 and C++, written by lutsmith.

   {" -> ".join(stages)}

   Define LUTSMITH_IMPLEMENTATION in one source file before including this header there; include it anywhere else.
   LUTSMITH_NO_BATCH leaves out the functions for many samples, LUTSMITH_NO_NAMES the names{quantise}.

   Flash: {body.constant_bytes} bytes of constants, {code}.
   RAM: {body.sample_bytes} bytes for one sample; {8 * body.batch_words} for 64 at once, {4 * body.batch_words} for 32.
*/"""


def _declarations(circuit: Circuit, words: Words, labels: dict[str, tuple[str, ...]]) -> list[str]:
    netlist, head = circuit.netlist, circuit.head
    objective = circuit.objective or "classification"
    sizes = {
        "FEATURES": circuit.encoder.num_features,
        "INPUTS": len(circuit.encoder),
        "LUTS": netlist.num_nodes,
        "SIGNALS": max(1, netlist.num_signals),
        "OUTPUTS": netlist.outputs.size,
    }
    feature, given = "float", "LUTSMITH_FEATURES numbers"
    if head is not None:
        sizes |= {"SCORES": head.num_classes, "RESULTS": 1 if objective == "classification" else head.num_classes}
    if not words.is_float:
        highest = (1 << words.bits) - 1
        sizes |= {"WORD_LENGTH": words.bits, "HIGHEST_WORD": highest}
        feature, given = ctype(narrowest([highest]).dtype), "LUTSMITH_FEATURES words, 0 to LUTSMITH_HIGHEST_WORD"
    one = [f"/* One sample: {given}. Outputs: LUTSMITH_OUTPUTS bytes 0 or 1. */"]
    one.append("void lutsmith_outputs(const lutsmith_feature *x, uint8_t *outputs);")
    many = ["void lutsmith_outputs_batch(const lutsmith_feature *x, size_t n, uint8_t *outputs);"]
    result = []
    if head is not None:
        kind, meaning = _RESULTS[objective]
        result = [f"typedef {kind} lutsmith_result; /* {meaning} */"]
        one += [
            "/* LUTSMITH_SCORES scores, LUTSMITH_RESULTS results. */",
            "void lutsmith_scores(const lutsmith_feature *x, int32_t *scores);",
            "void lutsmith_predict(const lutsmith_feature *x, lutsmith_result *result);",
        ]
        many += [
            "void lutsmith_scores_batch(const lutsmith_feature *x, size_t n, int32_t *scores);",
            "void lutsmith_predict_batch(const lutsmith_feature *x, size_t n, lutsmith_result *results);",
        ]
    if not words.is_float:
        one += [
            "/* The words of one sample: numbers are rounded up to the grid and saturate; NaN is word 0. */",
            "#ifndef LUTSMITH_NO_QUANTISE",
            "void lutsmith_quantise(const float *x, lutsmith_feature *words);",
            "#endif",
        ]
    names = [f"extern const char *const lutsmith_{key}[{len(texts)}];" for key, texts in labels.items()]
    return [
        *(f"#define LUTSMITH_{key} {value}" for key, value in sizes.items()),
        f"typedef {feature} lutsmith_feature;",
        *result,
        '\n#ifdef __cplusplus\nextern "C" {\n#endif',
        *one,
        "#ifndef LUTSMITH_NO_BATCH",
        "/* The same for n samples, one after the other. */",
        *many,
        "#endif",
        *(["#ifndef LUTSMITH_NO_NAMES", *names, "#endif"] if names else []),
        "#ifdef __cplusplus\n}\n#endif\n",
    ]


def _labels(circuit: Circuit) -> dict[str, tuple[str, ...]]:
    """Return the names that there are, by the name of their array."""
    named = {"class_names": class_names(circuit), "feature_names": circuit.schema.names}
    return {key: texts for key, texts in named.items() if texts}


def _names(name: str, labels: dict[str, tuple[str, ...]]) -> str:
    if not labels:
        return ""
    arrays = "\n".join(strings(f"{name}_{key}", texts) for key, texts in labels.items())
    return f"\n#ifndef {name.upper()}_NO_NAMES\n\n{arrays}\n#endif\n"
