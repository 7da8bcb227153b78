"""LUTNets' files (`.ltnet`): a layered network of LUTs of six inputs, a bank of tables, and the classes' code words.

They are bincode 2's "standard" form of its `LUTNet`, little endian, integers as varints, without a magic number, a
version or a checksum:

    count N, then N times: table, six indices
    count I, the input's bits
    count L + 1, then the ends of the layers: 0, ..., N
    0; or 1, count K, then K tables of the bank
    count C, then C code words, whose first bit is the most significant of as many as the last layer has LUTs

A number below 251 is one byte; else 251, 252 or 253, and then two, four or eight bytes. Index i below I is bit i of the
input, I + n is node n; a node reads only the layer before its own. The reader takes a number only in its shortest form,
as it is written, so that what is read is written again byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.circuit.table_bank import TableBank
from lutsmith.circuit.words import MAX_BITS
from lutsmith.encodings.code_words import ClassCode
from lutsmith.formats.named import FormatError
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.arrays import checked_shape

MAX_INPUT_BITS = 1 << 22
"""Of a sample: they take no byte of the file, so that a short one could ask for any number."""

MAX_WORD_BITS = 64
"""Of a code word: it is one number of the file."""

_NODE = 1 + MAX_RANK
"""Numbers of a node: a table and six indices, each at least a byte."""

_LONG = {251: 2, 252: 4, 253: 8}
"""Bytes after the marker of a number."""

_IMAGE = (1, 28, 28)


def from_ltnet(data: bytes, *, input_shape: Sequence[int] | None = None, bits: int | None = None) -> Circuit:
    """Return the circuit of an `.ltnet` file: it predicts the class with the nearest code word, the lowest class in a
    tie. Its bank of tables, where it has one, is kept (`TableBank.of_circuit`).

    Args:
        data: the file's bytes.
        input_shape: of a sample; None: (1, 28, 28) for LUTNets' 6,272 bits, else one axis.
        bits: of a feature; its first bit in the file is the most significant. None: 8 where that divides the input's
            bits (LUTNets reads bytes), else 1.

    Raises:
        FormatError: it is not such a file: cut off, with bytes after the end, a number that is too large, layers
            or nodes that do not fit each other, a last layer of more than 64 nodes, a table that is not in the bank,
            or two equal code words.
        TypeError, ValueError: an input_shape or bits that the input does not have.
    """
    instance_of("data", data, bytes)
    reader = _Reader(data)
    count = reader.count("nodes", _NODE)
    if count == 0:
        raise FormatError("the file has no nodes")
    nodes = np.empty((count, _NODE), np.uint64)
    for node in nodes:
        node[:] = reader.numbers(_NODE, "node")
    num_inputs = reader.number("the bits of the input")
    if not 1 <= num_inputs <= MAX_INPUT_BITS:
        raise FormatError(f"the input has {num_inputs} bits; expected 1 to {MAX_INPUT_BITS}")
    edges = reader.numbers(reader.count("ends of layers", 1), "the ends of the layers")
    flag = reader.byte("whether there is a bank")
    if flag > 1:
        raise FormatError(f"byte {reader.place - 1} is {flag}, where 0 (no bank) or 1 (a bank) is expected")
    bank = reader.numbers(reader.count("tables of the bank", 1), "the bank") if flag else None
    words = reader.numbers(reader.count("code words", 1), "the code words")
    reader.end()
    if len(edges) < 2 or edges[0] != 0 or edges[-1] != count or any(a >= b for a, b in pairwise(edges)):
        raise FormatError(f"the layers end at {edges[:8]}; expected numbers that rise from 0 to the {count} nodes")
    if (last := edges[-1] - edges[-2]) > MAX_WORD_BITS:
        raise FormatError(f"the last layer has {last} nodes; expected at most {MAX_WORD_BITS}, the bits of a code word")
    _check_reads(nodes[:, 1:], num_inputs, edges)
    try:
        code = ClassCode.of_integers(words, last) if words else None
        tables = None if bank is None else TableBank(np.array(bank, np.uint64))
    except ValueError as error:
        raise FormatError(f"the file's code or bank: {error}") from error
    if code is None:
        raise FormatError("the file has no code words")
    circuit = _circuit(nodes, num_inputs, edges, code, _shape(num_inputs, input_shape, bits))
    if tables is None:
        return circuit
    try:
        return tables.kept_in(circuit)
    except ValueError as error:
        raise FormatError(str(error)) from error


def to_ltnet(circuit: Circuit) -> bytes:
    """Return a circuit as an `.ltnet` file, its bank and its code included.

    Raises:
        ValueError: the format cannot hold it: it has LUTs of layers of six inputs that read the layer before, on the
            bits of unsigned integers of one length; outputs that are the last layer; and a head of code words of at
            most 64 bits, in which every output is one bit.
    """
    instance_of("circuit", circuit, Circuit)
    netlist = circuit.netlist
    fits = netlist.outputs.size <= MAX_WORD_BITS
    code = ClassCode.of_head(circuit.head, netlist.outputs.size) if fits else None
    if code is None or code.length != netlist.outputs.size:
        raise ValueError(
            f"an .ltnet file holds code words of at most {MAX_WORD_BITS} bits, one for each output; the circuit has "
            f"{netlist.outputs.size} outputs and the head {circuit.head!r}"
        )
    if netlist.num_registers or (netlist.ranks != MAX_RANK).any() or not netlist.num_nodes:
        raise ValueError("an .ltnet file holds one or more LUTs of six inputs, and no other nodes and no registers")
    places, num_inputs = _input_places(circuit)
    number = np.concatenate([places, num_inputs + np.arange(netlist.num_nodes)])
    reads = number[netlist.fanin].reshape(-1, MAX_RANK)
    edges = netlist.level_ptr.tolist()
    if not np.array_equal(netlist.outputs, netlist.num_inputs + np.arange(edges[-2], edges[-1])):
        raise ValueError("the outputs of an .ltnet file are the nodes of its last layer, each once and in order")
    try:
        _check_reads(reads.astype(np.uint64), num_inputs, edges)
    except FormatError as error:
        raise ValueError(f"an .ltnet file has layers that read the one before: {error}") from None
    bank = TableBank.of_circuit(circuit)
    if bank is not None and bank.rank != MAX_RANK:
        raise ValueError(f"an .ltnet file holds a bank of tables of six inputs; the circuit's are of {bank.rank}")
    rows = np.concatenate([netlist.tables()[:, None], reads.astype(np.uint64)], axis=1)
    numbers = chain([len(rows)], chain.from_iterable(row.tolist() for row in rows), [num_inputs, len(edges), *edges])
    kept = b"\0" if bank is None else b"\1" + _written([len(bank), *bank.tables.tolist()])
    return _written(numbers) + kept + _written([len(code), *code.integers])


def _circuit(
    nodes: NDArray[np.uint64], num_inputs: int, edges: list[int], code: ClassCode, shape: tuple[tuple[int, ...], int]
) -> Circuit:
    builder = CircuitBuilder(shape[0])
    reads, bits = nodes[:, 1:].astype(np.int64), shape[1]
    used = np.unique(reads[: edges[1]] // bits)
    signals = np.zeros(num_inputs + len(nodes), np.int32)
    signals[used[:, None] * bits + np.arange(bits)] = builder.words(used, bits)[:, ::-1]
    for begin, end in pairwise(edges):
        made = builder.lut(signals[reads[begin:end]], nodes[begin:end, 0])
        signals[num_inputs + begin : num_inputs + end] = made
    head = code.head()
    builder.popcount(signals[num_inputs + edges[-2] :], head.num_groups, weights=head.weights, bias=head.bias)
    return builder.build(classes=tuple(range(len(code))), objective="classification", metadata=Metadata())


def _check_reads(reads: NDArray[np.uint64], num_inputs: int, edges: list[int]) -> None:
    """Raise FormatError where a node reads anything but the layer before its own."""
    layer = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    ends = np.array([0, *(num_inputs + edge for edge in edges)], np.uint64)
    wrong = (reads < ends[layer][:, None]) | (reads >= ends[layer + 1][:, None])
    if wrong.any():
        node = int(wrong.any(axis=1).argmax())
        index, low, high = int(reads[node][wrong[node]][0]), int(ends[layer[node]]), int(ends[layer[node] + 1])
        raise FormatError(
            f"node {node} of layer {int(layer[node]) + 1} reads {index}; the layer before is {low} to {high - 1}"
        )


def _shape(num_inputs: int, input_shape: Sequence[int] | None, bits: int | None) -> tuple[tuple[int, ...], int]:
    """Return the shape of a sample and the bits of a feature."""
    if bits is None and input_shape is not None:
        features = int(np.prod(checked_shape(input_shape)))
        bits = max(1, num_inputs // features)
    each = whole_number("bits", (1 if num_inputs % 8 else 8) if bits is None else bits, 1, MAX_BITS, "of a feature")
    if num_inputs % each:
        raise ValueError(f"the network has {num_inputs} input bits, which are not features of {each} bits")
    default = _IMAGE if num_inputs == 8 * 28 * 28 and each == 8 else (num_inputs // each,)
    shape = checked_shape(default if input_shape is None else input_shape)
    if np.prod(shape) * each != num_inputs:
        raise ValueError(f"input_shape {shape} of {each} bits each has {np.prod(shape) * each}; expected {num_inputs}")
    return shape, each


def _input_places(circuit: Circuit) -> tuple[NDArray[np.int64], int]:
    """Return the file's index of each input of the netlist, and how many bits the input has."""
    words = circuit.words
    lengths = set() if words is None else set(words.formats.bits.tolist())
    if words is None or len(words) != len(circuit.inputs) or len(lengths) != 1:
        raise ValueError("the inputs of an .ltnet file are bits of integers of one length: no comparisons")
    if words.formats.signed.any() or not words.formats.plain.all():
        raise ValueError("the inputs of an .ltnet file are unsigned integers, without an offset or a scale")
    bits = int(lengths.pop())
    places = words.feature.astype(np.int64) * bits + (bits - 1 - words.bit)
    return places, circuit.encoder.num_features * bits


