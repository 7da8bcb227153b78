"""The functions of a module behind its outputs: votes, what they mean, and integers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import Heads, IntegerHead, Result
from lutsmith.export.programs.webassembly.binary import Function
from lutsmith.export.programs.webassembly.inputs import repeat
from lutsmith.export.programs.webassembly.memory import Memory

LANES = 64

_COUNT = dict.fromkeys(
    ("samples", "first", "places", "groups", "group", "planes", "scores", "weights", "bias", "to", "work"), "i32"
)
_COUNT_LOCALS = {"place": "i32", "g": "i32", "k": "i32", "p": "i32", "lane": "i32", "c": "i32", "at": "i32",
                 "sum": "i32", "counts": "i32", "carry": "i64", "both": "i64"}  # fmt: skip

_PLANE = "get g get planes i32.mul get k i32.add i32.const 3 i32.shl get work i32.add"
_ADD = """
    get first i64.load 0 set carry
    get first i32.const 8 i32.add set first
    get g get planes i32.mul i32.const 3 i32.shl get work i32.add set at
    block loop
        get carry i64.eqz br_if 1
        get at i64.load 0 get carry i64.and set both
        get at get at i64.load 0 get carry i64.xor i64.store 0
        get both set carry
        get at i32.const 8 i32.add set at
        br 0
    end end"""
_TOTAL = f"""
    i32.const 0 set sum
    {
    repeat(
        "k",
        "get planes",
        f"{_PLANE} i64.load 0 get lane i64.extend_i32_u i64.shr_u i32.wrap_i64 "
        "i32.const 1 i32.and get k i32.shl get sum i32.or set sum",
    )
}
    get g i32.const 2 i32.shl get counts i32.add get sum i32.store 0"""
_WEIGH = """
    get g i32.const 2 i32.shl get counts i32.add i32.load 0
    get c get groups i32.mul get g i32.add i32.const 2 i32.shl get weights i32.add i32.load 0
    i32.mul get sum i32.add set sum"""
_SCORE = f"""
    i32.const 0 set sum
    get weights if
        {repeat("g", "get groups", _WEIGH)}
    else get c i32.const 2 i32.shl get counts i32.add i32.load 0 set sum end
    get bias if get c i32.const 2 i32.shl get bias i32.add i32.load 0 get sum i32.add set sum end
    get lane get places i32.mul get place i32.add get scores i32.mul get c i32.add
    i32.const 2 i32.shl get to i32.add get sum i32.store 0"""
_VOTES = repeat(
    "place",
    "get places",
    f"""
    {repeat("k", "get groups get planes i32.mul", "get k i32.const 3 i32.shl get work i32.add i64.const 0 i64.store 0")}
    {repeat("g", "get groups", repeat("p", "get group", _ADD))}
    get groups get planes i32.mul i32.const 3 i32.shl get work i32.add set counts
    {repeat("lane", "get samples", repeat("g", "get groups", _TOTAL) + repeat("c", "get scores", _SCORE))}""",
)

_DECIDE = dict.fromkeys(("count", "scores", "from", "to", "scale", "offset"), "i32")
_DECIDE_LOCALS = {"i": "i32", "c": "i32", "best": "i32", "at": "i32", "value": "f64"}
_AT = "get i get scores i32.mul get {} i32.add i32.const 2 i32.shl get from i32.add i32.load 0"
_MEANINGS = {
    "classification": repeat(
        "i",
        "get count",
        f"""
        i32.const 0 set best
        {repeat("c", "get scores", f"{_AT.format('c')} {_AT.format('best')} i32.gt_s if get c set best end")}
        get i i32.const 2 i32.shl get to i32.add get best i32.store 0""",
    ),
    "multilabel": repeat(
        "i",
        "get count get scores i32.mul",
        """get i get to i32.add
        get i i32.const 2 i32.shl get from i32.add i32.load 0 i32.const 0 i32.gt_s i32.store8 0""",
    ),
    "regression": repeat(
        "i",
        "get count",
        repeat(
            "c",
            "get scores",
            f"""
            {_AT.format("c")} f64.convert_i32_s set value
            get scale if get value get c i32.const 3 i32.shl get scale i32.add f64.load 0 f64.mul set value end
            get offset if get value get c i32.const 3 i32.shl get offset i32.add f64.load 0 f64.add set value end
            get i get scores i32.mul get c i32.add i32.const 3 i32.shl get to i32.add get value f64.store 0""",
        ),
    ),
}

_INTEGERS = dict.fromkeys(("samples", "first", "places", "words", "count", "to"), "i32")
_INTEGERS_LOCALS = {"lane": "i32", "place": "i32", "w": "i32", "b": "i32", "bits": "i32", "at": "i32", "word": "i32",
                    "bit": "i64", "limb": "i64"}  # fmt: skip
_BIT = """
    get at i64.load 0 get lane i64.extend_i32_u i64.shr_u i64.const 1 i64.and set bit
    get at i32.const 8 i32.add set at
    get bit get b i64.extend_i32_u i64.shl get limb i64.or set limb
    get b i32.const 63 i32.and i32.const 63 i32.lt_u i32.eqz if
        get to get limb i64.store 0
        get to i32.const 8 i32.add set to
        i64.const 0 set limb
    end"""
_WORD = f"""
    get w i32.const 3 i32.shl get words i32.add tee word
    i32.load 0 set bits
    i64.const 0 set limb
    {repeat("b", "get bits", _BIT)}
    get bits i32.const 63 i32.and if
        get word i32.load 4 if get bit i64.eqz i32.eqz if
            i64.const -1 get bits i64.extend_i32_u i64.shl get limb i64.or set limb
        end end
        get to get limb i64.store 0
        get to i32.const 8 i32.add set to
    end"""
_NUMBERS = repeat(
    "lane", "get samples", "get first set at" + repeat("place", "get places", repeat("w", "get count", _WORD))
)

FUNCTIONS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "votes": (_VOTES, _COUNT, _COUNT_LOCALS),
    **{name: (text, _DECIDE, _DECIDE_LOCALS) for name, text in _MEANINGS.items()},
    "integers": (_NUMBERS, _INTEGERS, _INTEGERS_LOCALS),
}
"""Code, parameters and locals by name."""


@dataclass(frozen=True)
class HeadCode:
    """The code of `head`, and what the script has to know about it.

    Attributes:
        text: its code, with the parameter `samples`.
        calls: the names of the functions in `FUNCTIONS` that it calls.
        told: what the script has to know about each head.
    """

    text: str
    calls: tuple[str, ...]
    told: list[dict[str, Any]]

    def functions(self) -> dict[str, Function]:
        """Return the functions that it calls."""
        return {name: Function.of(*FUNCTIONS[name], ()) for name in self.calls}


def head_code(circuit: Circuit, outputs: int, memory: Memory) -> HeadCode:
    """Return the code behind output bits, whose words begin at the address `outputs`."""
    head = circuit.head
    if head is None:
        return HeadCode("", (), [])
    parts = (
        dict(head)
        if isinstance(head, Heads)
        else {"": Result(head, circuit.netlist.outputs.size, circuit.objective, circuit.classes)}
    )
    text, calls, told = "", [], []
    for name, part in parts.items():
        if isinstance(part.head, IntegerHead):
            code, called, said = _integers(part.head, outputs, memory)
        else:
            code, called, said = _votes(part, part.head, outputs, memory)
        text += code
        calls += called
        told.append({"name": name, "shape": list(part.head.shape), **said})
        outputs += 8 * part.outputs
    return HeadCode(text, tuple(dict.fromkeys(calls)), told)


def _call(name: str, *arguments: int, before: str = "") -> str:
    return f" {before} {' '.join(f'i32.const {each}' for each in arguments)} call {name}"


def _votes(part: Result, head: Head, outputs: int, memory: Memory) -> tuple[str, list[str], dict[str, Any]]:
    places, scores = head.places, head.num_classes
    group = head.group_size(part.outputs)
    task = part.objective or "classification"
    # A plane more than counts need: a carry out of the last one ends there.
    planes = group.bit_length() + 1
    work = memory.reserve(8 * head.num_groups * planes + 4 * head.num_groups)
    at_scores = memory.reserve(4 * LANES * places * scores)
    width, each = {"classification": (4, 1), "multilabel": (1, scores), "regression": (8, scores)}[task]
    at_results = memory.reserve(width * LANES * places * each)
    weights = 0 if head.weights is None else memory.hold(head.weights.astype(np.int32))
    bias = 0 if head.bias is None else memory.hold(head.bias.astype(np.int32))
    scale = 0 if head.scale is None else memory.hold(head.scale)
    offset = 0 if head.offset is None else memory.hold(head.offset)
    code = _call(
        "votes", outputs, places, head.num_groups, group, planes, scores, weights, bias, at_scores, work,
        before="get samples",
    )  # fmt: skip
    counted = f"get samples i32.const {places} i32.mul"
    code += _call(task, scores, at_scores, at_results, scale, offset, before=counted)
    names = None if part.classes is None else [str(label) for label in part.classes]
    said = {
        "task": task, "scoreCount": scores, "classNames": names, "groups": head.num_groups, "group": group,
        "scoresAt": at_scores, "resultsAt": at_results,
    }  # fmt: skip
    return code, ["votes", task], said


def _integers(head: IntegerHead, outputs: int, memory: Memory) -> tuple[str, list[str], dict[str, Any]]:
    places = math.prod(head.shape)
    words = memory.hold(np.array([[word.bits, word.signed] for word in head.words], np.int32))
    limbs = sum(-(-word.bits // 64) for word in head.words)
    to = memory.reserve(8 * LANES * places * limbs)
    code = _call("integers", outputs, places, words, len(head.words), to, before="get samples")
    return code, ["integers"], {"words": [asdict(word) for word in head.words], "resultsAt": to}
