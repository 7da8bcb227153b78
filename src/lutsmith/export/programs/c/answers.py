"""What a header says beyond one decision of one sample: decisions at places, integers, several heads, and a state.

One function evaluates a sample and writes every answer whose pointer is not NULL: `lutsmith_step` with a state,
`lutsmith_evaluate` without. The other functions ask it for one answer each. Code is written for a single head; for
several heads, the names in it are replaced by those of each head.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import IntegerHead
from lutsmith.export.programs.c import results
from lutsmith.export.programs.c.constants import Constants
from lutsmith.export.programs.c.interface import HeadInterface, field_names, interfaces, is_plain, parameters
from lutsmith.export.programs.c.scores import decision, scores
from lutsmith.export.programs.packing import narrowest

_SCOPED = "count count_words counts_of score decide weights weight bias bias_type scale offset head head_words"
"""Names that each head has of its own inside of the header."""

_HEAD = """\
static void lutsmith_head(const uint8_t *s, int32_t *scores, lutsmith_result *result)
{
    LUTSMITH_STORAGE int32_t counts[LUTSMITH_GROUPS];
    LUTSMITH_STORAGE int32_t own[LUTSMITH_CLASSES];
    uint32_t place;
    for (place = 0; place < LUTSMITH_PLACES; place++) {
        int32_t *const to = scores ? scores + place * (uint32_t)LUTSMITH_CLASSES : own;
        lutsmith_count(s, LUTSMITH_FIRST + place * (uint32_t)(LUTSMITH_GROUPS * LUTSMITH_GROUP), counts);
        lutsmith_score(counts, to);
        if (result)
            lutsmith_decide(to, result + place * (uint32_t)LUTSMITH_DECISIONS);
    }
}
"""

_HEAD_WORDS = """\
static void lutsmith_head_words(const lutsmith_word *s, uint32_t samples, int32_t *scores, lutsmith_result *results)
{
    LUTSMITH_STORAGE lutsmith_word planes[LUTSMITH_GROUPS * LUTSMITH_PLANES];
    LUTSMITH_STORAGE int32_t counts[LUTSMITH_GROUPS];
    LUTSMITH_STORAGE int32_t own[LUTSMITH_CLASSES];
    uint32_t place, lane;
    for (place = 0; place < LUTSMITH_PLACES; place++) {
        const uint32_t score = place * (uint32_t)LUTSMITH_CLASSES, decided = place * (uint32_t)LUTSMITH_DECISIONS;
        lutsmith_count_words(s, LUTSMITH_FIRST + place * (uint32_t)(LUTSMITH_GROUPS * LUTSMITH_GROUP), planes);
        for (lane = 0; lane < samples; lane++) {
            int32_t *const to = scores ? scores + (size_t)lane * LUTSMITH_SCORES + score : own;
            lutsmith_counts_of(planes, lane, counts);
            lutsmith_score(counts, to);
            if (results)
                lutsmith_decide(to, results + (size_t)lane * LUTSMITH_RESULTS + decided);
        }
    }
}
"""

_LIMB = """\
/* Up to 64 outputs as an integer, the lowest bit first; above them, the sign or zeros. */
static uint64_t lutsmith_limb@KIND(const @TYPE *s@LANE, uint32_t first, uint32_t bits, int is_signed)
{
    uint64_t limb = 0;
    uint32_t i;
    for (i = 0; i < bits; i++) {
        const uint32_t output = first + i;
        @READ_OUTPUT
        limb |= (uint64_t)(@BIT) << i;
    }
    if (is_signed && bits < 64 && (limb >> (bits - 1)))
        limb |= ~(uint64_t)0 << bits;
    return limb;
}
"""

_INTEGERS = """\
static void lutsmith_head(const uint8_t *s, lutsmith_result *result)
{
    uint32_t place, first = LUTSMITH_FIRST@I;
    for (place = 0; place < LUTSMITH_PLACES; place++, first += @BITS, result++) {
@WORDS
    }
}
"""

_INTEGERS_WORDS = """\
static void lutsmith_head_words(const lutsmith_word *s, uint32_t samples, lutsmith_result *results)
{
    uint32_t lane, place@I;
    for (lane = 0; lane < samples; lane++) {
        uint32_t first = LUTSMITH_FIRST;
        lutsmith_result *result = results + (size_t)lane * LUTSMITH_RESULTS;
        for (place = 0; place < LUTSMITH_PLACES; place++, first += @BITS, result++) {
@WORDS
        }
    }
}
"""

_ANSWER = """\
@HEADvoid @NAME(const lutsmith_feature *x@STATE@PARAMETERS)
{
    LUTSMITH_STORAGE uint8_t s[LUTSMITH_SIGNAL_BYTES] = {0};
@VARIABLES@LOAD    lutsmith_run(x, s);
@SAY@STORE}
"""

_SAY_OUTPUTS = """\
    if (outputs)
        for (i = 0; i < LUTSMITH_OUTPUTS; i++) {
            const uint32_t output = i;
            @READ_OUTPUT
            outputs[i] = (uint8_t)LUTSMITH_GET(s, signal);
        }
