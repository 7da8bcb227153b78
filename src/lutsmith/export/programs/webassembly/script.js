/* Reads WebAssembly modules that lutsmith wrote of networks of look-up tables.

   In a page: a script with src="NAME_wasm.js", then lutsmithModule.instantiate(bytes).then((net) => ...).
   In Node: const net = require("./NAME_wasm.js").load(require("fs").readFileSync("NAME.wasm")).

   Samples are net.features numbers each, one after the other, in an array of any kind; they are rounded to float32.
   net.outputs(x), net.scores(x) and net.predict(x) take any number of samples, 64 at a time. */
(function () {
"use strict";

const LANES = 64;

/** What a module tells of itself: sizes, names, and where its memory has what. */
function told(module) {
    const [section] = WebAssembly.Module.customSections(module, "lutsmith");
    if (!section) throw new TypeError("lutsmith: this WebAssembly module was not written by lutsmith");
    return JSON.parse(new TextDecoder().decode(section));
}

/** Check samples: numbers, and whole samples of them. */
function checked(x, features) {
    if (!ArrayBuffer.isView(x) || x instanceof DataView) {
        if (!Array.isArray(x)) throw new TypeError("lutsmith: expected an array of numbers");
        for (const value of x)
            if (typeof value !== "number" && typeof value !== "boolean" && typeof value !== "bigint")
                throw new TypeError("lutsmith: expected numbers, got " + (value === null ? "null" : typeof value));
    }
    if (x.length % features !== 0)
        throw new RangeError("lutsmith: " + x.length + " numbers are no whole samples of " + features);
    return x.length / features;
}

/** A BigInt rounded to float32, once: bits that do not fit are joined into the last that does. */
function single(x) {
    let scale = 1, lost = false;
    for (; BigInt.asIntN(53, x) !== x; x >>= 1n, scale *= 2) lost = lost || BigInt.asUintN(1, x) === 1n;
    const high = Number(x);
    return Math.fround((lost && high % 2 === 0 ? high + 1 : high) * scale);
}

/** The nearest integer between two ends, halves down; NaN is 0. */
function nearest(x, lowest, highest) {
    if (typeof x !== "bigint") {
        if (x !== x) return 0n;
        if (!Number.isFinite(x)) return x < 0 ? lowest : highest;
        const whole = Math.floor(x);
        x = BigInt(x - whole > 0.5 ? whole + 1 : whole);
    }
    return x < lowest ? lowest : x > highest ? highest : x;
}

/** One of the integers of a head, from limbs of 64 bits: BigInts above 53 bits. */
function integers(limbs, word, from, step, count) {
    const size = Math.ceil(word.bits / 64);
    const kind = word.bits <= 53 ? Float64Array : word.bits > 64 ? Array : word.signed ? BigInt64Array : BigUint64Array;
    const result = new kind(count);
    for (let i = 0; i < count; i++) {
        let value = 0n;
        for (let l = size - 1; l >= 0; l--) value = (value << 64n) | limbs[i * step + from + l];
        value = word.signed ? BigInt.asIntN(64 * size, value) : value;
        result[i] = word.bits <= 53 ? Number(value) : value;
    }
    return result;
}

function joined(parts) {
    if (Array.isArray(parts[0])) return [].concat(...parts);
    if (!ArrayBuffer.isView(parts[0]))
        return Object.fromEntries(Object.keys(parts[0]).map((key) => [key, joined(parts.map((part) => part[key]))]));
    const result = new parts[0].constructor(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        result.set(part, at);
        at += part.length;
    }
    return result;
}

const KINDS = { classification: Int32Array, multilabel: Uint8Array, regression: Float64Array };

/** The functions of a module. */
function circuit(module, wasm) {
    const layout = told(module), { features, at } = layout, { buffer } = wasm.memory;
    const firstLut = layout.inputs + layout.registers, signalCount = firstLut + layout.luts;
    const rows = new Float32Array(buffer, at.rows, LANES * features);
    const words = new BigInt64Array(buffer, at.integers, LANES * layout.integers.length);
    const signals = new Int32Array(buffer, at.signals, 2 * signalCount);
    const outs = new Int32Array(buffer, at.outputs, 2 * layout.outputCount);
    const state = new BigInt64Array(buffer, at.signals + 8 * layout.inputs, layout.registers);
    const long = layout.integers.map((each) => [each.feature, BigInt(each.lowest), BigInt(each.highest)]);

    /** Copy samples to the module, and make bits of them. */
    function encode(x, start, samples) {
        if (x instanceof Float32Array && long.length === 0) {
            rows.set(x.subarray(start * features, (start + samples) * features));
        } else {
            for (let i = 0; i < samples * features; i++) {
                const value = x[start * features + i];
                rows[i] = typeof value === "bigint" ? single(value) : value;
            }
            for (let i = 0; i < samples; i++)
                long.forEach(([feature, low, high], k) => {
                    const value = nearest(x[(start + i) * features + feature], low, high);
                    words[i * long.length + k] = BigInt.asIntN(64, value);
                });
        }
        wasm.encode(samples);
    }

    /** Bits of samples of words of 64: two halves of 32. */
    function bits(halves, samples) {
        const count = halves.length / 2, result = new Uint8Array(samples * count);
        for (let i = 0, to = 0; i < samples; i++)
            for (let k = 0; k < count; k++) result[to++] = (halves[2 * k + (i >> 5)] >>> i) & 1;
        return result;
    }

    function scoresOf(head, samples) {
        return new Int32Array(buffer, head.scoresAt, samples * places(head) * head.scoreCount).slice();
    }
    function resultsOf(head, samples) {
        if (!head.words) {
            const each = head.task === "classification" ? 1 : head.scoreCount;
            return new KINDS[head.task](buffer, head.resultsAt, samples * places(head) * each).slice();
        }
        const step = head.words.reduce((sum, word) => sum + Math.ceil(word.bits / 64), 0);
        const limbs = new BigUint64Array(buffer, head.resultsAt, samples * places(head) * step), said = {};
        let from = 0;
        for (const word of head.words) {
            said[word.name] = integers(limbs, word, from, step, samples * places(head));
            from += Math.ceil(word.bits / 64);
        }
        return head.words.length > 1 ? said : said[head.words[0].name];
    }
    const places = (head) => head.shape.reduce((product, size) => product * size, 1);

    /** Of one head what `each` says; of several an object by their names. */
    function ofHeads(each, heads) {
        return (samples) =>
            layout.several
                ? Object.fromEntries(heads.map((head) => [head.name, each(head, samples)]))
                : each(heads[0], samples);
    }

    /** A function of any number of samples; of streams, `kept` is the state of each 64 of them. */
    function ask(read) {
        return (x, kept) => {
            const n = checked(x, features), parts = [];
            for (let start = 0, block = 0; start < n || parts.length === 0; start += LANES, block++) {
                const samples = Math.min(LANES, n - start);
                encode(x, start, samples);
                if (layout.registers) {
                    wasm.reset();
                    if (kept) state.set(kept[block]);
                }
                wasm.evaluate();
                wasm.head(samples);
                parts.push(read(samples));
                if (kept) {
                    wasm.clock();
                    kept[block].set(state);
                }
            }
            return joined(parts);
        };
    }

    const scored = layout.heads.filter((head) => !head.words);
    const net = { outputs: (samples) => bits(outs, samples) };
    if (scored.length) net.scores = ofHeads(scoresOf, scored);
    if (layout.heads.length) net.predict = ofHeads(resultsOf, layout.heads);
    const asked = Object.fromEntries(Object.entries(net).map(([key, read]) => [key, ask(read)]));
    const plain = Object.fromEntries(Object.entries(asked).map(([key, answer]) => [key, (x) => answer(x)]));

    /** Streams of samples, each with a state of its own: functions that end a cycle, and reset. */
    function create(streams) {
        if (!Number.isInteger(streams) || streams < 0) throw new RangeError("lutsmith: expected a number of streams");
        const kept = Array.from({ length: Math.max(1, Math.ceil(streams / LANES)) }, () => state.slice());
        const reset = () => {
            wasm.reset();
            kept.forEach((each) => each.set(state));
        };
        const steps = Object.entries(asked).map(([key, answer]) => [key, (x) => {
            if (x.length !== streams * features)
                throw new RangeError("lutsmith: expected " + features + " numbers for each of " + streams + " streams");
            return answer(x, kept);
        }]);
        reset();
        return { streams, reset, ...Object.fromEntries(steps) };
    }

    const only = layout.several || !layout.heads.length ? {} : layout.heads[0];
    return {
        features,
        outputCount: layout.outputCount,
        scoreCount: only.scoreCount,
        lanes: LANES,
        classNames: layout.classNames,
        featureNames: layout.featureNames,
        shape: only.words || (only.shape && only.shape.length) ? only.shape : undefined,
        words: only.words,
        heads: layout.several ? Object.fromEntries(layout.heads.map((head) => [head.name, ofHead(head)])) : undefined,
        ...plain,
        ...(layout.registers ? { create } : {}),
        /** The bits of the inputs, and the values of the LUTs, at sample `lane` of the last 64 that were asked for. */
        inputs: (lane = 0) => Uint8Array.from({ length: layout.inputs }, (_, i) => bit(i, lane)),
        luts: (lane = 0) => Uint8Array.from({ length: layout.luts }, (_, i) => bit(firstLut + i, lane)),
        wasm,
    };
    function bit(signal, lane) {
        return (signals[2 * signal + (lane >> 5)] >>> lane) & 1;
    }
}

/** What a module tells its users of one of several heads. */
function ofHead(head) {
    return head.words
        ? { shape: head.shape, words: head.words }
        : { shape: head.shape, scoreCount: head.scoreCount, task: head.task, classNames: head.classNames };
}

/** Return the functions of a module, made at once: for Node, and small modules. */
function load(bytes) {
    const module = new WebAssembly.Module(bytes);
    return circuit(module, new WebAssembly.Instance(module).exports);
}

/** Return a promise of the functions of a module. */
function instantiate(bytes) {
    return WebAssembly.instantiate(bytes).then(({ module, instance }) => circuit(module, instance.exports));
}

const exported = { load, instantiate };
if (typeof module === "object" && module !== null && module.exports) module.exports = exported;
else globalThis.lutsmithModule = exported;
})();
