"""AIGER, ascii (aag) and binary (aig): ANDs, inverters and registers, with a symbol table.

The format is that of A. Biere, "The AIGER And-Inverter Graph (AIG) Format" (2007), with the initial values of registers
of AIGER 1.9 (2011). Its bad states (B) are read as further outputs: so ABC writes outputs where a register starts as 1.
Its constraints and liveness properties (C, J and F) are refused: a netlist has no place for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.formats.and_inverter import AndInverterGraph, to_ands
from lutsmith.formats.assembly import CycleError, assemble
from lutsmith.formats.named import FormatError, FormatWarning, NamedNetlist, checked_names

MAX_INPUTS = 1 << 20
"""Of a binary file, where an input takes no byte: a short file could ask for any number."""

MAX_LITERAL = (1 << 31) - 1

_WARNINGS = 20
"""Warnings about one file, at most."""

_MAX_CODED = 5
"""Bytes of a number of 31 bits, seven at a time."""

_AND_TABLES = np.array([8, 4, 2, 1], np.uint64)
"""x AND y with the inverted inputs 0, x, y, both; input 0 is x."""


def to_aiger(
    netlist: Netlist,
    *,
    binary: bool = True,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> bytes:
    """Return the netlist as an AIGER file.

    Args:
        netlist: LUTs become ANDs and inverters, registers latches with their initial values.
        binary: the compact form `aig`; else the ascii form `aag`.
        inputs: I names for the symbol table; without names there are no symbols.
        outputs: O names.

    Raises:
        TypeError, ValueError: names that are not one each, distinct and printable; or a netlist too large for 31 bits.
    """
    graph = to_ands(netlist)
    latches, ands = graph.register_init.size, graph.left.size
    counts = (graph.first_and - 1 + ands, graph.num_inputs, latches, graph.outputs.size, ands)
    header = f"{'aig' if binary else 'aag'} {' '.join(map(str, counts))}\n"
    resets = [" 1" if init else "" for init in graph.register_init.tolist()]
    steps = [f"{literal}{reset}\n" for literal, reset in zip(graph.register_next.tolist(), resets, strict=True)]
    ends = "".join(f"{literal}\n" for literal in graph.outputs.tolist())
    symbols = _symbols("i", inputs, netlist.num_inputs) + _symbols("o", outputs, netlist.outputs.size)
    if binary:
        return (header + "".join(steps) + ends).encode() + _coded(graph) + symbols
    first_latch = 2 * (1 + graph.num_inputs)
    places = "".join(f"{literal}\n" for literal in range(2, first_latch, 2))
    states = "".join(f"{first_latch + 2 * place} {step}" for place, step in enumerate(steps))
    made = range(2 * graph.first_and, 2 * (graph.first_and + ands), 2)
    pairs = zip(made, graph.left.tolist(), graph.right.tolist(), strict=True)
    text = "".join(f"{literal} {left} {right}\n" for literal, left, right in pairs)
    return (header + places + states + ends + text).encode() + symbols


def from_aiger(data: bytes, *, strict: bool = False) -> NamedNetlist:
    """Return the netlist of an AIGER file, ascii or binary: an AND becomes a LUT of rank 2, an inverted output one of
    rank 1.

    A latch without a definite initial value starts as 0. Inputs and outputs without a symbol are named x0, y0, ...
    A line that begins with c, after the ANDs, begins a comment. Problems with symbols never prevent reading the logic:
    if names are equal, the later ones get a number, and bytes that are not UTF-8 are written in hexadecimal, with a
    `FormatWarning`.

    Args:
        data: the file.
        strict: refuse such symbols, and latches without a definite initial value, instead of assuming something.

    Raises:
        TypeError: the data are not bytes.
        FormatError: anything other than a complete AIGER file without properties; the message names the line or the
            byte.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"data is of type {type(data).__name__}, expected bytes")
    reader = _Reader(data, strict)
    named = reader.read()
    for message in reader.warnings:
        warnings.warn(message, FormatWarning, stacklevel=2)
    return named


