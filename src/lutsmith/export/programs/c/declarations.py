"""What users of a header see: the comment at its beginning, sizes, types and declarations of functions."""

from __future__ import annotations

import textwrap

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.traits import traits_of
from lutsmith.export.labels import class_names
from lutsmith.export.programs.c import runtime
from lutsmith.export.programs.c.inputs import feature_type, takes_floats
from lutsmith.export.programs.c.interface import HeadInterface, interfaces, is_plain, parameters
from lutsmith.export.programs.c.program import Program
from lutsmith.export.programs.c.quantise import has_quantise
from lutsmith.export.programs.c.text import WIDTH
from lutsmith.logic.words import Words


def comment(circuit: Circuit, words: Words, body: Program, *, compact: bool) -> str:
    """Return the comment that the header begins with."""
    netlist, inputs = circuit.netlist, circuit.inputs
    kind = "float" if takes_floats(words) else f"words of {words.bits} bits"
    stages = [
        f"{circuit.encoder.num_features} features ({kind})",
        f"{len(circuit.encoder)} comparators",
        f"{netlist.num_nodes} LUTs (depth {netlist.depth})",
        f"{netlist.outputs.size} outputs",
    ]
    if inputs.num_word_bits:
        stages[1] += f", {inputs.num_word_bits} bits of words"
    if inputs.missing.size:
        stages[1] += f", {inputs.missing.size} missing values"
    if netlist.num_registers:
        stages[2] += f", {netlist.num_registers} registers"
    stages += [_told(each) for each in interfaces(circuit)] if not is_plain(circuit) else []
    head = circuit.head
    if is_plain(circuit) and isinstance(head, Head):
        stages.append(f"{head.num_classes} scores ({circuit.objective or 'classification'})")
    flow = f"   {' -> '.join(stages)}"
    if traits_of(circuit):
        flow = textwrap.fill(flow.strip(), 119, initial_indent="   ", subsequent_indent="   ")
    quantise = ", LUTSMITH_NO_QUANTISE\n   the function from numbers to words, which needs doubles of 64 bits"
    quantise = quantise if has_quantise(words) else ""
    code = "and a loop over them" if compact else "and code for each LUT, if there are batch functions"
    state = ""
    if netlist.num_registers:
        state = f"\n   A state: {_state_bytes(circuit, compact)} bytes; {8 * netlist.num_registers} for 64 streams."
    parts = "".join(f"\n   Part {part.name}: one function for {len(part)} instances." for part in circuit.parts)
    return f"""\
/* A network of look-up tables in C99 and C++, written by lutsmith.

{flow}

   Define LUTSMITH_IMPLEMENTATION in one source file before including this header there; include it anywhere else.
   LUTSMITH_NO_BATCH leaves out the functions for many samples, LUTSMITH_NO_NAMES the names{quantise}.
{parts}
   Flash: {body.constant_bytes} bytes of constants, {code}.
   RAM: {body.sample_bytes} bytes for one sample; {8 * body.batch_words} for 64 at once, {4 * body.batch_words} for \
32.{state}
*/"""


def labels_of(circuit: Circuit) -> dict[str, tuple[str, ...]]:
    """Return the names that there are, by the name of their array: of classes, of those of each head, of features."""
    named = {"class_names": class_names(circuit)}
    for each in interfaces(circuit):
        if each.scope and each.classes is not None:
            named[f"{each.scope}_class_names"] = tuple(map(str, each.classes))
    named["feature_names"] = circuit.schema.names
    return {key: texts for key, texts in named.items() if texts}


def declarations(circuit: Circuit, words: Words, body: Program, *, compact: bool) -> list[str]:
    """Return the lines of sizes, types and functions."""
    netlist, heads = circuit.netlist, interfaces(circuit)
    sizes = {
        "FEATURES": circuit.encoder.num_features,
        "INPUTS": len(circuit.inputs),
        "LUTS": netlist.num_nodes,
        "SIGNALS": body.num_signals,
        "OUTPUTS": netlist.outputs.size,
    }
    if netlist.num_registers:
        sizes["REGISTERS"] = netlist.num_registers
    for head in heads:
        sizes |= {head.macro(key): size for key, size in head.sizes().items()}
    given = "LUTSMITH_FEATURES numbers"
    highest = ""
    if not takes_floats(words):
        top = (1 << words.bits) - 1
        sizes["WORD_LENGTH"] = words.bits
        highest = f"#define LUTSMITH_HIGHEST_WORD {top}{'ull' if words.bits > 32 else 'u' if words.bits > 31 else ''}"
        given = "LUTSMITH_FEATURES words, 0 to LUTSMITH_HIGHEST_WORD"
    one = [*_words_told(words), f"/* One sample: {given}. Outputs: LUTSMITH_OUTPUTS bytes 0 or 1. */"]
    one += [_asker(*asked[:3], many=False) for asked in parameters(circuit, many=False)[:1]]
    for head in heads:
        one += [f"/* {_meant(head)} */", *(_asker(*asked[:3], many=False) for asked in head.parameters(many=False))]
    many = [_asker(*asked[:3], many=True) for asked in parameters(circuit, many=True)]
    if len(heads) > 1 and not netlist.num_registers:
        one += ["/* All of these at once; NULL where one is not wanted. */", _whole("lutsmith_evaluate", circuit)]
        many.append(_whole("lutsmith_evaluate", circuit, many=True))
    if has_quantise(words):
        one += [
            _QUANTISE if words.formats is None else _QUANTISE_OWN,
            "#ifndef LUTSMITH_NO_QUANTISE",
            "void lutsmith_quantise(const float *x, lutsmith_feature *words);",
            "#endif",
        ]
    if netlist.num_registers:
        one += [
            _STATE,
            f"typedef struct {{ uint8_t registers[{_state_bytes(circuit, compact)}]; }} lutsmith_state;",
            "void lutsmith_reset(lutsmith_state *state);",
            _whole("lutsmith_step", circuit, ", lutsmith_state *state"),
        ]
        many += [
            *_STATES.splitlines(),
            "void lutsmith_reset_batch(lutsmith_states *states, size_t n);",
            _whole("lutsmith_step", circuit, ", lutsmith_states *states", many=True),
        ]
    names = [f"extern const char *const lutsmith_{key}[{len(texts)}];" for key, texts in labels_of(circuit).items()]
    return [
        *(f"#define LUTSMITH_{key} {value}" for key, value in sizes.items()),
        *([highest] if highest else []),
        f"typedef {feature_type(words)} lutsmith_feature;",
        *(head.type_definition() for head in heads),
        *([f"\n{runtime.WORDS}"] if netlist.num_registers else []),
        '\n#ifdef __cplusplus\nextern "C" {\n#endif',
        *one,
        "#ifndef LUTSMITH_NO_BATCH",
        "/* The same for n samples, one after the other. */",
        *many,
        "#endif",
        *(["#ifndef LUTSMITH_NO_NAMES", *names, "#endif"] if names else []),
        "#ifdef __cplusplus\n}\n#endif\n",
    ]


