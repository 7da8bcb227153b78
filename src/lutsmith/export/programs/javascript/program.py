"""`to_javascript`: a circuit as one self-contained JavaScript file, with its loop over LUTs in WebAssembly, too."""

from __future__ import annotations

import re

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.export.errors import ExportError
from lutsmith.export.labels import check_identifier, class_names
from lutsmith.export.programs.javascript import webassembly
from lutsmith.export.programs.javascript.heads import heads
from lutsmith.export.programs.javascript.inputs import OtherInputs
from lutsmith.export.programs.javascript.literals import constant, literal
from lutsmith.export.programs.javascript.registers import Registers

_RESERVED = re.compile(
    "arguments|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|eval|export|extends|"
    "false|finally|for|function|globalThis|if|implements|import|in|Infinity|instanceof|interface|let|module|NaN|new|"
    "null|package|private|protected|public|return|static|super|switch|this|throw|true|try|typeof|undefined|var|void|"
    "while|with|yield"
)

_MEANINGS = {
    "classification": ("Int32Array", "the class of each sample: the highest score, the lowest class of those that tie"),
    "multilabel": ("Uint8Array", "SCORES for each sample: 1 for each label whose score is above 0, else 0"),
    "regression": ("Float64Array", "SCORES for each sample: the value of each target"),
}

