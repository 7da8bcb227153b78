"""Inputs other than comparators in JavaScript: bits of words, missing values."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.grid import MAX_WORD
from lutsmith.circuit.words import WordBits
from lutsmith.export.programs.javascript.literals import constant

_CHECKED = """\
/** Check samples: @FEATURES numbers each. They stay as they are: words of more than 24 bits are read as given. */
function checked(x) {
    if (!ArrayBuffer.isView(x) || x instanceof DataView) {
        if (!Array.isArray(x)) throw new TypeError("@NAME: expected an array of numbers");
        for (const value of x)
            if (typeof value !== "number" && typeof value !== "boolean" && typeof value !== "bigint")
                throw new TypeError("@NAME: expected numbers, got " + (value === null ? "null" : typeof value));
    }
    if (x.length % FEATURES !== 0)
        throw new RangeError("@NAME: " + x.length + " numbers are not whole samples of " + FEATURES);
    return x;
}

/** A number rounded to float32, once: of a BigInt, bits that do not fit are joined into the last that does. */
function single(x) {
    if (typeof x !== "bigint") return Math.fround(x);
    let scale = 1, lost = false;
    for (; BigInt.asIntN(53, x) !== x; x >>= BigInt(1), scale *= 2) lost = lost || BigInt.asUintN(1, x) === BigInt(1);
    const high = Number(x);
    return Math.fround((lost && high % 2 === 0 ? high + 1 : high) * scale);
}
"""

_WORDS = """
@FUNCTION

/** Bits of words: each word is read once, and gives the inputs that are bits of it. */
function encodeWords(rows, start, samples) {
    for (let k = 0; k < wordFeature.length; k++) {
        for (let r = wordRead[k]; r < wordRead[k + 1]; r++) s.fill(0, readInput[r] * WORDS, (readInput[r] + 1) * WORDS);
        for (let lane = 0, at = start * FEATURES + wordFeature[k]; lane < samples; lane++, at += FEATURES) {
            @READ
            for (let r = wordRead[k]; r < wordRead[k + 1]; r++)
                s[readInput[r] * WORDS + (lane >> 5)] |= ((@BIT) & 1) << lane;
        }
    }
}
"""

_STEPS = """\
    let from = 0, to = wordSteps[k];
    while (from < to) {
        const middle = (from + to) >>> 1;
        if (Math.fround(wordFirst[k] + middle / wordPerUnit[k]) < x) from = middle + 1;
        else to = middle;
    }
"""

_WORD = f"""\
/**
 * The word of a number: the nearest integer, halves down, where wordPerUnit is 0; else how many of the thresholds
 * wordFirst + i / wordPerUnit, in float32, are below it. Numbers beyond the ends become the ends, and NaN is 0.
 */
function wordOf(x, k) {{
    if (x !== x) return 0;
    if (wordPerUnit[k] === 0) {{
        const whole = Math.floor(x), near = x - whole > 0.5 ? whole + 1 : whole;
        return Math.min(Math.max(near, wordLow[k]), wordLow[k] + wordSteps[k]);
    }}
{_STEPS}    return wordLow[k] + from;
}}"""

_LONG_WORD = f"""\
const word = new Int32Array(2);

/**
 * The word of a number, its low and its high 32 bits in `word`: the nearest integer, halves down, where wordPerUnit is
 * 0; else how many of the thresholds wordFirst + i / wordPerUnit, in float32, are below it. Numbers beyond the ends
 * become the ends, and NaN is 0. Words of up to 24 bits are those of the number in float32.
 */
function readWord(given, k) {{
    let near = wordSteps[k] < {1 << MAX_WORD} ? single(given) : given;
    if (near !== near) near = 0;
    else if (wordPerUnit[k] !== 0) near = wordLow[k] + step(near, k);
    else if (typeof near === "number") near = near - Math.floor(near) > 0.5 ? Math.floor(near) + 1 : Math.floor(near);
    if (near < wordLow[k]) near = wordLow[k];
    if (near >= wordEnd[k]) {{
        word[0] = endLow[k];
        word[1] = endHigh[k];
    }} else if (typeof near === "bigint") {{
        word[0] = Number(BigInt.asIntN(32, near));
        word[1] = Number(BigInt.asIntN(32, near >> BigInt(32)));
    }} else {{
        word[0] = near;
        word[1] = Math.floor(near / 4294967296);
    }}
}}

