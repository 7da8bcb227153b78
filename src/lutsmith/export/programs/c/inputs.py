"""The inputs of a netlist in a header: comparators, bits of words and missing values, and words made of numbers.

Features come as floats, and then whatever is a word is made one first; or as integers of one unsigned type: a word of
the circuit as its bits, any other feature as a word on a grid, or as the 32 bits of a float.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.words import WordBits, WordFormats
from lutsmith.export.programs.c import runtime
from lutsmith.export.programs.c.constants import Constants
from lutsmith.export.programs.c.text import ctype
from lutsmith.export.programs.packing import narrowest
from lutsmith.logic.words import Words

ENCODE = """\
static void lutsmith_encode@KIND(const lutsmith_feature *x, uint8_t *s)
{
    uint32_t i;
    for (i = 0; i < @COUNT; i++) {
        @READ
        LUTSMITH_SET(s, @TO, @ABOVE);
    }
}
"""

ENCODE_WORDS = """\
static void lutsmith_encode@KIND_words(const lutsmith_feature *x, uint32_t samples, lutsmith_word *s)
{
    uint32_t i, lane;
    for (i = 0; i < @COUNT; i++) {
        @READ
        const lutsmith_feature *at = x + feature;
        lutsmith_word word = 0;
        for (lane = 0; lane < samples; lane++, at += LUTSMITH_FEATURES)
            word |= (lutsmith_word)(@ABOVE) << lane;
        s[@TO] = word;
    }
}
"""

BITS = """\
static void lutsmith_bits@KIND(const lutsmith_feature *x, uint8_t *s)
{
    uint32_t i, bit;
    for (i = 0; i < @COUNT; i++) {
        @READ
        const @TYPE word = @WORD >> low;
        for (bit = 0; bit < bits; bit++)
            LUTSMITH_SET(s, to + bit, (unsigned)(word >> bit) & 1u);
    }
}
"""

BITS_WORDS = """\
static void lutsmith_bits@KIND_words(const lutsmith_feature *x, uint32_t samples, lutsmith_word *s)
{
    uint32_t i, bit, lane;
    for (i = 0; i < @COUNT; i++) {
        @READ
        const lutsmith_feature *at = x + feature;
        for (bit = 0; bit < bits; bit++)
            s[to + bit] = 0;
        for (lane = 0; lane < samples; lane++, at += LUTSMITH_FEATURES) {
            const @TYPE word = @WORD >> low;
            for (bit = 0; bit < bits; bit++)
                s[to + bit] |= (lutsmith_word)((word >> bit) & 1u) << lane;
        }
    }
}
"""

NEVER = """\
/* Integers are never missing. */
static void lutsmith_never(uint8_t *s)
{
    uint32_t i;
    for (i = 0; i < @COUNT; i++) {
        @READ
        LUTSMITH_SET(s, to, 0);
    }
}
"""

NEVER_WORDS = """\
static void lutsmith_never_words(lutsmith_word *s)
{
    uint32_t i;
    for (i = 0; i < @COUNT; i++) {
        @READ
        s[to] = 0;
    }
}
"""

_INTEGER = "(uint32_t)lutsmith_integer(@AT, length, is_signed)"
_SCALED = "lutsmith_scaled(@AT, first, per_unit, length, is_signed)"


@dataclass
class InputCode:
    """Functions that give inputs their values, and the statements that call them.

    Attributes:
        helpers: functions that the others call.
        one, many: for one sample, for words of samples.
        one_calls, many_calls: statements.
        has_doubles: whether numbers of 64 bits are needed.
        has_infinity: whether a limit is infinite.
    """

    helpers: list[str] = field(default_factory=list)
    one: list[str] = field(default_factory=list)
    many: list[str] = field(default_factory=list)
    one_calls: list[str] = field(default_factory=list)
    many_calls: list[str] = field(default_factory=list)
    has_doubles: bool = False
    has_infinity: bool = False

    def add(self, kind: str, texts: tuple[str, str], fills: dict[str, str]) -> None:
        """Add a function in both forms."""
        stem = texts[0].partition("static void ")[2].partition("@KIND")[0] + kind
        for target, text, at in ((self.one, texts[0], "x[feature]"), (self.many, texts[1], "*at")):
            for key, value in {**fills, "@AT": at, "@KIND": kind}.items():
                text = text.replace(key, value)
            target.append(text)
        self.one_calls.append(f"{stem}(x, s);")
        self.many_calls.append(f"{stem}_words(x, samples, s);")


def takes_floats(words: Words) -> bool:
    """Whether features come as floats."""
    return words.grid is None and words.formats is None


def input_code(inputs: Inputs, words: Words, constants: Constants) -> InputCode:
    """Return the code of all inputs, for features that come as `words` says."""
    code = InputCode()
    own = _own(inputs.comparators.feature, words)
    floats = np.flatnonzero(own < 0) if words.is_float else np.zeros(0, np.int64)
    integers = np.setdiff1d(np.arange(own.size), floats)
    if words.is_float and not takes_floats(words) and (floats.size or _own(inputs.missing, words).min(initial=0) < 0):
        code.helpers.append(runtime.FLOAT_OF)
    if floats.size:
        _compare_floats(inputs, words, floats, constants, code)
    if integers.size:
        _compare_integers(inputs, words, integers, constants, code)
    if inputs.words is not None:
        _word_bits(inputs.words, words, len(inputs.comparators), constants, code)
    if inputs.missing.size:
        _missing(inputs, words, constants, code)
    return code


def _own(feature: NDArray[np.int32], words: Words) -> NDArray[np.int64]:
    """Return the places of features among the words of the circuit that come as they are, -1 for others."""
    return np.full(feature.size, -1) if words.formats is None else words.formats.place(feature)


def _places(inputs: Inputs, chosen: NDArray[np.int64], constants: Constants, kind: str) -> tuple[dict[str, str], str]:
    """Return how many comparators are chosen and where they go, and the statement that is needed for that."""
    every = len(inputs.comparators)
    count = "LUTSMITH_INPUTS" if inputs.are_comparators else str(every)
    if chosen.size == every:
        return {"@COUNT": count, "@TO": "i"}, ""
    read = constants.read("to", f"compared{kind}_to", chosen, "i")
    return {"@COUNT": str(chosen.size), "@TO": "to"}, f"\n        {read}"


def _compare_floats(
    inputs: Inputs, words: Words, chosen: NDArray[np.int64], constants: Constants, code: InputCode
) -> None:
    threshold = inputs.comparators.threshold[chosen]
    fills, read = _places(inputs, chosen, constants, "")
    constants.add("compared", narrowest(inputs.comparators.feature[chosen]), "place")
    constants.add("limits", threshold, "limit")
    code.has_infinity = bool(np.isinf(threshold).any())
    above = "@AT > limit" if takes_floats(words) else "lutsmith_float_of(@AT) > limit"
    code.add("", (ENCODE, ENCODE_WORDS), {"@READ": _READ_COMPARED + read, "@ABOVE": above, **fills})


_READ_COMPARED = """\
LUTSMITH_READ(lutsmith_place, feature, lutsmith_compared + i);
        LUTSMITH_READ(lutsmith_limit, limit, lutsmith_limits + i);"""


def _compare_integers(
    inputs: Inputs, words: Words, chosen: NDArray[np.int64], constants: Constants, code: InputCode
) -> None:
    feature = inputs.comparators.feature[chosen]
    own = _own(feature, words)
    limits = words.limits(feature, inputs.comparators.threshold[chosen]).astype(object) + 1
    kind = "" if chosen.size == len(inputs.comparators) else "_integers"
    fills, read = _places(inputs, chosen, constants, kind)
    if kind == "" and (own < 0).all():
        constants.add("compared", narrowest(feature), "place")
        constants.add("limits", narrowest(limits.astype(np.int64)), "limit")
        code.add("", (ENCODE, ENCODE_WORDS), {"@READ": _READ_COMPARED, "@ABOVE": "@AT >= limit", **fills})
        return
    assert words.formats is not None
    formats, among = words.formats, own >= 0
    masks, flips = np.full(own.size, (1 << words.bits) - 1, object), np.zeros(own.size, object)
    for place in np.flatnonzero(among).tolist():
        bits, signed = int(formats.bits[own[place]]), bool(formats.signed[own[place]])
        masks[place] = (1 << bits) - 1
        flips[place] = int(signed) << bits - 1
        limits[place] += flips[place]
        if limits[place] > masks[place]:  # nothing is above the limit, which the type might not hold
            masks[place], flips[place], limits[place] = 0, 0, 1
    wide = feature_type(words)
    unsigned = {
        name: np.array(values.tolist(), np.uint64)
        for name, values in (("limit", limits), ("mask", masks), ("flip", flips))
    }
    reads = [constants.read("feature", f"compared{kind}", feature, "i")]
    reads += [constants.read(name, f"{name}s{kind}", values, "i", wide) for name, values in unsigned.items()]
    above = "((@AT & mask) ^ flip) >= limit"
    code.add(kind, (ENCODE, ENCODE_WORDS), {"@READ": "\n        ".join(reads) + read, "@ABOVE": above, **fills})


def _word_bits(bits: WordBits, words: Words, first: int, constants: Constants, code: InputCode) -> None:
    """Read bits of words as runs: bits of one feature that ascend one by one, in inputs that do."""
    feature, bit = bits.feature.astype(np.int64), bits.bit.astype(np.int64)
    begins = np.append(True, (np.diff(feature) != 0) | (np.diff(bit) != 1))
    start = np.flatnonzero(begins)
    count = np.diff(np.append(start, bit.size))
    place = bits.formats.place(feature[start])
    plain = bits.formats.plain[place]
    kinds = [("_integers", plain, _INTEGER), ("_scaled", ~plain, _SCALED)]
    if not takes_floats(words):
        kinds = [("", np.ones(start.size, np.bool_), "@AT")]
    for kind, chosen, word in kinds:
        runs = np.flatnonzero(chosen)
        if not runs.size:
            continue
        reads = [
            constants.read(name, f"bits{kind}_{name}", values[runs], "i")
            for name, values in (
                ("feature", feature[start]),
                ("to", first + start),
                ("low", bit[start]),
                ("bits", count),
            )
        ]
        if kind:
            reads += format_reads(bits.formats, place[runs], constants, f"bits{kind}", "i")
            _add_helper(code, kind)
        fills = {"@COUNT": str(runs.size), "@READ": "\n        ".join(reads), "@WORD": word}
        code.add(kind, (BITS, BITS_WORDS), {**fills, "@TYPE": "uint32_t" if kind else "lutsmith_feature"})


def _add_helper(code: InputCode, kind: str) -> None:
    code.has_doubles |= kind == "_scaled"
    code.helpers += [runtime.INTEGER] if kind == "_integers" else [runtime.LEVEL, runtime.SCALED]


def format_reads(
    formats: WordFormats, places: NDArray[np.int64], constants: Constants, name: str, index: str
) -> list[str]:
    """Return the statements that read what the words at some places are, all of them plain or none: their length and
    sign, and the grid of those that have one.
    """
    reads = [
        constants.read("length", f"{name}_length", formats.bits[places], index),
        constants.read("is_signed", f"{name}_signed", formats.signed[places], index),
    ]
    if not formats.plain[places].all():
        first = formats.offset + (np.array(formats.lowest, np.float64) + 0.5) / formats.per_unit
        reads.append(constants.read("first", f"{name}_first", first[places], index, "double"))
        reads.append(constants.read("per_unit", f"{name}_per_unit", formats.per_unit[places], index, "double"))
    return reads


def _missing(inputs: Inputs, words: Words, constants: Constants, code: InputCode) -> None:
    """Say which values are NaN: of floats alone, no integer is."""
    own, place = _own(inputs.missing, words), np.arange(inputs.missing.size)
    floats = place[own < 0] if words.is_float else place[:0]
    first = len(inputs) - inputs.missing.size
    if floats.size:
        number = "@AT" if takes_floats(words) else "lutsmith_float_of(@AT)"
        reads = [
            constants.read("feature", "missing", inputs.missing[floats], "i"),
            constants.read("to", "missing_to", first + floats, "i"),
        ]
        fills = {"@COUNT": str(floats.size), "@READ": "\n        ".join(reads), "@TO": "to"}
        code.add("_missing", (ENCODE, ENCODE_WORDS), {**fills, "@ABOVE": f"{number} != {number}"})
    never = np.setdiff1d(place, floats)
    if never.size:
        read = constants.read("to", "never_missing_to", first + never, "i")
        for target, text in ((code.one, NEVER), (code.many, NEVER_WORDS)):
            target.append(text.replace("@COUNT", str(never.size)).replace("@READ", read))
        code.one_calls.append("lutsmith_never(s);")
        code.many_calls.append("lutsmith_never_words(s);")


def feature_type(words: Words) -> str:
    """Return the type of a feature, in C."""
    return "float" if takes_floats(words) else ctype(narrowest([(1 << words.bits) - 1]).dtype)
