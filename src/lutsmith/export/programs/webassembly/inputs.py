"""The functions of a module that read features: comparators, bits of words, missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.grid import MAX_WORD
from lutsmith.circuit.words import WordBits
from lutsmith.export.programs.webassembly.memory import Memory

LOCALS = {"i": "i32", "lane": "i32", "at": "i32", "r": "i32", "from": "i32", "to": "i32", "middle": "i32",
          "word": "i64", "limit": "f32", "x": "f64", "near": "f64"}  # fmt: skip
"""Of `encode`, whose parameter is `samples`."""


def repeat(variable: str, end: str, body: str, start: str = "i32.const 0") -> str:
    """Return code that is run for each value of a variable below an end."""
    return f"""
    {start} set {variable}
    block loop
        get {variable} {end} i32.ge_u br_if 1
        {body}
        get {variable} i32.const 1 i32.add set {variable}
        br 0
    end end"""


def item(address: int, variable: str, load: str = "i32.load", shift: int = 2) -> str:
    """Return code that reads an item of an array of constants."""
    return f"get {variable} i32.const {shift} i32.shl {load} {address}"


def encode(circuit: Circuit, rows: int, integers: int, signals: int, memory: Memory) -> str:
    """Return the code of `encode`: rows of numbers to bits, a word of 64 samples for each input.

    Args:
        circuit: any.
        rows: the address of float32 (samples, F).
        integers: that of int64 (samples, L), the words of more than 24 bits.
        signals: that of the words of the inputs.
        memory: gets constants.
    """
    compared, first = len(circuit.encoder), len(circuit.inputs) - circuit.missing.size
    text = ""
    if compared:
        test = f"get at f32.load {rows} get limit f32.gt"
        features = memory.hold(4 * circuit.encoder.feature)
        limits = memory.hold(circuit.encoder.threshold)
        text += _tested(compared, item(limits, "i", "f32.load") + " set limit", features, test, circuit, signals)
    if circuit.words is not None:
        text += _words(circuit.words, compared, circuit.encoder.num_features, rows, integers, signals, memory)
    if circuit.missing.size:
        test = f"get at f32.load {rows} get at f32.load {rows} f32.ne"
        features = memory.hold(4 * circuit.missing)
        text += _tested(circuit.missing.size, "", features, test, circuit, signals + 8 * first)
    return text


def _tested(count: int, before: str, features: int, test: str, circuit: Circuit, to: int) -> str:
    """Return code that tests a feature of each sample for each of some inputs."""
    lane = f"""
        {test} i64.extend_i32_u get lane i64.extend_i32_u i64.shl get word i64.or set word
        get at i32.const {4 * circuit.encoder.num_features} i32.add set at"""
    body = f"""
        {before}
        {item(features, "i")} set at
        i64.const 0 set word
        {repeat("lane", "get samples", lane)}
        get i i32.const 3 i32.shl get word i64.store {to}"""
    return repeat("i", f"i32.const {count}", body)


def _words(words: WordBits, first: int, features: int, rows: int, integers: int, signals: int, memory: Memory) -> str:
    """Return code that reads each word once, and gives the inputs that are bits of it."""
    read = np.unique(words.place)
    formats = words.formats[read]
    order = np.argsort(words.place, kind="stable")
    low = np.array(formats.lowest, np.float64)
    spans = [above - below for below, above in zip(formats.lowest, formats.highest, strict=True)]
    with np.errstate(over="ignore"):
        start = formats.offset + (low + 0.5) / formats.per_unit
    ends = memory.hold(np.searchsorted(words.place[order], np.append(read, read[-1] + 1)).astype(np.int32))
    inputs = memory.hold((8 * (first + order)).astype(np.int32))
    bits = memory.hold(words.bit[order].astype(np.int32))
    long = np.flatnonzero(words.formats.bits > MAX_WORD)
    at_long = np.where(formats.bits > MAX_WORD, 8 * np.searchsorted(long, read), -1).astype(np.int32)
    constants: dict[str, Any] = {
        "feature": 4 * formats.feature,
        "lowest": low,
        "highest": low + np.minimum(np.array(spans, np.float64), 2.0**MAX_WORD),
        "steps": np.minimum(np.array(spans, np.float64), 2.0**MAX_WORD).astype(np.int32),
        "start": start,
        "per_unit": np.where(formats.plain, 0.0, formats.per_unit),
        "long": at_long,
    }
    held = {key: memory.hold(values) for key, values in constants.items()}

    def real(key: str) -> str:
        return item(held[key], "i", "f64.load", 3)

    threshold = f"{real('start')} get middle f64.convert_i32_u {real('per_unit')} f64.div f64.add"
    rounded = f"{threshold} f32.demote_f64 get x f32.demote_f64 f32.lt"
    bit = f"""
        {item(inputs, "r")} tee at
        get at i64.load {signals}
        get word {item(bits, "r")} i64.extend_i32_u i64.shr_u i64.const 1 i64.and
        get lane i64.extend_i32_u i64.shl i64.or
        i64.store {signals}"""
    cleared = f"{item(inputs, 'r')} i64.const 0 i64.store {signals}"
    each = f"""
        get lane i32.const {4 * features} i32.mul {item(held["feature"], "i")} i32.add f32.load {rows}
        f64.promote_f32 set x
        i64.const 0 set word
        {item(held["long"], "i")} i32.const -1 i32.gt_s if
            get lane i32.const {8 * long.size} i32.mul {item(held["long"], "i")} i32.add i64.load {integers} set word
        else get x get x f64.eq if
            {real("per_unit")} f64.const 0 f64.eq if
                get x f64.floor set near
                get x get near f64.sub f64.const 0.5 f64.gt if get near f64.const 1 f64.add set near end
                get near {real("lowest")} f64.max {real("highest")} f64.min i64.trunc_f64_s set word
            else
                i32.const 0 set from
                {item(held["steps"], "i")} set to
                block loop
                    get from get to i32.ge_u br_if 1
                    get from get to i32.add i32.const 1 i32.shr_u set middle
                    {rounded} if get middle i32.const 1 i32.add set from else get middle set to end
                    br 0
                end end
                {real("lowest")} get from f64.convert_i32_u f64.add i64.trunc_f64_s set word
            end
        end end
        {repeat("r", f"get i i32.const 2 i32.shl i32.load {ends + 4}", bit, item(ends, "i"))}"""
    body = f"""
        {repeat("r", f"get i i32.const 2 i32.shl i32.load {ends + 4}", cleared, item(ends, "i"))}
        {repeat("lane", "get samples", each)}"""
    return repeat("i", f"i32.const {len(formats)}", body)