_QUANTISE = "/* The words of one sample: numbers are rounded up to the grid and saturate; NaN is word 0. */"

_QUANTISE_OWN = """\
/* The words of one sample. A word of the network is the nearest to a number, halves down; NaN is 0. Others are rounded
   up to their grid, where they have one, and NaN is word 0 there; or they are the 32 bits of the float. */"""

_STATE = """\
/* A stream of samples, one a clock cycle: reset the state, then take a step for each sample. A step says what is asked
   of its cycle, NULL where that is not wanted. The functions above say what the first cycle says. */"""

_STATES = """\
/* Many streams side by side: LUTSMITH_STATES(n) of these hold the states of n streams. A step takes one sample of
   each. */
typedef struct { lutsmith_word registers[LUTSMITH_REGISTERS]; } lutsmith_states;
#define LUTSMITH_STATES(n) (((n) + LUTSMITH_WORD_BITS - 1) / LUTSMITH_WORD_BITS)"""


def _state_bytes(circuit: Circuit, compact: bool) -> int:
    registers = circuit.netlist.num_registers
    return -(-registers // 8) if compact else registers


def _words_told(words: Words) -> list[str]:
    """Say what integers are, where not all are words on a grid."""
    if takes_floats(words) or words.formats is None:
        return []
    others = ""
    if words.grid is not None:
        others = f" Other features are words of {words.grid.bits} bits on a grid."
    elif words.is_float:
        others = " Other features are the 32 bits of a float."
    long = ""
    if words.formats.is_long:
        long = " There is no function from floats to words: words above 24 bits are integers that no float holds."
    text = (
        f"/* {len(words.formats)} features are words of the network, 1 to {int(words.formats.bits.max())} bits: the "
        f"integer itself, in two's complement where it has a sign; bits above its own are ignored.{others}{long} */"
    )
    return textwrap.wrap(text, 119, subsequent_indent="   ")


def _told(head: HeadInterface) -> str:
    name = f"{head.scope}: " if head.scope else ""
    shape = f"{' x '.join(map(str, head.head.shape))} places of " if head.head.shape else ""
    if isinstance(head.head, Head):
        return f"{name}{shape}{head.head.num_classes} scores ({head.objective})"
    words = head.head.words
    return (
        f"{name}{shape}{len(words)} integer{'s' * (len(words) > 1)} of {sum(word.bits for word in words)} bits in all"
    )


def _meant(head: HeadInterface) -> str:
    scores = f"LUTSMITH_{head.macro('SCORES')} scores, " if isinstance(head.head, Head) else ""
    results = f"LUTSMITH_{head.macro('RESULTS')} results"
    if isinstance(head.head, Head) and not head.head.shape:
        return f"{scores}{results}."
    places = f", place by place of {' x '.join(map(str, head.head.shape))}" if head.head.shape else ""
    return f"{scores}{results}{places}."


def _asker(type_: str, name: str, function: str, *, many: bool) -> str:
    batch, size = ("_batch", ", size_t n") if many else ("", "")
    return f"void {function}{batch}(const lutsmith_feature *x{size}, {type_} *{name});"


def _whole(function: str, circuit: Circuit, state: str = "", *, many: bool = False) -> str:
    batch, size = ("_batch", ", size_t n") if many else ("", "")
    given = "".join(f", {type_} *{name}" for type_, name, _, _ in parameters(circuit, many=many))
    text = f"void {function}{batch}(const lutsmith_feature *x{size}{state}{given});"
    return textwrap.fill(text, WIDTH, subsequent_indent="    ", break_long_words=False)
