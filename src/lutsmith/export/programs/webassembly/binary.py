"""The binary format of WebAssembly: numbers, sections and instructions as bytes.

Source: WebAssembly Core Specification 2.0, chapter 5 (W3C, 2022). Code is written as words: the names of instructions
(`get`, `set` and `tee` of locals), and operands behind the instructions that take them. Memory accesses have the offset
alone; blocks have no results.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEADER = b"\x00asm\x01\x00\x00\x00"
"""What a module begins with: a magic number, and version 1."""

PAGE = 65_536
"""Bytes of a page of memory."""

TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B}

OPCODES = {
    "block": b"\x02\x40", "loop": b"\x03\x40", "if": b"\x04\x40", "else": b"\x05", "end": b"\x0b", "br": b"\x0c",
    "br_if": b"\x0d", "return": b"\x0f", "call": b"\x10", "get": b"\x20", "set": b"\x21", "tee": b"\x22",
    "i32.load": b"\x28\x00", "i64.load": b"\x29\x00", "f32.load": b"\x2a\x00", "f64.load": b"\x2b\x00",
    "i32.load8_u": b"\x2d\x00", "i32.load16_u": b"\x2f\x00", "i64.load32_u": b"\x35\x00", "i32.store": b"\x36\x00",
    "i64.store": b"\x37\x00", "f64.store": b"\x39\x00", "i32.store8": b"\x3a\x00", "i32.const": b"\x41",
    "i64.const": b"\x42", "f64.const": b"\x44", "i32.eqz": b"\x45", "i32.lt_u": b"\x49", "i32.gt_s": b"\x4a",
    "i32.ge_u": b"\x4f", "i64.eqz": b"\x50", "f32.ne": b"\x5c", "f32.lt": b"\x5d", "f32.gt": b"\x5e",
    "f64.eq": b"\x61", "f64.gt": b"\x64", "i32.add": b"\x6a", "i32.sub": b"\x6b", "i32.mul": b"\x6c",
    "i32.and": b"\x71", "i32.or": b"\x72", "i32.shl": b"\x74", "i32.shr_u": b"\x76", "i64.and": b"\x83",
    "i64.or": b"\x84", "i64.xor": b"\x85", "i64.shl": b"\x86", "i64.shr_u": b"\x88", "f64.floor": b"\x9c",
    "f64.add": b"\xa0", "f64.sub": b"\xa1", "f64.mul": b"\xa2", "f64.div": b"\xa3", "f64.min": b"\xa4",
    "f64.max": b"\xa5", "i32.wrap_i64": b"\xa7", "i64.extend_i32_u": b"\xad", "i64.trunc_f64_s": b"\xb0",
    "f32.demote_f64": b"\xb6", "f64.convert_i32_s": b"\xb7", "f64.convert_i32_u": b"\xb8",
    "f64.promote_f32": b"\xbb", "v128.load": b"\xfd\x00\x00", "v128.store": b"\xfd\x0b\x00", "v128.not": b"\xfd\x4d",
    "v128.and": b"\xfd\x4e", "v128.andnot": b"\xfd\x4f", "v128.or": b"\xfd\x50", "v128.xor": b"\xfd\x51",
    "v128.bitselect": b"\xfd\x52",
}  # fmt: skip
"""Of the instructions that are used, and the block type or alignment that always follows; operands come after."""

_LOCALS = ("get", "set", "tee")


@dataclass(frozen=True)
class Function:
    """A function without results. Immutable.

    Attributes:
        parameters: the types of what it takes.
        locals: the types of what it has besides.
        code: its instructions, without the last `end`.
    """

    parameters: tuple[str, ...]
    locals: tuple[str, ...]
    code: bytes

    @classmethod
    def of(cls, text: str, parameters: Mapping[str, str], locals_: Mapping[str, str], calls: Sequence[str]) -> Function:
        """Return code that is written as words; parameters and locals have types by name, functions are `calls`."""
        names = {name: place for place, name in enumerate((*parameters, *locals_))}
        return cls(
            tuple(parameters.values()),
            tuple(locals_.values()),
            assembled(text, names, {name: place for place, name in enumerate(calls)}),
        )

    def body(self) -> bytes:
        """Return it as an entry of the section of code."""
        locals_ = vector([bytes([1, TYPES[kind]]) for kind in self.locals])
        return sized(locals_ + self.code + OPCODES["end"])


def assembled(text: str, locals_: Mapping[str, int], functions: Mapping[str, int] | None = None) -> bytes:
    """Return code that is written as words as bytes; locals and functions are known by name."""
    words: list[bytes] = []
    previous = ""
    for word in text.split():
        operand = previous
        previous = ""
        if operand in _LOCALS:
            words.append(unsigned(locals_[word]))
        elif operand == "call":
            words.append(unsigned((functions or {})[word]))
        elif operand == "f64.const":
            words.append(struct.pack("<d", float(word)))
        elif word in OPCODES:
            words.append(OPCODES[word])
            previous = word
        else:
            words.append(signed(int(word)) if operand.endswith(".const") else unsigned(int(word)))
    return b"".join(words)


def module(
    functions: Mapping[str, Function],
    exports: Sequence[str],
    *,
    pages: int,
    data: Mapping[int, bytes],
    custom: Mapping[str, bytes],
) -> bytes:
    """Return a module that has a memory, exported as `memory`.

    Args:
        functions: by name, in the order in which they are numbered.
        exports: the names of those that are exported.
        pages: of the memory, which does not grow.
        data: what the memory holds at first, by address.
        custom: custom sections by name.
    """
    types = list(dict.fromkeys(function.parameters for function in functions.values()))
    places = {name: place for place, name in enumerate(functions)}
    signatures = [b"\x60" + vector([bytes([TYPES[kind]]) for kind in each]) + vector([]) for each in types]
    exported = [text("memory") + b"\x02\x00", *(text(name) + b"\x00" + unsigned(places[name]) for name in exports)]
    start = OPCODES["i32.const"]
    segments = [
        b"\x00" + start + signed(at) + OPCODES["end"] + sized(held) for at, held in sorted(data.items()) if held
    ]
    sections = {
        1: signatures,
        3: [unsigned(types.index(function.parameters)) for function in functions.values()],
        5: [b"\x01" + unsigned(pages) * 2],
        7: exported,
        10: [function.body() for function in functions.values()],
        11: segments,
    }
    named = b"".join(b"\x00" + sized(text(name) + held) for name, held in custom.items())
    return HEADER + named + b"".join(section(number, entries) for number, entries in sections.items())


def section(number: int, entries: Sequence[bytes]) -> bytes:
    """Return a section of entries; none where there are none."""
    return bytes([number]) + sized(vector(entries)) if entries else b""


def unsigned(value: int) -> bytes:
    """Return a number in unsigned LEB128: seven bits a byte, the lowest first."""
    low, rest = value & 127, value >> 7
    return bytes([low]) if not rest else bytes([low | 128]) + unsigned(rest)


def signed(value: int) -> bytes:
    """Return a number in signed LEB128: bit 6 of the last byte is the sign."""
    low, rest = value & 127, value >> 7
    last = (rest == 0 and low < 64) or (rest == -1 and low >= 64)
    return bytes([low]) if last else bytes([low | 128]) + signed(rest)


def vector(entries: Sequence[bytes]) -> bytes:
    """Return entries after their number."""
    return unsigned(len(entries)) + b"".join(entries)


def sized(data: bytes) -> bytes:
    """Return bytes after their number."""
    return unsigned(len(data)) + data


def text(name: str) -> bytes:
    """Return a name in UTF-8 after its length."""
    return sized(name.encode())