_FILE = """\
/* A network of look-up tables, written by lutsmith.

   @STAGES

   In a page: a script with src="@NAME.js", or in a module import "./@NAME.js"; then there is a global @NAME.
   In Node: const @NAME = require("./@NAME.js"), or import @NAME from "./@NAME.js" where files are CommonJS.

   Samples are @FEATURES numbers each, one after the other, in an array of any kind; they are rounded to float32.
@NOTES*/
(function () {
"use strict";

const FEATURES = @FEATURES, INPUTS = @INPUTS, LUTS = @LUTS, SIGNALS = @SIGNALS, OUTPUTS = @OUTPUTS;
@CONSTANTS

/**
 * The LUTs in WebAssembly on words of 128 samples, or null where there is no WebAssembly, or none with such words.
 * Addresses in its memory: 0 for its own, then the words of all signals, ranks, tables, and addresses of inputs.
 */
function assembled() {
    try {
        const code = new WebAssembly.Module(Uint8Array.from(MODULE.match(/../g), (byte) => parseInt(byte, 16)));
        const words = @SCRATCH, atTables = words + 16 * SIGNALS, atRanks = atTables + 8 * LUTS;
        const atFanin = (atRanks + LUTS + 3) & ~3, size = atFanin + 4 * (fanin.length + 2 * LUTS);
        const m = new WebAssembly.Memory({ initial: Math.ceil(size / 65536) });
        new Int32Array(m.buffer, atTables, 2 * LUTS).set(tables);
        new Uint8Array(m.buffer, atRanks, LUTS).set(ranks);
        const addresses = new Int32Array(m.buffer, atFanin);
        for (let node = 0, read = 0, to = 0; node < LUTS; node++) {
            for (let slot = 0; slot < ranks[node]; slot++) addresses[to++] = words + 16 * fanin[read++];
            for (let slot = ranks[node]; slot < 2; slot++) addresses[to++] = 0;
        }
        const run = new WebAssembly.Instance(code, { e: { m } }).exports.luts;
        return {
            signals: new Int32Array(m.buffer, words, 4 * SIGNALS),
            luts: () => run(atRanks, atTables, atFanin, words + 16 * @FIRST, words + 16 * SIGNALS),
        };
    } catch (error) {
        return null;
    }
}

const assembly = assembled(), WORDS = assembly ? 4 : 1, LANES = 32 * WORDS;
const s = assembly ? assembly.signals : new Int32Array(SIGNALS);

@CHECKED
/** The encoder: WORDS words for each comparator; bit i of word w belongs to sample start + 32 w + i. */
function encode(rows, start, samples) {
    for (let i = 0; i < @COMPARED; i++) {
        const limit = limits[i];
        let at = start * FEATURES + compared[i];
        for (let w = 0, lane = 0; w < WORDS; w++) {
            const end = Math.min(samples, 32 * (w + 1));
            let word = 0;
            for (; lane < end; lane++, at += FEATURES) word |= (@VALUE > limit ? 1 : 0) << lane; // lane modulo 32
            s[i * WORDS + w] = word;
        }
    }
}
@ENCODERS
/**
 * The LUTs on words of 32 samples: the first two inputs of one have sixteen functions; four bits of the table name one
 * of them for each value of the other inputs, which then choose among these.
 */
function luts() {
    const of = new Int32Array(16), chosen = new Int32Array(16);
    of[15] = -1;
    for (let node = 0, read = 0, to = @FIRST; node < LUTS; node++, to++) {
        const rank = ranks[node], low = tables[2 * node], high = tables[2 * node + 1];
        const a = rank > 0 ? s[fanin[read]] : 0, b = rank > 1 ? s[fanin[read + 1]] : 0;
        of[8] = a & b; of[9] = ~(a ^ b); of[10] = a; of[11] = a | ~b; of[12] = b; of[13] = ~a | b; of[14] = a | b;
        of[1] = ~(a | b); of[2] = a & ~b; of[3] = ~b; of[4] = ~a & b; of[5] = ~a; of[6] = a ^ b; of[7] = ~(a & b);
        if (rank < 3) {
            s[to] = of[low & 15];
        } else {
            let size = 1 << (rank - 2);
            for (let i = 0; i < size; i++) chosen[i] = of[((i < 8 ? low : high) >>> (4 * (i & 7))) & 15];
            for (let slot = 2; slot < rank; slot++) {
                const x = s[fanin[read + slot]];
                size >>= 1;
                for (let i = 0; i < size; i++) chosen[i] = (x & chosen[2 * i + 1]) | (~x & chosen[2 * i]);
            }
            s[to] = chosen[0];
        }
        read += rank;
    }
}

function run(rows, start, samples@STATE) {
    encode(rows, start, samples);
@ENCODE@LOAD    if (assembly) assembly.luts();
    else luts();
@STORE}

/**
 * The output bits.
 * @param {ArrayLike<number>} x samples
 * @returns {Uint8Array} OUTPUTS bytes 0 or 1 for each sample
 */
function outputs(x@STATE) {
    const rows = checked(x), n = rows.length / FEATURES, result = new Uint8Array(n * OUTPUTS);
    for (let start = 0, at = 0; start < n; start += LANES) {
        const samples = Math.min(LANES, n - start);
        run(rows, start, samples@STATE);
        for (let lane = 0; lane < samples; lane++)
            for (let o = 0; o < OUTPUTS; o++)
                result[at++] = (s[outputSignals[o] * WORDS + (lane >> 5)] >>> lane) & 1;
    }
    return result;
}
@HEAD@CREATE
const exported = { @API };
if (typeof module === "object" && module !== null && module.exports) module.exports = exported;
else globalThis.@NAME = exported;
})();
"""

_CHECKED = """\
/** Check samples: @FEATURES numbers each, rounded to float32. */
function checked(x) {
    if (!ArrayBuffer.isView(x) || x instanceof DataView) {
        if (!Array.isArray(x)) throw new TypeError("@NAME: expected an array of numbers");
        for (const value of x)
            if (typeof value !== "number" && typeof value !== "boolean")
                throw new TypeError("@NAME: expected numbers, got " + (value === null ? "null" : typeof value));
    }
    const rows = x instanceof Float32Array ? x : new Float32Array(x);
    if (rows.length % FEATURES !== 0)
        throw new RangeError("@NAME: " + rows.length + " numbers are not whole samples of " + FEATURES);
    return rows;
}
"""

