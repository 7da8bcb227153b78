"""A design: a circuit as pure logic, in parts that pass words to one another.

Every part is a netlist whose inputs and outputs are words at named ports. Formats that know only logic are written from
the parts, and each part can be proved and counted alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.parts import SharedPart
from lutsmith.circuit.results import integers_of
from lutsmith.ground.arrays import booleans, integers
from lutsmith.ground.labels import Label
from lutsmith.logic.words import Words

LONG = 62
"""Bits of a word from which on int64 is not enough to work with."""


@dataclass(frozen=True)
class Port:
    """Words that enter or leave a part together.

    Attributes:
        name: a plain identifier.
        width: bits of a word.
        count: words.
        signed: whether the words are two's complement.
    """

    name: str
    width: int
    count: int = 1
    signed: bool = False

    @property
    def size(self) -> int:
        """Bits in all: bit b of word w is bit `w * width + b`."""
        return self.width * self.count

    def bits(self, words: ArrayLike) -> NDArray[np.bool_]:
        """Return the bits of words (N, count), bool (N, size).

        Raises:
            TypeError, ValueError: not integers of that shape, or words that need more bits.
        """
        low, high = (-(1 << self.width - 1), 1 << self.width - 1) if self.signed else (0, 1 << self.width)
        values = np.asarray(words) if self.width > LONG else integers(self.name, words, low=low, high=high)
        if values.ndim != 2 or values.shape[1] != self.count:
            raise ValueError(f"{self.name} has shape {values.shape}, expected (samples, {self.count})")
        if self.width > LONG:
            return _long_bits(self, values, low, high)
        planes = values.astype(np.int64)[:, :, None] >> np.arange(self.width) & 1
        return planes.astype(np.bool_).reshape(len(values), self.size)

    def words(self, bits: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the words (N, count) of bits (N, size): int64, or uint64 or Python integers where int64 does not hold
        them.
        """
        planes = bits.reshape(len(bits), self.count, self.width)
        if self.width > LONG:
            return integers_of(planes, signed=self.signed)
        weights = np.int64(1) << np.arange(self.width, dtype=np.int64)
        if self.signed:
            weights[-1] *= -1
        words: NDArray[np.int64] = planes.astype(np.int64) @ weights
        return words


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """One part of a design. Immutable.

    Attributes:
        name: a plain identifier: encoder, network, popcount, decision; or that of a whole design.
        netlist: its inputs and outputs are the bits of the ports, in their order.
        inputs, outputs: the ports.
        latency: clock cycles from an input to the outputs that belong to it; 0 without registers.
        shared: which nodes and registers are instances of sub-circuits.

    Raises:
        ValueError: ports that do not fit the netlist, or two of one name.
    """

    name: str
    netlist: Netlist
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    latency: int = 0
    shared: tuple[SharedPart, ...] = ()

    def __post_init__(self) -> None:
        for ports, size, kind in (
            (self.inputs, self.netlist.num_inputs, "inputs"),
            (self.outputs, self.netlist.outputs.size, "outputs"),
        ):
            bits = sum(port.size for port in ports)
            if bits != size:
                raise ValueError(f"the ports of part {self.name!r} have {bits} bits for {size} {kind} of its netlist")
            if len({port.name for port in ports}) != len(ports):
                raise ValueError(f"two {kind} of part {self.name!r} have the same name")

    def __repr__(self) -> str:
        ports = ", ".join(port.name for port in self.inputs), ", ".join(port.name for port in self.outputs)
        return f"Part({self.name!r}, {ports[0]} -> {ports[1]}, {self.netlist!r}, latency {self.latency})"

    def evaluate(self, bits: ArrayLike) -> NDArray[np.bool_]:
        """Return the output bits (N, O) for input bits (N, I); slow, but simple.

        A part with registers is clocked, one sample a cycle; the outputs are those that come `latency` cycles later.
        """
        rows = booleans("bits", bits)
        netlist = self.netlist
        if not netlist.num_registers:
            return netlist.evaluate(rows)
        rest = np.zeros((self.latency, netlist.num_inputs), np.bool_)
        state = netlist.register_init
        seen = np.zeros((len(rows) + self.latency, netlist.outputs.size), np.bool_)
        for cycle, row in enumerate(np.concatenate([rows, rest])):
            values = netlist.evaluate(row[None], keep="all", state=state)[0]
            seen[cycle], state = values[netlist.outputs], values[netlist.register_next]
        return seen[self.latency :]


@dataclass(frozen=True, eq=False, repr=False)
class Design:
    """A circuit as logic. Immutable.

    Attributes:
        name: a plain identifier, the name of the top module.
        parts: at least one; the outputs of each are the inputs of the next.
        words: what the port `x` holds; None where the encoder is left out.
        classes: the labels of the classes, or the names of labels or targets, if they have any.
        objective: what the scores mean, as in `Circuit`.

    Raises:
        ValueError: no parts, or parts that do not fit together.
    """

    name: str
    parts: tuple[Part, ...]
    words: Words | None = None
    classes: tuple[Label, ...] | None = None
    objective: str | None = None

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a design has at least one part")
        for before, after in zip(self.parts, self.parts[1:], strict=False):
            if before.outputs != after.inputs:
                raise ValueError(
                    f"part {before.name!r} gives {before.outputs}, part {after.name!r} takes {after.inputs}"
                )

    def __repr__(self) -> str:
        return f"Design({self.name!r}, {', '.join(part.name for part in self.parts)}, latency {self.latency})"

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The ports through which samples come in."""
        return self.parts[0].inputs

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The ports of the results."""
        return self.parts[-1].outputs

    @property
    def latency(self) -> int:
        """Clock cycles from a sample to its results."""
        return sum(part.latency for part in self.parts)

    def flat(self) -> Part:
        """Return all parts as one, named as the design."""
        builder = NetlistBuilder()
        signals = builder.input(self.parts[0].netlist.num_inputs)
        for part in self.parts:
            signals = builder.embed(part.netlist, signals)
        return Part(self.name, builder.build(signals), self.inputs, self.outputs, self.latency)

    def evaluate(self, **words: ArrayLike) -> Mapping[str, NDArray[Any]]:
        """Return the words at each output port, (N, count), for words (N, count) at each input port; slow, but simple.

        Raises:
            TypeError, ValueError: ports that the design does not have, missing ports, or words that do not fit them.
        """
        if set(words) != {port.name for port in self.inputs}:
            raise ValueError(f"words for {sorted(words)}, expected {[port.name for port in self.inputs]}")
        bits = np.concatenate([port.bits(words[port.name]) for port in self.inputs], axis=1)
        for part in self.parts:
            bits = part.evaluate(bits)
        ends = np.cumsum([port.size for port in self.outputs])
        return {
            port.name: port.words(bits[:, end - port.size : end]) for port, end in zip(self.outputs, ends, strict=True)
        }


def _long_bits(port: Port, values: NDArray[Any], low: int, high: int) -> NDArray[np.bool_]:
    """The bits of words that are longer than int64 can hold."""
    size = -(-port.width // 8)
    numbers = [int(value) for value in values.reshape(-1).tolist()]
    for number in numbers:
        if not low <= number < high:
            raise ValueError(f"{port.name} holds {number}, expected integers in [{low}, {high})")
    octets = b"".join((number % (1 << port.width)).to_bytes(size, "little") for number in numbers)
    rows = np.frombuffer(octets, np.uint8).reshape(len(values), port.count, size)
    bits = np.unpackbits(rows, axis=-1, bitorder="little")[:, :, : port.width]
    return bits.astype(np.bool_).reshape(len(values), port.size)
