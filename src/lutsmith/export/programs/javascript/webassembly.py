"""The loop over LUTs on words of 128 samples, as a WebAssembly module: the same few hundred bytes for every circuit.

It imports a memory, `e.m`, and exports one function, `luts(ranks, tables, fanin, to, end)`, of addresses in it:

    0 .. 255        the sixteen functions of a LUT's first two inputs, 16 bytes each; the first must be zeros
    256 .. 511      those of them that the table names, while the other inputs choose among them
    ranks           a byte for each LUT
    tables          8 bytes for each
    fanin           4 bytes for each input: the address of its word; LUTs of fewer than two inputs have two, the address
                    0 for those that are missing
    to .. end       the words of the LUTs, 16 bytes each
"""

from __future__ import annotations

from lutsmith.export.programs.webassembly.binary import HEADER, TYPES, Function, section, text, vector

SCRATCH_BYTES = 512
"""Of the memory, from address 0, that the module uses itself."""

_CHOSEN = 256

_PARAMETERS = ("ranks", "tables", "fanin", "to", "end")
_LOCALS = {"rank": "i32", "size": "i32", "i": "i32", "table": "i64", "a": "v128", "b": "v128"}
_FUNCTIONS = {
    1: "get a get b v128.or v128.not", 2: "get a get b v128.andnot", 3: "get b v128.not",
    4: "get b get a v128.andnot", 5: "get a v128.not", 6: "get a get b v128.xor",
    7: "get a get b v128.and v128.not", 8: "get a get b v128.and", 9: "get a get b v128.xor v128.not",
    10: "get a", 11: "get b get a v128.andnot v128.not", 12: "get b", 13: "get a get b v128.andnot v128.not",
    14: "get a get b v128.or", 15: "get a get a v128.not v128.or",
}  # fmt: skip
"""Bit p + 2 q of the number is the value where a is p and b is q."""

_LOOP = f"""
loop
    get to get end i32.ge_u if return end
    get ranks i32.load8_u 0 set rank
    get tables i64.load 0 set table
    get fanin i32.load 0 v128.load 0 set a
    get fanin i32.load 4 v128.load 0 set b
    get fanin i32.const 8 i32.add set fanin
    {" ".join(f"i32.const {16 * number} {text} v128.store 0" for number, text in _FUNCTIONS.items())}
    get rank i32.const 3 i32.lt_u if
        get to
        get table i32.wrap_i64 i32.const 15 i32.and i32.const 4 i32.shl v128.load 0
        v128.store 0
    else
        i32.const 4 get rank i32.shl set size
        i32.const 0 set i
        loop
            get i
            get table i32.wrap_i64 i32.const 15 i32.and i32.const 4 i32.shl v128.load 0
            v128.store {_CHOSEN}
            get table i64.const 4 i64.shr_u set table
            get i i32.const 16 i32.add set i
            get i get size i32.lt_u br_if 0
        end
        loop
            get fanin i32.load 0 v128.load 0 set a
            get fanin i32.const 4 i32.add set fanin
            get size i32.const 1 i32.shr_u set size
            i32.const 0 set i
            loop
                get i
                get i i32.const 1 i32.shl v128.load {_CHOSEN + 16}
                get i i32.const 1 i32.shl v128.load {_CHOSEN}
                get a v128.bitselect
                v128.store {_CHOSEN}
                get i i32.const 16 i32.add set i
                get i get size i32.lt_u br_if 0
            end
            i32.const 16 get size i32.lt_u br_if 0
        end
        get to i32.const 0 v128.load {_CHOSEN} v128.store 0
    end
    get ranks i32.const 1 i32.add set ranks
    get tables i32.const 8 i32.add set tables
    get to i32.const 16 i32.add set to
    br 0
end
"""


def module() -> bytes:
    """Return the module."""
    parameters = dict.fromkeys(_PARAMETERS, "i32")
    loop = Function.of(_LOOP, parameters, _LOCALS, ())
    signature = b"\x60" + vector([bytes([TYPES[kind]]) for kind in parameters.values()]) + vector([])
    sections = {
        1: [signature],
        2: [text("e") + text("m") + b"\x02\x00\x01"],  # a memory of a page or more
        3: [b"\x00"],
        7: [text("luts") + b"\x00\x00"],
        10: [loop.body()],
    }
    return HEADER + b"".join(section(number, entries) for number, entries in sections.items())