_HEAD = """
/** Ones in each group of outputs: plane p of a group holds bit p of the counts of the 32 samples of word w. */
function count(w, planes) {
    planes.fill(0);
    for (let group = 0, o = 0; group < GROUPS; group++)
        for (let i = 0; i < GROUP; i++, o++) {
            let carry = s[outputSignals[o] * WORDS + w];
            for (let p = group * PLANES; carry !== 0; p++) {
                const both = planes[p] & carry;
                planes[p] ^= carry;
                carry = both;
            }
        }
}

/**
 * The scores of the classes, labels or targets.
 * @param {ArrayLike<number>} x samples
 * @returns {Int32Array} SCORES for each sample
 */
function scores(x@STATE) {
    const rows = checked(x), n = rows.length / FEATURES;
    const planes = new Int32Array(GROUPS * PLANES), counts = new Int32Array(GROUPS);
    const result = new Int32Array(n * SCORES);
    for (let start = 0; start < n; start += LANES) {
        const samples = Math.min(LANES, n - start);
        run(rows, start, samples@STATE);
        for (let lane = 0; lane < samples; lane++) {
            if (lane % 32 === 0) count(lane / 32, planes);
            for (let group = 0; group < GROUPS; group++) {
                let total = 0;
                for (let p = 0; p < PLANES; p++) total |= ((planes[group * PLANES + p] >>> lane) & 1) << p;
                counts[group] = total;
            }
            const at = (start + lane) * SCORES;
            for (let c = 0; c < SCORES; c++) {
@SUM
                result[at + c] = sum;
            }
        }
    }
    return result;
}

/**
 * What the circuit says.
 * @param {ArrayLike<number>} x samples
 * @returns {@KIND} @MEANING
 */
function predict(x@STATE) {
    const all = scores(x@STATE), n = all.length / SCORES;
@DECIDE
    return result;
}
"""

_DECIDE = {
    "classification": """\
    const result = new Int32Array(n);
    for (let i = 0; i < n; i++) {
        let best = 0;
        for (let c = 1; c < SCORES; c++) if (all[i * SCORES + c] > all[i * SCORES + best]) best = c;
        result[i] = best;
    }""",
    "multilabel": """\
    const result = new Uint8Array(n * SCORES);
    for (let i = 0; i < result.length; i++) result[i] = all[i] > 0 ? 1 : 0;""",
    "regression": """\
    const result = new Float64Array(n * SCORES);
    for (let i = 0; i < result.length; i++) result[i] = all[i]@STEPS;""",
}


