"""LUTs in WebAssembly on words of 64 samples: as straight-line code, or as tables that one loop goes through.

A signal is 8 bytes of memory, bit i of it belongs to sample i. Straight-line code has an expression of
`export.expressions` for each LUT. It stands in functions of bounded length, because browsers compile a function at a
time and refuse those above some megabytes.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.export.expressions import Syntax, templates
from lutsmith.export.programs.order import LutList
from lutsmith.export.programs.webassembly.binary import OPCODES, Function, signed, unsigned
from lutsmith.export.programs.webassembly.memory import Memory

CHUNK = 32_768
"""Bytes of code after which a function ends."""

_SYNTAX = Syntax("~", " & ", " | ", " ^ ", "choice({0}, {1}, {2})", "0", "1", call=True)
_NAMES = "abcdef"
_BINARY = {ast.BitAnd: "i64.and", ast.BitOr: "i64.or", ast.BitXor: "i64.xor"}
_NOT = OPCODES["i64.const"] + signed(-1) + OPCODES["i64.xor"]
_AT_ZERO = OPCODES["i32.const"] + signed(0)


@dataclass(frozen=True)
class _Code:
    """The code of a table.

    Attributes:
        pieces: bytes, and between them the slots of inputs at their first use, and whether they are used again.
        temporaries: how many locals it needs besides those of the inputs.
    """

    pieces: tuple[bytes | tuple[int, bool], ...]
    temporaries: int


def straight_line(netlist: Netlist, signals: int) -> list[Function]:
    """Return the functions that give the LUTs their values, to be called in order.

    Args:
        netlist: any.
        signals: the address of signal 0.
    """
    luts = LutList.of(netlist)
    fanin, ptr = luts.fanin.tolist(), luts.fanin_ptr.tolist()
    load, tee, store = OPCODES["i64.load"], OPCODES["tee"], OPCODES["i64.store"]
    done: list[Function] = []
    code = bytearray()
    temporaries = 0
    for node, each in enumerate(_codes(luts)):
        code += _AT_ZERO
        for piece in each.pieces:
            if isinstance(piece, bytes):
                code += piece
            else:
                slot, again = piece
                code += _AT_ZERO + load + unsigned(signals + 8 * fanin[ptr[node] + slot])
                code += tee + unsigned(slot) if again else b""
        code += store + unsigned(signals + 8 * (luts.first + node))
        temporaries = max(temporaries, each.temporaries)
        if len(code) >= CHUNK or node + 1 == len(luts):
            done.append(Function((), ("i64",) * (len(_NAMES) + temporaries), bytes(code)))
            code, temporaries = bytearray(), 0
    return done


def _codes(luts: LutList) -> list[_Code]:
    """Return the code of each LUT."""
    tables, ranks = luts.tables, luts.ranks
    result = [_Code((), 0)] * len(luts)
    for rank in np.unique(ranks).tolist():
        nodes = np.flatnonzero(ranks == rank)
        pool, place = np.unique(tables[nodes], return_inverse=True)
        codes = [_compiled(template.format(*_NAMES[:rank])) for template in templates(pool, rank, _SYNTAX)]
        for node, number in zip(nodes.tolist(), place.reshape(-1).tolist(), strict=True):
            result[node] = codes[number]
    return result


@cache
def _compiled(expression: str) -> _Code:
    """Return an expression as code. Inputs are loaded where they are used first, and kept where they are used again."""
    tree = ast.parse(expression, mode="eval").body
    uses = Counter(each.id for each in ast.walk(tree) if isinstance(each, ast.Name))
    seen: set[str] = set()
    pieces: list[bytes | tuple[int, bool]] = []
    deepest = 0

    def emit(node: ast.expr, depth: int) -> None:
        nonlocal deepest
        if isinstance(node, ast.Name):
            slot = _NAMES.index(node.id)
            pieces.append(OPCODES["get"] + unsigned(slot) if node.id in seen else (slot, uses[node.id] > 1))
            seen.add(node.id)
        elif isinstance(node, ast.Constant):
            pieces.append(OPCODES["i64.const"] + signed(-1 if node.value else 0))
        elif isinstance(node, ast.UnaryOp):
            emit(node.operand, depth)
            pieces.append(_NOT)
        elif isinstance(node, ast.BinOp):
            emit(node.left, depth)
            emit(node.right, depth)
            pieces.append(OPCODES[_BINARY[type(node.op)]])
        else:
            assert isinstance(node, ast.Call)
            x, high, low = node.args
            kept = unsigned(len(_NAMES) + depth)
            deepest = max(deepest, depth + 1)
            emit(low, depth)  # low ^ (x & (low ^ high)) is x ? high : low
            pieces.append(OPCODES["tee"] + kept)
            emit(high, depth + 1)
            pieces.append(OPCODES["i64.xor"])
            emit(x, depth + 1)
            pieces.append(OPCODES["i64.and"] + OPCODES["get"] + kept + OPCODES["i64.xor"])

    emit(tree, 0)
    return _Code(tuple(pieces), deepest)


_FUNCTIONS = {
    0: "i64.const 0", 1: "get a get b i64.or NOT", 2: "get a get b NOT i64.and", 3: "get b NOT",
    4: "get b get a NOT i64.and", 5: "get a NOT", 6: "get a get b i64.xor", 7: "get a get b i64.and NOT",
    8: "get a get b i64.and", 9: "get a get b i64.xor NOT", 10: "get a", 11: "get b get a NOT i64.and NOT",
    12: "get b", 13: "get a get b NOT i64.and NOT", 14: "get a get b i64.or", 15: "i64.const -1",
}  # fmt: skip
"""Bit p + 2 q of the number is the value where a is p and b is q."""

_LOCALS = {"node": "i32", "rank": "i32", "size": "i32", "i": "i32", "at": "i32", "read": "i32", "table": "i64",
           "a": "i64", "b": "i64"}  # fmt: skip

_NAMED = "get table i32.wrap_i64 i32.const 15 i32.and i32.const 3 i32.shl i64.load {of}"
"""The function of a and b that the lowest four bits of a table name."""

_LOOP = """
i32.const {fanin} set read
block loop
    get node i32.const {luts} i32.ge_u br_if 1
    get node i32.load8_u {ranks} set rank
    get node i32.const {table_shift} i32.shl {table_load} {tables} set table
    i64.const 0 set a
    i64.const 0 set b
    get rank if get read {read} 0 i32.const 3 i32.shl i64.load {signals} set a end
    i32.const 1 get rank i32.lt_u if get read {read} {step} i32.const 3 i32.shl i64.load {signals} set b end
    {functions}
    get rank i32.const 3 i32.lt_u if
        i32.const 0 {named} i64.store {chosen}
        get rank i32.const {step} i32.mul get read i32.add set read
    else
        i32.const 1 get rank i32.const 2 i32.sub i32.shl i32.const 3 i32.shl set size
        i32.const 0 set i
        loop
            get i {named} i64.store {chosen}
            get table i64.const 4 i64.shr_u set table
            get i i32.const 8 i32.add tee i
            get size i32.lt_u br_if 0
        end
        get read i32.const {two} i32.add set read
        loop
            get read {read} 0 i32.const 3 i32.shl i64.load {signals} set a
            get read i32.const {step} i32.add set read
            get size i32.const 1 i32.shr_u set size
            i32.const 0 set i
            loop
                get i
                get i i32.const 1 i32.shl i64.load {chosen} tee b
                get i i32.const 1 i32.shl i64.load {second} i64.xor
                get a i64.and get b i64.xor
                i64.store {chosen}
                get i i32.const 8 i32.add tee i
                get size i32.lt_u br_if 0
            end
            i32.const 8 get size i32.lt_u br_if 0
        end
    end
    get node i32.const 3 i32.shl i32.const 0 i64.load {chosen} i64.store {first}
    get node i32.const 1 i32.add set node
    br 0