class _Reader:
    """The numbers of a file, one after the other; nothing is made that the bytes left could not fill."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def byte(self, what: str) -> int:
        if self.place >= len(self._data):
            raise FormatError(f"the file is cut off at byte {self.place}, at {what}")
        self.place += 1
        return self._data[self.place - 1]

    def number(self, what: str) -> int:
        begin, first = self.place, self.byte(what)
        if first < 251:
            return first
        size = _LONG.get(first)
        if size is None:
            raise FormatError(f"byte {begin}, at {what}, is {first}, which begins no number of up to 64 bits")
        digits = self._data[self.place : self.place + size]
        if len(digits) < size:
            raise FormatError(f"the file is cut off at byte {len(self._data)}, at {what}")
        self.place += size
        value = int.from_bytes(digits, "little")
        if value < 251 if size == 2 else value >> 4 * size == 0:
            raise FormatError(f"the number at byte {begin}, at {what}, is {value} in {size + 1} bytes: it is too long")
        return value

    def count(self, what: str, least: int) -> int:
        """A number of things that take at least so many bytes each."""
        count, left = self.number(f"the number of {what}"), len(self._data) - self.place
        if count * least > left:
            raise FormatError(f"the file says that it has {count} {what}, and {left} bytes are left: it is cut off")
        return count

    def numbers(self, count: int, what: str) -> list[int]:
        return [self.number(what) for _ in range(count)]

    def end(self) -> None:
        if self.place < len(self._data):
            raise FormatError(f"{len(self._data) - self.place} bytes follow the end, at byte {self.place}")


def _written(numbers: Iterable[int]) -> bytes:
    parts = bytearray()
    for number in numbers:
        if number < 251:
            parts.append(number)
        else:
            marker = 251 if number < 1 << 16 else 252 if number < 1 << 32 else 253
            parts.append(marker)
            parts += number.to_bytes(_LONG[marker], "little")
    return bytes(parts)
