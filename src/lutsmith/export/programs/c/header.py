"""`to_c`: a circuit as one C99 header."""

from __future__ import annotations

from typing import Literal

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.errors import ExportError
from lutsmith.export.labels import check_identifier
from lutsmith.export.programs.c.declarations import comment, declarations, labels_of
from lutsmith.export.programs.c.program import program
from lutsmith.export.programs.c.text import prefixed, strings
from lutsmith.ground.arguments import one_of
from lutsmith.logic.words import Words

STYLES = ("unrolled", "compact")


def to_c(
    circuit: Circuit,
    *,
    words: Words | int | None = None,
    style: Literal["unrolled", "compact"] = "unrolled",
    budget: int | None = None,
    name: str = "lutsmith",
) -> str:
    """Return a circuit as one header in C99, which also compiles as C++. It needs no malloc and no library.

    Include it where it is used; in exactly one source file, define `<NAME>_IMPLEMENTATION` before the include. There
    are functions for one sample, and for many, which work on 64 (or 32, `<NAME>_WORD_BITS`) samples at a time:

        void <name>_predict(const <name>_feature *x, <name>_result *result);
        void <name>_scores(const <name>_feature *x, int32_t *scores);
        void <name>_outputs(const <name>_feature *x, uint8_t *outputs);
        void <name>_predict_batch(const <name>_feature *x, size_t n, <name>_result *results);      and so on
        void <name>_quantise(const float *x, <name>_feature *words);                               with words

    Predictions, scores and outputs equal those of the circuit for every float, including NaN and the infinities; with
    words on a grid, they equal those of the circuit on the values that the words stand for.

    - Where the head has places, there are scores and results for each place, one place after the other.
    - Integers are int64_t or uint64_t; several words, and those above 64 bits, are a struct with their names, in which
      a longer one is uint64_t[], the lowest bits first. A name that is a word of C, or looks like a macro, gets a _
      behind it.
    - Several heads are `<name>_<head>_predict` and `<name>_<head>_scores`; `<name>_evaluate` returns all results in one
      call.
    - A circuit with registers has a `<name>_state`, `<name>_reset` and `<name>_step`, and the same for many streams
      side by side, 64 or 32 a word; functions without a state return the results of its first cycle.
    - Parts are one function each, and a loop over a table of what their instances read.

    Args:
        circuit: any.
        words: None takes features as float, of which words of the circuit are made; `Words`, or the bits of a word
            (`Words.derive`), take integers of one unsigned type: a feature that is a word of the circuit is that word,
            in two's complement. Where one has more than 24 bits, which no float holds, None takes integers, too:
            features that are not words are the 32 bits of a float then.
        style: "unrolled" writes each LUT as an expression on words of samples, which is fast. "compact" writes tables
            and wiring as the smallest constant arrays and one loop, for microcontrollers; the header's first lines say
            what it takes in bytes. One sample is evaluated from the tables in both.
        budget: bytes that constants, and signals and scores of one sample, may take together; None for any number. Code
            and names come on top; in "compact" the code is small and always the same.
        name: the prefix of functions, and in capitals of macros.

    Raises:
        ExportError: more bytes than the budget, labels that C strings cannot hold, heads that differ in nothing but
            capitals, or a name that is not a plain identifier, or no such style.
        TypeError, ValueError: words that `Words.derive` refuses, or words for other features.
    """
    one_of("style", style, STYLES, ExportError)
    check_identifier(name)
    chosen = words_of_c(circuit, words)
    compact = style == "compact"
    body = program(circuit, chosen, compact=compact)
    needed = body.constant_bytes + body.sample_bytes
    if budget is not None and needed > budget:
        advice = "simplify the circuit or train a smaller one" if compact else 'take style="compact"'
        raise ExportError(
            f"constants take {body.constant_bytes} bytes and one sample {body.sample_bytes}, {needed - budget} more "
            f"than the budget of {budget}: {advice}"
        )
    labels = labels_of(circuit)
    text = "\n".join(
        [
            comment(circuit, chosen, body, compact=compact),
            "#ifndef LUTSMITH_H\n#define LUTSMITH_H\n\n#include <stddef.h>\n#include <stdint.h>\n",
            *declarations(circuit, chosen, body, compact=compact),
            "#endif\n\n#ifdef LUTSMITH_IMPLEMENTATION\n#undef LUTSMITH_IMPLEMENTATION\n",
            f"{body.text}\n#endif\n",
        ]
    )
    return prefixed(text, name).replace("@NAMES", _names(name, labels))


def words_of_c(circuit: Circuit, words: Words | int | None) -> Words:
    """Return the form of features in a header; floats where neither a grid nor words of the circuit are given."""
    is_long = circuit.words is not None and circuit.words.formats.is_long
    floats = Words.float32(circuit.encoder.num_features)
    if words is None and not is_long:
        return floats
    return Words.of(circuit, floats if words is None else words)


def _names(name: str, labels: dict[str, tuple[str, ...]]) -> str:
    if not labels:
        return ""
    arrays = "\n".join(strings(f"{name}_{key}", texts) for key, texts in labels.items())
    return f"\n#ifndef {name.upper()}_NO_NAMES\n\n{arrays}\n#endif\n"