class _Reader:
    """One pass over a file, checked as it goes."""

    def __init__(self, data: bytes, strict: bool) -> None:
        self._data = bytes(data)
        self._strict = strict
        self.warnings: list[str] = []
        self._place = 0
        self._line = 0

    def read(self) -> NamedNetlist:
        self._header()
        first_latch, first_and = 1 + self._inputs, 1 + self._inputs + self._latches
        if self._binary:
            names = 2 * np.arange(1, first_and + self._ands)
            states = [[2 * (first_latch + place), *self._numbers(1, 2)] for place in range(self._latches)]
            ends = [self._numbers(1, 1)[0] for _ in range(self._outputs)]
            pairs = self._coded_ands(2 * first_and)
        else:
            own = [self._numbers(1, 1)[0] for _ in range(self._inputs)]
            states = [self._numbers(2, 3) for _ in range(self._latches)]
            ends = [self._numbers(1, 1)[0] for _ in range(self._outputs)]
            rows = np.array([self._numbers(3, 3) for _ in range(self._ands)], np.int64).reshape(-1, 3)
            names = np.array([*own, *(state[0] for state in states), *rows[:, 0].tolist()], np.int64)
            pairs = rows[:, 1:]
        resets = [self._reset(place, state) for place, state in enumerate(states)]
        signals = _Signals(names, self)
        inputs, outputs = self._symbols()
        steps = [state[1] for state in states]
        first_end = self._first_line("outputs")
        try:
            netlist = _netlist(
                self._inputs,
                np.array(resets, np.bool_),
                signals.of(pairs.reshape(-1), lambda place: self.where("ANDs", place // 2)).reshape(-1, 2),
                signals.of(np.array(ends, np.int64), lambda place: f"line {first_end + place}"),
                signals.of(np.array(steps, np.int64), lambda place: self.where("latches", place)),
            )
        except CycleError as error:
            raise FormatError(f"{self.where('ANDs', error.node)}: the AND waits for its own value") from None
        return NamedNetlist(netlist, "top", inputs, outputs)

    def where(self, what: str, place: int) -> str:
        """Say where an AND or a latch stands."""
        if self._binary:
            return f"{what} number {place}"
        return f"line {self._first_line(what) + place}"

    def where_defined(self, definition: int) -> str:
        """Say where a definition stands: inputs are the first, then latches, then ANDs."""
        after = definition - self._inputs - self._latches
        return self.where("ANDs", after) if after >= 0 else f"line {2 + definition}"

    def _first_line(self, what: str) -> int:
        line = 2
        for name, count in (
            ("inputs", 0 if self._binary else self._inputs),
            ("latches", self._latches),
            ("outputs", self._outputs),
        ):
            if name == what:
                break
            line += count
        return line

    def _header(self) -> None:
        words = self._next_line("the header").split(" ")
        if words[0] not in ("aag", "aig"):
            raise FormatError(f'line 1 begins with {words[0][:20]!r}, expected "aag" or "aig"')
        if not 6 <= len(words) <= 10:
            raise FormatError(f"line 1 has {len(words) - 1} counts, expected five: M I L O A")
        self.variables, *counts = (self._number(word) for word in words[1:])
        self._inputs, self._latches, outputs, self._ands, *properties = counts
        bad = sum(properties[:1])
        self._bad_from, self._outputs = outputs, outputs + bad
        self._binary = words[0] == "aig"
        if any(properties[1:]):
            raise FormatError("line 1 counts constraints or liveness properties (C J F), which a netlist cannot hold")
        defined = self._inputs + self._latches + self._ands
        if self.variables < defined or (self._binary and self.variables != defined):
            raise FormatError(f"line 1 has M = {self.variables} for {defined} inputs, latches and ANDs")
        left = len(self._data) - self._place
        least = 2 * (self._latches + self._outputs + self._ands + (0 if self._binary else self._inputs))
        if least > left:
            raise FormatError(f"line 1 promises at least {least} bytes, and {left} follow: the file is cut off")
        if self._binary and self._inputs > MAX_INPUTS:
            raise FormatError(f"line 1 has {self._inputs} inputs, expected at most {MAX_INPUTS}")

    def _next_line(self, what: str) -> str:
        self._line += 1
        end = self._data.find(b"\n", self._place)
        if end < 0:
            raise FormatError(f"the file is cut off in line {self._line}, where {what} should be")
        line = self._data[self._place : end]
        self._place = end + 1
        try:
            return line.decode("utf-8").removesuffix("\r")
        except UnicodeDecodeError:
            if what != "a symbol":
                raise FormatError(f"line {self._line} is not text") from None
            self._assumed(f"line {self._line} is not UTF-8", "other bytes are written in hexadecimal")
            return line.decode("utf-8", "backslashreplace").removesuffix("\r")

    def _number(self, word: str) -> int:
        if not (word.isascii() and word.isdigit() and len(word) <= 10) or int(word) > MAX_LITERAL:
            raise FormatError(f"line {self._line} has {word[:20]!r}, expected a number up to {MAX_LITERAL}")
        return int(word)

    def _numbers(self, least: int, most: int) -> list[int]:
        words = self._next_line("numbers").split(" ")
        if not least <= len(words) <= most:
            raise FormatError(f"line {self._line} has {len(words)} words, expected {least} to {most} numbers")
        return [self._number(word) for word in words]

    def _reset(self, place: int, state: list[int]) -> bool:
        if len(state) == 3 and state[2] == state[0]:
            if self._strict:
                raise FormatError(f"{self.where('latches', place)}: strict reading expects a latch to start as 0 or 1")
            return False
        if len(state) < 3:
            return False
        if state[2] > 1:
            where = self.where("latches", place)
            raise FormatError(f"{where}: latch {state[0]} has reset {state[2]}, expected 0, 1 or {state[0]}")
        return bool(state[2])

    def _coded_ands(self, first: int) -> NDArray[np.int64]:
        """Read the differences of binary ANDs: bytes of seven bits, the lowest first, bit 7 set but in the last."""
        begin, count = self._place, self._ands
        coded = np.frombuffer(self._data, np.uint8, offset=begin)[: 2 * _MAX_CODED * count]
        ends = np.flatnonzero(coded < 128)[: 2 * count]
        if ends.size < 2 * count:
            raise FormatError(
                f"byte {len(self._data)}: the file is cut off, {ends.size // 2} of {count} ANDs are whole"
            )
        lengths = np.diff(ends, prepend=-1)
        longest = int(lengths.max(initial=0))
        if longest > _MAX_CODED:
            raise FormatError(
                f"byte {begin + int(ends[lengths.argmax()])} ends a number of more than {_MAX_CODED} bytes"
            )
        values = np.zeros(2 * count, np.int64)
        for place in range(longest):
            longer = np.flatnonzero(lengths > place)
            values[longer] |= (coded[ends[longer] - lengths[longer] + 1 + place] & 127).astype(np.int64) << (7 * place)
        self._place = begin + (int(ends[-1]) + 1 if count else 0)
        made = first + 2 * np.arange(count)
        left = made - values[0::2]
        right = left - values[1::2]
        wrong = (values[0::2] == 0) | (right < 0)
        if wrong.any():
            which = int(wrong.argmax())
            raise FormatError(
                f"byte {begin + int(ends[2 * which])}: AND {which} reads literals {left[which]} and {right[which]}, "
                f"expected {made[which]} > first >= second >= 0"
            )
        return np.stack([left, right], axis=1)

    def _symbols(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Read the symbol table up to the comment or the end."""
        names = {"i": [""] * self._inputs, "l": [""] * self._latches, "o": [""] * self._outputs}
        first = {"i": 0, "l": 0, "o": 0, "b": self._bad_from}
        self._line = self._first_line("ANDs") + (0 if self._binary else self._ands) - 1
        while self._place < len(self._data):
            if self._data[self._place] == ord("c"):  # a comment, which may end without a newline: ABC's is a bare c
                break
            line = self._next_line("a symbol")
            kind = line[:1]
            place, _, name = line[1:].partition(" ")
            if kind not in first or not name or not (place.isascii() and place.isdigit()):
                raise FormatError(f"line {self._line} is {line[:40]!r}, expected a symbol such as 'i0 name', or 'c'")
            known = names["o" if kind == "b" else kind]
            which = first[kind] + int(place[:10])
            if which >= len(known) or len(place) > 10:
                raise FormatError(f"line {self._line} names {line[:12]}, which is not there")
            if known[which]:
                raise FormatError(f"line {self._line} names {kind}{place} a second time")
            known[which] = name
        return self._filled("input", names["i"], "x"), self._filled("output", names["o"], "y")

    def _filled(self, kind: str, names: list[str], prefix: str) -> tuple[str, ...]:
        """Return the names, `prefix` and the place where there are none, no two of them equal."""
        given = {name for name in names if name}
        taken: set[str] = set()
        filled = []
        for place, name in enumerate(names):
            wanted = name or f"{prefix}{place}"
            free = wanted
            if free in taken or (not name and free in given):
                free, number = f"{wanted}_{place}", 0
                while free in taken or free in given:
                    free, number = f"{wanted}_{place}_{number}", number + 1
                if name:
                    self._assumed(f"the symbol table gives two {kind}s the name {name[:40]!r}", f"one is {free[:60]!r}")
                else:
                    self._assumed(
                        f"the symbol table names another {kind} {wanted!r}",
                        f"{kind} {place}, without a symbol, is {free!r}",
                    )
            taken.add(free)
            filled.append(free)
        return tuple(filled)

    def _assumed(self, what: str, done: str) -> None:
        if self._strict:
            raise FormatError(f"{what}, which strict reading refuses")
        if len(self.warnings) < _WARNINGS:
            self.warnings.append(f"{what}: {done}")


class _Signals:
    """From the literals of a file to the signals of a netlist, inputs, latches and ANDs in turn; -1 is false."""

    def __init__(self, names: NDArray[np.int64], reader: _Reader) -> None:
        bad = (names & 1 == 1) | (names < 2) | (names > 2 * reader.variables)
        if bad.any():
            which = int(bad.argmax())
            expected = f"an even literal from 2 to {2 * reader.variables}"
            raise FormatError(f"{reader.where_defined(which)} defines literal {names[which]}, expected {expected}")
        self._order = np.argsort(names, kind="stable")
        self._variables = names[self._order] >> 1
        twice = np.flatnonzero(np.diff(self._variables) == 0)
        if twice.size:
            which = int(self._order[twice[0] + 1])
            raise FormatError(f"{reader.where_defined(which)} defines literal {names[which]} a second time")

    def of(self, literals: NDArray[np.int64], where: Callable[[int], str]) -> NDArray[np.int64]:
        """Return 2 s + c for each literal: signal s, inverted where c is 1."""
        variables = literals >> 1
        found = np.searchsorted(self._variables, variables)
        known = np.append(self._variables, -1)[found] == variables
        missing = ~known & (variables > 0)
        if missing.any():
            place = int(missing.argmax())
            raise FormatError(f"{where(place)} reads literal {literals[place]}, which nothing defines")
        signals = np.where(known, np.append(self._order, -1)[found], -1)
        result: NDArray[np.int64] = 2 * signals + (literals & 1)
        return result


def _netlist(
    inputs: int,
    register_init: NDArray[np.bool_],
    pairs: NDArray[np.int64],
    outputs: NDArray[np.int64],
    register_next: NDArray[np.int64],
) -> Netlist:
    """Return the netlist of ANDs that read 2 s + c: signals as `_Signals` numbers them, inverted or not."""
    first_node = inputs + register_init.size
    ends = np.concatenate([outputs, register_next])
    constant = int((pairs < 0).any() or (ends < 0).any())  # false, where it is needed, is a node after the ANDs
    tables = _AND_TABLES[(pairs[:, 0] & 1) + 2 * (pairs[:, 1] & 1)]
    inverted = np.unique(ends[ends & 1 == 1] >> 1)
    false = first_node + len(pairs)

    def node(signals: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(signals < 0, false, signals)

    places = np.where(ends & 1, false + constant + np.searchsorted(inverted, ends >> 1), node(ends >> 1))
    return assemble(
        inputs,
        register_init,
        np.concatenate([np.full(len(pairs), 2), np.zeros(constant, np.int64), np.ones(inverted.size, np.int64)]),
        np.concatenate([node(pairs >> 1).reshape(-1), node(inverted)]),
        np.concatenate([tables, np.zeros(constant, np.uint64), np.ones(inverted.size, np.uint64)]),
        places[: outputs.size],
        places[outputs.size :],
    )


def _symbols(kind: str, names: Sequence[str] | None, count: int) -> bytes:
    if names is None:
        return b""
    checked = checked_names("inputs" if kind == "i" else "outputs", names, count, kind)
    for name in checked:
        if not name.isprintable():
            raise ValueError(f"{name!r} cannot stand in a symbol table: it has a character that is not printable")
    return "".join(f"{kind}{place} {name}\n" for place, name in enumerate(checked)).encode()


def _coded(graph: AndInverterGraph) -> bytes:
    """Return the differences of the ANDs' literals: seven bits a byte, the lowest first, bit 7 where more follow."""
    parts = []
    step = 1 << 20
    for low in range(0, graph.left.size, step):
        left, right = (side[low : low + step].astype(np.int64) for side in (graph.left, graph.right))
        made = 2 * (graph.first_and + low + np.arange(left.size))
        values = np.stack([made - left, left - right], axis=1).reshape(-1)
        rows = (values[:, None] >> (7 * np.arange(_MAX_CODED))).astype(np.uint8) & 127
        more = values[:, None] >> (7 * np.arange(1, _MAX_CODED + 1)) > 0
        used = np.concatenate([np.ones((values.size, 1), np.bool_), more[:, :-1]], axis=1)
        parts.append((rows | more.astype(np.uint8) << 7)[used].tobytes())
    return b"".join(parts)