"""

_LOAD = """\
    for (i = 0; i < LUTSMITH_REGISTERS; i++) {
        @READ_INIT
        LUTSMITH_SET(s, LUTSMITH_INPUTS + i, state ? LUTSMITH_GET(state->registers, i) : init);
    }
"""

_STORE = """\
    if (state)
        for (i = 0; i < LUTSMITH_REGISTERS; i++) {
            @READ_NEXT
            LUTSMITH_SET(state->registers, i, LUTSMITH_GET(s, next));
        }
"""

_RESET = """\
void lutsmith_reset(lutsmith_state *state)
{
    uint32_t i;
    for (i = 0; i < sizeof state->registers; i++)
        state->registers[i] = 0;
    for (i = 0; i < LUTSMITH_REGISTERS; i++) {
        @READ_INIT
        LUTSMITH_SET(state->registers, i, init);
    }
}
"""

_ANSWER_BATCH = """\
@HEADvoid @NAME_batch(const lutsmith_feature *x, size_t n@STATE@PARAMETERS)
{
    LUTSMITH_STORAGE lutsmith_word s[LUTSMITH_SIGNALS];
    while (n > 0) {
        const uint32_t samples = n < LUTSMITH_WORD_BITS ? (uint32_t)n : LUTSMITH_WORD_BITS;
@VARIABLES@LOAD        lutsmith_run_words(x, samples, s);
@SAY@STORE        x += (size_t)samples * LUTSMITH_FEATURES;
        n -= samples;
    }
}
"""

_SAY_OUTPUTS_BATCH = """\
        if (outputs)
            for (lane = 0; lane < samples; lane++)
                for (i = 0; i < LUTSMITH_OUTPUTS; i++) {
                    const uint32_t output = i;
                    @READ_OUTPUT
                    *outputs++ = (uint8_t)((s[signal] >> lane) & 1u);
                }
"""

_LOAD_BATCH = """\
        for (i = 0; i < LUTSMITH_REGISTERS; i++) {
            @READ_INIT
            s[LUTSMITH_INPUTS + i] = states ? states->registers[i] : (lutsmith_word)0 - init;
        }
"""

_STORE_BATCH = """\
        if (states) {
            for (i = 0; i < LUTSMITH_REGISTERS; i++) {
                @READ_NEXT
                states->registers[i] = s[next];
            }
            states++;
        }
