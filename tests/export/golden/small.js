/* A network of look-up tables, written by lutsmith.

   2 features -> 5 comparators -> 7 LUTs (depth 2) -> 4 outputs

   In a page: <script src="small.js"></script>, or in a module import "./small.js"; then there is a global small.
   In Node: const small = require("./small.js"), or import small from "./small.js" where files are CommonJS.

   Samples are 2 numbers each, one after the other, in an array of any kind; they are rounded to float32.
*/
(function () {
"use strict";

const FEATURES = 2, INPUTS = 5, LUTS = 7, SIGNALS = 12, OUTPUTS = 4, LANES = 32;
const compared = new Int32Array([0, 0, 0, 1, 1]);
const limits = new Float32Array([171.5, 205.5, 5.5, 206.5, 131.5]);
const ranks = new Int32Array([4, 4, 4, 4, 4, 4, 4]);
const fanin = new Int32Array([3, 1, 4, 0, 1, 2, 3, 2, 0, 0, 0, 0, 6, 6, 7, 5, 6, 5, 5, 7, 5, 5, 5, 5,
    5, 7, 6, 6]);
const tables = new Int32Array([14874, 0, 35293, 0, 40178, 0, 23430, 0, 42806, 0, 26089, 0, 24734, 0]);
const outputSignals = new Int32Array([8, 9, 10, 11]);
const classNames = ["class 0", "class 1"];
const featureNames = null;
const GROUPS = 2, GROUP = 2, PLANES = 2, SCORES = 2;

/** Check samples: 2 numbers each, rounded to float32. */
function checked(x) {
    if (!ArrayBuffer.isView(x)) {
        if (!Array.isArray(x)) throw new TypeError("small: expected an array of numbers");
        for (const value of x)
            if (typeof value !== "number" && typeof value !== "boolean")
                throw new TypeError("small: expected numbers, got " + (value === null ? "null" : typeof value));
    }
    const rows = x instanceof Float32Array ? x : new Float32Array(x);
    if (rows.length % FEATURES !== 0)
        throw new RangeError("small: " + rows.length + " numbers are no whole samples of " + FEATURES);
    return rows;
}

/** The encoder: a word for each comparator; bit i of it belongs to sample start + i. */
function encode(rows, start, samples, s) {
    for (let i = 0; i < INPUTS; i++) {
        const limit = limits[i];
        let at = start * FEATURES + compared[i], word = 0;
        for (let lane = 0; lane < samples; lane++, at += FEATURES) word |= (rows[at] > limit ? 1 : 0) << lane;
        s[i] = word;
    }
}

/**
 * The LUTs: the first two inputs of one have sixteen functions; four bits of the table name one of them for each value
 * of the other inputs, which then choose among these.
 */
function luts(s) {
    const of = new Int32Array(16), chosen = new Int32Array(16);
    of[15] = -1;
    for (let node = 0, read = 0, to = INPUTS; node < LUTS; node++, to++) {
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

function run(rows, start, samples, s) {
    encode(rows, start, samples, s);
    luts(s);
}

/**
 * The output bits.
 * @param {ArrayLike<number>} x samples
 * @returns {Uint8Array} OUTPUTS bytes 0 or 1 for each sample
 */
function outputs(x) {
    const rows = checked(x), n = rows.length / FEATURES, s = new Int32Array(SIGNALS);
    const result = new Uint8Array(n * OUTPUTS);
    for (let start = 0, at = 0; start < n; start += LANES) {
        const samples = Math.min(LANES, n - start);
        run(rows, start, samples, s);
        for (let lane = 0; lane < samples; lane++)
            for (let o = 0; o < OUTPUTS; o++) result[at++] = (s[outputSignals[o]] >>> lane) & 1;
    }
    return result;
}

/** Ones in each group of outputs: plane p of a group holds bit p of the counts of all samples. */
function count(s, planes) {
    planes.fill(0);
    for (let group = 0, o = 0; group < GROUPS; group++)
        for (let i = 0; i < GROUP; i++, o++) {
            let carry = s[outputSignals[o]];
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
function scores(x) {
    const rows = checked(x), n = rows.length / FEATURES, s = new Int32Array(SIGNALS);
    const planes = new Int32Array(GROUPS * PLANES), counts = new Int32Array(GROUPS);
    const result = new Int32Array(n * SCORES);
    for (let start = 0; start < n; start += LANES) {
        const samples = Math.min(LANES, n - start);
        run(rows, start, samples, s);
        count(s, planes);
        for (let lane = 0; lane < samples; lane++) {
            for (let group = 0; group < GROUPS; group++) {
                let total = 0;
                for (let p = 0; p < PLANES; p++) total |= ((planes[group * PLANES + p] >>> lane) & 1) << p;
                counts[group] = total;
            }
            const at = (start + lane) * SCORES;
            for (let c = 0; c < SCORES; c++) {
                let sum = counts[c];
                result[at + c] = sum;
            }
        }
    }
    return result;
}

/**
 * What the circuit says.
 * @param {ArrayLike<number>} x samples
 * @returns {Int32Array} the class of each sample: the highest score, the lowest class of those that tie
 */
function predict(x) {
    const all = scores(x), n = all.length / SCORES;
    const result = new Int32Array(n);
    for (let i = 0; i < n; i++) {
        let best = 0;
        for (let c = 1; c < SCORES; c++) if (all[i * SCORES + c] > all[i * SCORES + best]) best = c;
        result[i] = best;
    }
    return result;
}

const exported = { features: FEATURES, outputCount: OUTPUTS, outputs, classNames, featureNames, scoreCount: SCORES, scores, predict };
if (typeof module === "object" && module !== null && module.exports) module.exports = exported;
else globalThis.small = exported;
})();