def to_javascript(circuit: Circuit, *, name: str = "lutsmith") -> str:
    """Return a circuit as one JavaScript file without imports: a CommonJS module, or a script that makes a global.

    The object `name` has the functions `outputs`, `scores` and `predict`, which take any number of samples, and the
    numbers and names of features, outputs and scores. Comparisons are those of float32, NaN is not above anything, and
    the results equal those of the circuit, bit for bit. WebAssembly evaluates 128 samples at a time. Where WebAssembly
    or its 128-bit words are missing or forbidden, JavaScript evaluates 32 at a time; `lanes` shows which.

    With places, results come one place after the other; the results of several heads or integers are objects by name.
    Integers are numbers up to 53 bits, else BigInts; where words that are read have more than 24 bits, BigInts are
    taken as well. For a circuit with registers, `create(streams)` returns the same functions for streams with a state:
    each call takes a sample of every stream, and ends a cycle; `reset()` goes back to the first.

    Args:
        circuit: any.
        name: an identifier, of the object and of the global.

    Raises:
        ExportError: a name that is not an identifier.
    """
    check_identifier(name)
    if _RESERVED.fullmatch(name):
        raise ExportError(f"{name!r} is a reserved word of JavaScript: take another name")
    netlist, head = circuit.netlist, circuit.head
    halves = np.ascontiguousarray(netlist.tables(), "<u8").view("<i4")
    constants = [
        constant("compared", circuit.encoder.feature),
        constant("limits", circuit.encoder.threshold),
        constant("ranks", netlist.ranks),
        constant("fanin", netlist.fanin),
        constant("tables", halves),
        constant("outputSignals", netlist.outputs),
        f'const MODULE = "{webassembly.module().hex()}";',
    ]
    inputs = OtherInputs(circuit)
    constants += inputs.constants
    state = Registers(netlist)
    constants += state.constants
    api = ["features: FEATURES", "outputCount: OUTPUTS", "lanes: LANES", "outputs"]
    names = {"classNames": class_names(circuit), "featureNames": circuit.schema.names}
    for key, texts in names.items():
        constants.append(f"const {key} = {literal(None if texts is None else list(texts))};")
        api.append(key)
    text, asked = "", ["outputs"]
    if isinstance(head, Head) and not head.shape:
        text = _head(head, circuit.objective or "classification", netlist.outputs.size, constants)
        api += ["scoreCount: SCORES", "scores", "predict"]
    elif head is not None:
        text, told = heads(circuit, constants)
        api += told
    asked += [each for each in ("scores", "predict") if each in api]
    others = f"{inputs.stages} -> {netlist.num_nodes} LUTs"
    stages = f"{circuit.encoder.num_features} features -> {len(circuit.encoder)} comparators{others}"
    fields = {
        "STAGES": f"{stages} (depth {netlist.depth}) -> {netlist.outputs.size} outputs",
        "LUTS": str(netlist.num_nodes),
        "NOTES": inputs.notes + state.notes + _notes(circuit),
        "CHECKED": _CHECKED if inputs.checked is None else inputs.checked,
        "COMPARED": "INPUTS" if circuit.inputs.are_comparators else str(len(circuit.encoder)),
        "VALUE": "rows[at]" if inputs.checked is None else "single(rows[at])",
        "ENCODERS": inputs.functions,
        "ENCODE": inputs.calls,
        "LOAD": state.load,
        "STORE": state.store,
        "FIRST": state.first_lut,
        "HEAD": text,
        "CREATE": state.create(asked),
        "STATE": state.argument,
        "API": ", ".join([*api, *state.told]),
        "NAME": name,
        "FEATURES": str(circuit.encoder.num_features),
        "INPUTS": str(netlist.num_inputs),
        "SCRATCH": str(webassembly.SCRATCH_BYTES),
        "SIGNALS": str(netlist.num_signals),
        "OUTPUTS": str(netlist.outputs.size),
        "CONSTANTS": "\n".join(constants),  # last: names may hold anything
    }
    result = _FILE
    for key, value in fields.items():
        result = result.replace(f"@{key}", value)
    return result


def _notes(circuit: Circuit) -> str:
    """Return lines that say what is not in the file as one might look for it."""
    parts = ", ".join(f"{part.name} ({len(part)} instances)" for part in circuit.parts)
    return (
        f"   Parts change nothing of what is computed; their LUTs stand among the others: {parts}.\n" if parts else ""
    )


def _head(head: Head, objective: str, num_outputs: int, constants: list[str]) -> str:
    group = num_outputs // head.num_groups
    sizes = {
        "GROUPS": head.num_groups, "GROUP": group, "PLANES": group.bit_length(), "SCORES": head.num_classes,
    }  # fmt: skip
    constants.append("const " + ", ".join(f"{key} = {value}" for key, value in sizes.items()) + ";")
    indent = " " * 16
    lines = [f"{indent}let sum = {'counts[c]' if head.weights is None else '0'};"]
    if head.weights is not None:
        constants.append(constant("weights", head.weights.reshape(-1)))
        lines.append(f"{indent}for (let g = 0; g < GROUPS; g++) sum += weights[c * GROUPS + g] * counts[g];")
    if head.bias is not None:
        constants.append(constant("bias", head.bias))
        lines.append(f"{indent}sum += bias[c];")
    steps = "all[i]"
    if objective == "regression":
        for values, key, operator in ((head.scale, "scale", "*"), (head.offset, "offset", "+")):
            if values is not None:
                constants.append(constant(key, values))
                steps += f" {operator} {key}[i % SCORES]"
    kind, meaning = _MEANINGS[objective]
    text = _HEAD.replace("@SUM", "\n".join(lines)).replace("@KIND", kind).replace("@MEANING", meaning)
    return text.replace("@DECIDE", _DECIDE[objective]).replace("all[i]@STEPS", steps)