/** How many thresholds of a word are below a number. */
function step(x, k) {{
{_STEPS}    return from;
}}"""

_MISSING = """
/** Missing values: NaN alone is not itself. */
function encodeMissing(rows, start, samples) {
    for (let m = 0; m < missing.length; m++) {
        const to = (INPUTS - missing.length + m) * WORDS;
        s.fill(0, to, to + WORDS);
        for (let lane = 0, at = start * FEATURES + missing[m]; lane < samples; lane++, at += FEATURES)
            if (rows[at] !== rows[at]) s[to + (lane >> 5)] |= 1 << lane;
    }
}
"""


class OtherInputs:
    """What a file has for inputs beyond comparators; empty texts where there are none.

    Attributes:
        constants: definitions.
        checked: a function in place of the one that rounds all numbers to float32; None where that one does.
        functions: those that read words and missing values.
        calls: lines that call them.
        notes: lines for the head of the file.
        stages: a line's part that counts them.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.constants: list[str] = []
        self.functions, self.calls, self.notes, self.stages = "", "", "", ""
        words = circuit.words
        long = words is not None and words.formats.is_long
        self.checked = _CHECKED if long else None
        if words is not None:
            self._words(words, len(circuit.encoder), long)
            self.stages += f", {len(words)} bits of words"
        if circuit.missing.size:
            self.constants.append(constant("missing", circuit.missing))
            self.functions += _MISSING
            self.calls += "    encodeMissing(rows, start, samples);\n"
            self.stages += f", {circuit.missing.size} missing values (NaN)"

    def _words(self, words: WordBits, first: int, long: bool) -> None:
        read = np.unique(words.place)
        formats = words.formats[read]
        order = np.argsort(words.place, kind="stable")
        low = np.array(formats.lowest, np.float64)
        spans = [above - below for below, above in zip(formats.lowest, formats.highest, strict=True)]
        with np.errstate(over="ignore"):
            firsts = formats.offset + (low + 0.5) / formats.per_unit
        self.constants += [
            constant("wordFeature", formats.feature),
            constant("wordLow", low),
            constant("wordSteps", np.array(spans, np.float64)),
            constant("wordFirst", np.where(formats.plain, 0.0, firsts)),
            constant("wordPerUnit", np.where(formats.plain, 0.0, formats.per_unit)),
            constant("wordRead", np.searchsorted(words.place[order], np.append(read, read[-1] + 1))),
            constant("readInput", first + order),
            constant("readBit", words.bit[order]),
        ]
        if long:
            ends = np.array(formats.highest, np.uint64)
            self.constants += [
                constant("wordEnd", np.array([float(above + 1) for above in formats.highest])),
                constant("endLow", (ends & np.uint64(2**32 - 1)).astype(np.uint32).view(np.int32)),
                constant("endHigh", (ends >> np.uint64(32)).astype(np.uint32).view(np.int32)),
            ]
            kind = _LONG_WORD, "readWord(rows[at], k);", "word[readBit[r] >> 5] >>> (readBit[r] & 31)"
        else:
            kind = _WORD, "const word = wordOf(rows[at], k);", "word >>> readBit[r]"
        text = _WORDS
        for key, part in zip(("FUNCTION", "READ", "BIT"), kind, strict=True):
            text = text.replace(f"@{key}", part)
        self.functions += text
        self.calls += "    encodeWords(rows, start, samples);\n"
        kinds = [
            f"{count} {kind}"
            for count, kind in (
                (int(formats.plain.sum()), "as the nearest integer"),
                (int((~formats.plain).sum()), "on a scale of its own"),
            )
            if count
        ]
        self.notes += f"   Features that are read as words: {', '.join(kinds)}.\n"
        if long:
            self.notes += "   Those of more than 24 bits are read of the numbers, or BigInts, as they are given.\n"
