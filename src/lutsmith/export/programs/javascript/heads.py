"""Heads in JavaScript other than one decision by popcounts: places, integers, several heads by name."""

from __future__ import annotations

import math
from typing import Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.results import Heads, IntegerHead, Result
from lutsmith.export.programs.javascript.literals import array, literal

_FUNCTIONS = """
/** Scores of output bits: ones in the groups of each place, and the integer affine map. */
function scoresOf(head, bits) {
    const n = bits.length / OUTPUTS, counts = new Int32Array(head.groups);
    const result = new Int32Array(n * head.places * head.scores);
    for (let i = 0, to = 0; i < n; i++) {
        let at = i * OUTPUTS + head.first;
        for (let place = 0; place < head.places; place++) {
            for (let g = 0; g < head.groups; g++) {
                counts[g] = 0;
                for (let k = 0; k < head.group; k++) counts[g] += bits[at++];
            }
            for (let c = 0; c < head.scores; c++) {
                let sum = head.weights ? 0 : counts[c];
                if (head.weights)
                    for (let g = 0; g < head.groups; g++) sum += head.weights[c * head.groups + g] * counts[g];
                result[to++] = head.bias ? sum + head.bias[c] : sum;
            }
        }
    }
    return result;
}

/** What scores mean. */
function decided(head, all) {
    if (head.task === "multilabel") return Uint8Array.from(all, (score) => (score > 0 ? 1 : 0));
    if (head.task === "regression")
        return Float64Array.from(all, (score, i) => {
            const scaled = head.scale ? score * head.scale[i % head.scores] : score;
            return head.offset ? scaled + head.offset[i % head.scores] : scaled;
        });
    const result = new Int32Array(all.length / head.scores);
    for (let i = 0; i < result.length; i++) {
        let best = 0;
        for (let c = 1; c < head.scores; c++) if (all[i * head.scores + c] > all[i * head.scores + best]) best = c;
        result[i] = best;
    }
    return result;
}

/** One of the integers of each place: bits from `from` on, the least significant first. */
function integersOf(head, word, from, bits) {
    const n = bits.length / OUTPUTS, last = word.bits - 1;
    const kind = last < 53 ? Float64Array : last > 63 ? Array : word.signed ? BigInt64Array : BigUint64Array;
    const result = new kind(n * head.places);
    for (let i = 0; i < result.length; i++) {
        const place = i % head.places, sample = (i - place) / head.places;
        const at = sample * OUTPUTS + head.first + place * head.width + from;
        if (last < 53) {
            let value = word.signed ? 0 - bits[at + last] : bits[at + last];
            for (let b = last - 1; b >= 0; b--) value = 2 * value + bits[at + b];
            result[i] = value;
        } else {
            const digits = Array.from(bits.subarray(at, at + word.bits)).reverse().join("");
            result[i] = word.signed ? BigInt.asIntN(word.bits, BigInt("0b" + digits)) : BigInt("0b" + digits);
        }
    }
    return result;
}

/** The integers of a head: those of one word, or of several by name. */
function integers(head, bits) {
    const said = {};
    let from = 0;
    for (const word of head.words) {
        said[word.name] = integersOf(head, word, from, bits);
        from += word.bits;
    }
    return head.words.length > 1 ? said : said[head.words[0].name];
}
@SCORES
/**
 * What the circuit says@EACH. Integers are numbers up to 53 bits, else BigInts.
 * @param {ArrayLike<number>} x samples
 * @returns {object} @RETURNS
 */
function predict(x@STATE) {
    const bits = outputs(x@STATE);
    const answer = (head) => (head.words ? integers(head, bits) : decided(head, scoresOf(head, bits)));
    return @PREDICT;
}
"""

_SCORES = """
/**
 * The scores of classes, labels or targets@EACH.
 * @param {ArrayLike<number>} x samples
 * @returns {object} @RETURNS
 */
function scores(x@STATE) {
    const bits = outputs(x@STATE);
    return @ANSWER;
}
"""


def heads(circuit: Circuit, constants: list[str]) -> tuple[str, list[str]]:
    """Return the functions of such heads and what the file gives by name; constants are added to a list."""
    several = isinstance(circuit.head, Heads)
    if isinstance(circuit.head, Heads):
        parts = dict(circuit.head)
    else:
        assert circuit.head is not None
        parts = {"": Result(circuit.head, circuit.netlist.outputs.size, circuit.objective, circuit.classes)}
    lines, first = [], 0
    for name, part in parts.items():
        lines.append(f"    {{ name: {literal(name)}, first: {first}, {_described(part)} }},")
        first += part.outputs
    constants.append("\n".join(["const HEADS = [", *lines, "];"]))
    by_name = "Object.fromEntries(HEADS{}.map((head) => [head.name, {}]))"
    if several:
        says = by_name.format("", "answer(head)")
        scores = by_name.format(".filter((head) => !head.words)", "scoresOf(head, bits)")
        each, returns = (
            ", head by head",
            "an array for each head by name; of one with several integers, one for each of these",
        )
        constants.append(f"const heads = {literal({name: _told(part) for name, part in parts.items()})};")
        told = ["heads"]
    else:
        says, scores = "answer(HEADS[0])", "scoresOf(HEADS[0], bits)"
        each, returns = "", "an array; of several integers, one for each by name"
        told = [f"{key}: {literal(value)}" for key, value in _told(parts[""]).items() if key in ("shape", "words")]
        told += ["scoreCount: HEADS[0].scores"] * parts[""].has_scores
    scored = any(part.has_scores for part in parts.values())
    text = _FUNCTIONS.replace("@SCORES", _SCORES.replace("@ANSWER", scores) if scored else "")
    for key, value in (("EACH", each), ("RETURNS", returns), ("PREDICT", says)):
        text = text.replace(f"@{key}", value)
    return text, [*told, *["scores"] * scored, "predict"]


def _described(part: Result) -> str:
    """Return what the functions read of a head."""
    head = part.head
    places = math.prod(head.shape)
    if isinstance(head, IntegerHead):
        words = ", ".join(
            f"{{ name: {literal(word.name)}, bits: {word.bits}, signed: {literal(word.signed)} }}"
            for word in head.words
        )
        return f"places: {places}, width: {part.outputs // places}, words: [{words}]"
    sizes = {"places": places, "groups": head.num_groups, "group": head.group_size(part.outputs)}
    told = [f"{key}: {value}" for key, value in {**sizes, "scores": head.num_classes}.items()]
    weights = None if head.weights is None else head.weights.reshape(-1)
    arrays = {"weights": weights, "bias": head.bias, "scale": head.scale, "offset": head.offset}
    told += [f"{key}: {'null' if values is None else array(values)}" for key, values in arrays.items()]
    return ", ".join([*told, f"task: {literal(part.objective or 'classification')}"])


def _told(part: Result) -> dict[str, Any]:
    """Return what the file tells its users of a head."""
    shape = list(part.head.shape)
    if isinstance(part.head, IntegerHead):
        words = [{"name": word.name, "bits": word.bits, "signed": word.signed} for word in part.head.words]
        return {"shape": shape, "words": words}
    names = None if part.classes is None else [str(label) for label in part.classes]
    task = part.objective or "classification"
    return {"shape": shape, "scoreCount": part.head.num_classes, "task": task, "classNames": names}