end end
"""


def loop(netlist: Netlist, signals: int, memory: Memory) -> list[Function]:
    """Return one function that goes through the LUTs, whose inputs, ranks and tables are put into memory.

    The first two inputs of a LUT have sixteen functions; four bits of the table name one of them for each value of the
    other inputs, which then choose among these.

    Args:
        netlist: any.
        signals: the address of signal 0.
        memory: gets the tables.
    """
    luts = LutList.of(netlist)
    if not len(luts):
        return []
    ranks = luts.ranks
    small = int(ranks.max()) <= 5
    wide = luts.fanin.max(initial=0) >= 1 << 16
    chosen = memory.reserve(8 * 16)
    fields = {
        "luts": len(luts),
        "ranks": memory.hold(ranks.astype(np.uint8)),
        "tables": memory.hold(luts.tables.astype("<u4" if small else "<u8")),
        "table_shift": 2 if small else 3,
        "table_load": "i64.load32_u" if small else "i64.load",
        "fanin": memory.hold(luts.fanin.astype("<u4" if wide else "<u2")),
        "read": "i32.load" if wide else "i32.load16_u",
        "step": 4 if wide else 2,
        "two": 8 if wide else 4,
        "chosen": chosen,
        "second": chosen + 8,
        "signals": signals,
        "first": signals + 8 * luts.first,
    }
    of = memory.reserve(8 * 16)
    fields["named"] = _NAMED.format(of=of)
    fields["functions"] = "\n".join(
        f"i32.const {8 * place} {text} i64.store {of}" for place, text in _FUNCTIONS.items()
    )
    words = _LOOP.format(**fields).replace("NOT", "i64.const -1 i64.xor")
    return [Function.of(words, {}, _LOCALS, ())]