"""

_RESET_BATCH = """\
void lutsmith_reset_batch(lutsmith_states *states, size_t n)
{
    uint32_t i;
    size_t word;
    for (word = 0; word < LUTSMITH_STATES(n); word++)
        for (i = 0; i < LUTSMITH_REGISTERS; i++) {
            @READ_INIT
            states[word].registers[i] = (lutsmith_word)0 - init;
        }
}
"""


def answers(
    circuit: Circuit, register_next: NDArray[np.int64], read_output: str, constants: Constants
) -> tuple[list[str], list[str], int, int]:
    """Return the functions of a circuit that is not `is_plain`, for one sample and for words of samples; then the bytes
    and words that heads need while they work. `register_next` are the signals that registers take.
    """
    assert not is_plain(circuit)
    one: list[str] = []
    many: list[str] = []
    sample_bytes = batch_words = 0
    if any(isinstance(each.head, IntegerHead) for each in interfaces(circuit)):
        for target, kind, type_, lane, bit in (
            (one, "", "uint8_t", "", "LUTSMITH_GET(s, signal)"),
            (many, "_words", "lutsmith_word", ", uint32_t lane", "(s[signal] >> lane) & 1u"),
        ):
            text = _LIMB.replace("@KIND", kind).replace("@TYPE", type_).replace("@LANE", lane)
            target.append(text.replace("@BIT", bit).replace("@READ_OUTPUT", read_output))
    for each in interfaces(circuit):
        own = Constants()
        if isinstance(each.head, IntegerHead):
            alone, side_by_side = [[text] for text in _integers(each.head)]
            own.sizes = {"FIRST": each.first, "PLACES": each.places, "RESULTS": each.results}
        else:
            alone, side_by_side = _popcounts(each.head, each, read_output, own)
            sample_bytes = max(sample_bytes, 4 * (each.head.num_groups + each.head.num_classes))
            batch_words = max(batch_words, own.sizes["GROUPS"] * own.sizes["PLANES"])
        for target, texts in ((one, alone), (many, side_by_side), (constants.definitions, own.definitions)):
            target += [each.own(text, _SCOPED) for text in texts]
        constants.num_bytes += own.num_bytes
        constants.sizes |= {each.macro(key): size for key, size in own.sizes.items() if key not in each.sizes()}
    core, core_of_many = _core(circuit, register_next, read_output, constants)
    return [*one, *core], [*many, *core_of_many], sample_bytes, batch_words


def _popcounts(head: Head, each: HeadInterface, read_output: str, own: Constants) -> tuple[list[str], list[str]]:
    """Return the functions that count and decide place by place, for one sample and for words of samples."""
    group = head.group_size(each.outputs)
    own.sizes = {
        "PLACES": each.places,
        "GROUPS": head.num_groups,
        "GROUP": group,
        "PLANES": group.bit_length(),
        "CLASSES": head.num_classes,
        "DECISIONS": each.results // each.places,
        "FIRST": each.first,
    }
    count, count_words = (
        text.replace("@READ_OUTPUT", read_output).replace("@FROM", ", uint32_t output").replace("@START", "")
        for text in (results.COUNT, results.COUNT_WORDS)
    )
    of_place = [scores(head, group, own), decision(head, each.objective, own)]
    of_place = [text.replace("LUTSMITH_SCORES", "LUTSMITH_CLASSES") for text in of_place]
    return [count, *of_place, _HEAD], [count_words, _HEAD_WORDS]


def _integers(head: IntegerHead) -> tuple[str, str]:
    """Return the functions that make integers of outputs, for one sample and for words of samples."""
    fields = field_names(head)
    lines, start = [], 0
    is_struct = len(head.words) > 1 or head.words[0].bits > 64
    for word, name in zip(head.words, fields, strict=True):
        signed, limbs = int(word.signed), -(-word.bits // 64)
        first = f"first + {start}" if start else "first"
        if limbs == 1:
            to = f"result->{name}" if is_struct else "*result"
            kind = "(int64_t)" if signed else ""
            lines.append(f"{to} = {kind}lutsmith_limb@KIND(s@LANE, {first}, {word.bits}, {signed});")
        else:
            last = word.bits - 64 * (limbs - 1)
            lines.append(f"for (i = 0; i < {limbs}; i++)")
            bits = "64" if last == 64 else f"i + 1 < {limbs} ? 64 : {last}"
            lines.append(f"    result->{name}[i] = lutsmith_limb@KIND(s@LANE, {first} + 64 * i, {bits}, {signed});")
        start += word.bits
    has_limbs = any(word.bits > 64 for word in head.words)
    texts = []
    for text, indent, kind, lane in ((_INTEGERS, 8, "", ""), (_INTEGERS_WORDS, 12, "_words", ", lane")):
        body = "\n".join(" " * indent + line for line in lines).replace("@KIND", kind).replace("@LANE", lane)
        texts.append(
            text.replace("@WORDS", body).replace("@BITS", str(start)).replace("@I", ", i" if has_limbs else "")
        )
    return texts[0], texts[1]


def _core(
    circuit: Circuit, register_next: NDArray[np.int64], read_output: str, constants: Constants
) -> tuple[list[str], list[str]]:
    """Return the function that says everything, what resets a state, and those that ask for one thing each."""
    netlist, heads = circuit.netlist, interfaces(circuit)
    has_state, has_outputs = netlist.num_registers > 0, netlist.outputs.size > 0
    fills = {"@READ_OUTPUT": read_output}
    if has_state:
        constants.add("next", narrowest(register_next), "next_type")
        fills["@READ_NEXT"] = "LUTSMITH_READ(lutsmith_next_type, next, lutsmith_next + i);"
        fills["@READ_INIT"] = constants.read("init", "init", netlist.register_init, "i", "unsigned")
    name = "lutsmith_step" if has_state else "lutsmith_evaluate"
    is_public = has_state or len(heads) > 1
    made: list[list[str]] = []
    for many in (False, True):
        given = parameters(circuit, many=many)
        pad = "        " if many else "    "
        say = (_SAY_OUTPUTS_BATCH if many else _SAY_OUTPUTS) if has_outputs else f"{pad}(void)outputs;\n"
        for head in heads:
            say += _say(head, pad, many=many)
        state = "lutsmith_states *states" if many else "lutsmith_state *state"
        loops = ["lane", "i"] if many and has_outputs else ["i"] if has_outputs or has_state else []
        text = _ANSWER_BATCH if many else _ANSWER
        for key, value in {
            "@HEAD": "" if is_public else "static ",
            "@NAME": name,
            "@STATE": f", {state}" if has_state else "",
            "@PARAMETERS": "".join(f", {type_} *{wanted}" for type_, wanted, _, _ in given),
            "@VARIABLES": f"{pad}uint32_t {', '.join(loops)};\n" if loops else "",
            "@LOAD": (_LOAD_BATCH if many else _LOAD) if has_state else "",
            "@STORE": (_STORE_BATCH if many else _STORE) if has_state else "",
            "@SAY": say,
        }.items():
            text = text.replace(key, value)
        texts = [text, *([_RESET_BATCH if many else _RESET] if has_state else [])]
        texts += _askers(circuit, name, has_state=has_state, many=many)
        for key, value in fills.items():
            texts = [given.replace(key, value) for given in texts]
        made.append(texts)
    return made[0], made[1]


def _say(head: HeadInterface, pad: str, *, many: bool) -> str:
    """Return the statements by which a head says what is wanted of it, and goes on to the next samples."""
    given = head.parameters(many=many)
    names = [name for _, name, _, _ in given]
    function, samples = (head.inner("head_words"), ", samples") if many else (head.inner("head"), "")
    lines = [f"{pad}if ({' || '.join(names)})", f"{pad}    {function}(s{samples}, {', '.join(names)});"]
    if many:
        for _, name, _, size in given:
            lines += [f"{pad}if ({name})", f"{pad}    {name} += (size_t)samples * {size};"]
    return "".join(f"{line}\n" for line in lines)


def _askers(circuit: Circuit, name: str, *, has_state: bool, many: bool) -> list[str]:
    """Return the public functions that ask for one thing each."""
    given = parameters(circuit, many=many)
    batch, size, n = ("_batch", ", size_t n", ", n") if many else ("", "", "")
    texts = []
    for place, (type_, wanted, function, _) in enumerate(given):
        asked = ["NULL"] * (has_state + len(given))
        asked[has_state + place] = wanted
        call = f"    {name}{batch}(x{n}, {', '.join(asked)});"
        texts.append(f"void {function}{batch}(const lutsmith_feature *x{size}, {type_} *{wanted})\n{{\n{call}\n}}\n")
    return texts
