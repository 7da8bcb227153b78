/* A network of look-up tables, written by lutsmith.

   2 features -> 5 comparators -> 7 LUTs (depth 2) -> 4 outputs

   In a page: a script with src="small.js", or in a module import "./small.js"; then there is a global small.
   In Node: const small = require("./small.js"), or import small from "./small.js" where files are CommonJS.

   Samples are 2 numbers each, one after the other, in an array of any kind; they are rounded to float32.
*/
(function () {
"use strict";

const FEATURES = 2, INPUTS = 5, LUTS = 7, SIGNALS = 12, OUTPUTS = 4;
const compared = new Int32Array([0, 0, 0, 1, 1]);
const limits = new Float32Array([171.5, 205.5, 5.5, 206.5, 131.5]);
const ranks = new Int32Array([4, 4, 4, 4, 4, 4, 4]);
const fanin = new Int32Array([3, 1, 4, 0, 1, 2, 3, 2, 0, 0, 0, 0, 6, 6, 7, 5, 6, 5, 5, 7, 5, 5, 5, 5,
    5, 7, 6, 6]);
const tables = new Int32Array([14874, 0, 35293, 0, 40178, 0, 23430, 0, 42806, 0, 26089, 0, 24734, 0]);
const outputSignals = new Int32Array([8, 9, 10, 11]);
const MODULE = "0061736d0100000001090160057f7f7f7f7f000208010165016d02000103020100070801046c75747300000ad60301d30306017f017f017f017e017b017b0340200320044f04400f0b20002d00002105200129000021082002280000fd00000021092002280004fd000000210a200241086a210241102009200afd50fd4dfd0b000041202009200afd4ffd0b00004130200afd4dfd0b000041c000200a2009fd4ffd0b000041d0002009fd4dfd0b000041e0002009200afd51fd0b000041f0002009200afd4efd4dfd0b00004180012009200afd4efd0b00004190012009200afd51fd4dfd0b000041a0012009fd0b000041b001200a2009fd4ffd4dfd0b000041c001200afd0b000041d0012009200afd4ffd4dfd0b000041e0012009200afd50fd0b000041f00120092009fd4dfd50fd0b00002005410349044020032008a7410f71410474fd000000fd0b0000054104200574210641002107034020072008a7410f71410474fd000000fd0b00800220084204882108200741106a210720072006490d000b03402002280000fd0000002109200241046a21022006410176210641002107034020072007410174fd000090022007410174fd000080022009fd52fd0b008002200741106a210720072006490d000b41102006490d000b20034100fd00008002fd0b00000b200041016a2100200141086a2101200341106a21030c000b0b";
const classNames = ["class 0", "class 1"];
const featureNames = null;
const GROUPS = 2, GROUP = 2, PLANES = 2, SCORES = 2;

/**
 * The LUTs in WebAssembly on words of 128 samples, or null where there is no WebAssembly, or none with such words.
 * Addresses in its memory: 0 for its own, then the words of all signals, ranks, tables, and addresses of inputs.
 */
function assembled() {
    try {
        const code = new WebAssembly.Module(Uint8Array.from(MODULE.match(/../g), (byte) => parseInt(byte, 16)));
        const words = 512, atTables = words + 16 * SIGNALS, atRanks = atTables + 8 * LUTS;
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
            luts: () => run(atRanks, atTables, atFanin, words + 16 * INPUTS, words + 16 * SIGNALS),
        };
    } catch (error) {
        return null;
    }
}

const assembly = assembled(), WORDS = assembly ? 4 : 1, LANES = 32 * WORDS;
const s = assembly ? assembly.signals : new Int32Array(SIGNALS);

/** Check samples: 2 numbers each, rounded to float32. */
function checked(x) {
    if (!ArrayBuffer.isView(x) || x instanceof DataView) {
        if (!Array.isArray(x)) throw new TypeError("small: expected an array of numbers");
        for (const value of x)
            if (typeof value !== "number" && typeof value !== "boolean")
                throw new TypeError("small: expected numbers, got " + (value === null ? "null" : typeof value));
    }
    const rows = x instanceof Float32Array ? x : new Float32Array(x);
    if (rows.length % FEATURES !== 0)
        throw new RangeError("small: " + rows.length + " numbers are not whole samples of " + FEATURES);
    return rows;
}

/** The encoder: WORDS words for each comparator; bit i of word w belongs to sample start + 32 w + i. */
function encode(rows, start, samples) {
    for (let i = 0; i < INPUTS; i++) {
        const limit = limits[i];
        let at = start * FEATURES + compared[i];
        for (let w = 0, lane = 0; w < WORDS; w++) {
            const end = Math.min(samples, 32 * (w + 1));
            let word = 0;
            for (; lane < end; lane++, at += FEATURES) word |= (rows[at] > limit ? 1 : 0) << lane; // lane modulo 32
            s[i * WORDS + w] = word;
        }
    }
}

/**
 * The LUTs on words of 32 samples: the first two inputs of one have sixteen functions; four bits of the table name one
 * of them for each value of the other inputs, which then choose among these.
 */
function luts() {
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

function run(rows, start, samples) {
    encode(rows, start, samples);
    if (assembly) assembly.luts();
    else luts();
}

/**
 * The output bits.
 * @param {ArrayLike<number>} x samples
 * @returns {Uint8Array} OUTPUTS bytes 0 or 1 for each sample
 */
function outputs(x) {
    const rows = checked(x), n = rows.length / FEATURES, result = new Uint8Array(n * OUTPUTS);
    for (let start = 0, at = 0; start < n; start += LANES) {
        const samples = Math.min(LANES, n - start);
        run(rows, start, samples);
        for (let lane = 0; lane < samples; lane++)
            for (let o = 0; o < OUTPUTS; o++)
                result[at++] = (s[outputSignals[o] * WORDS + (lane >> 5)] >>> lane) & 1;
    }
    return result;
}

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
function scores(x) {
    const rows = checked(x), n = rows.length / FEATURES;
    const planes = new Int32Array(GROUPS * PLANES), counts = new Int32Array(GROUPS);
    const result = new Int32Array(n * SCORES);
    for (let start = 0; start < n; start += LANES) {
        const samples = Math.min(LANES, n - start);
        run(rows, start, samples);
        for (let lane = 0; lane < samples; lane++) {
            if (lane % 32 === 0) count(lane / 32, planes);
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

const exported = { features: FEATURES, outputCount: OUTPUTS, lanes: LANES, outputs, classNames, featureNames, scoreCount: SCORES, scores, predict };
if (typeof module === "object" && module !== null && module.exports) module.exports = exported;
else globalThis.small = exported;
})();
