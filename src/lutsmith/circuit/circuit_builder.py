"""The builder of circuits, into which the layers of a network are lowered."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist, read_inputs, with_inputs
from lutsmith.circuit.netlist_builder import NetlistBuilder
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead, OutputWord, Result
from lutsmith.circuit.words import MAX_BITS, WordBits, WordFormats
from lutsmith.ground.arguments import whole_number
from lutsmith.ground.arrays import checked_shape, frozen, integers, reals

_COMPARED, _WORD, _MISSING = range(3)
"""Kinds of inputs, in the order in which they are inputs of a netlist."""


class CircuitBuilder:
    """Builds a circuit from inputs on the features, LUTs and a head; the layers of a network are lowered into it.

    Args:
        input_shape: the shape of one sample, for example (28, 28) or (13,).

    Attributes:
        features: int32 of shape `input_shape`, the number of each feature: its place in the flattened sample.
    """

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.input_shape = checked_shape(input_shape)
        self.features = np.arange(np.prod(self.input_shape), dtype=np.int32).reshape(self.input_shape)
        self._netlist = NetlistBuilder()
        self._inputs: dict[tuple[int, Hashable], int] = {}
        self._formats: dict[int, tuple[Any, ...]] = {}
        self._head: tuple[NDArray[np.int32], AnyHead] | None = None

    def compare(self, features: ArrayLike, thresholds: ArrayLike) -> NDArray[np.int32]:
        """Return the signals of `X[:, feature] > threshold` (float32), of the shape both broadcast to.

        Equal pairs share one comparator. Nothing is greater than +inf or NaN, so such a signal is the constant 0.

        Raises:
            TypeError, ValueError: features that do not exist, or shapes that do not broadcast.
        """
        checked = self._checked_features(features)
        with np.errstate(over="ignore"):  # beyond float32 is +inf
            ids, values = np.broadcast_arrays(checked, reals("thresholds", thresholds).astype(np.float32))
        pairs = list(zip(ids.reshape(-1).tolist(), values.reshape(-1).tolist(), strict=True))  # keys: -0.0 equals 0.0
        signals = self._input(_COMPARED, [pair if pair[1] < np.inf else None for pair in pairs])
        return signals.reshape(ids.shape)

    def words(
        self,
        features: ArrayLike,
        bits: int,
        *,
        signed: bool = False,
        offset: ArrayLike = 0.0,
        per_unit: ArrayLike = 1.0,
    ) -> NDArray[np.int32]:
        """Return the signals of the bits of features that are words, (*features.shape, bits): bit 0, the least
        significant, first. They are inputs of the netlist and cost no LUT and no comparator.

        `circuit.words` defines the word of a number, also for numbers that are not integers or too large.

        Args:
            features: numbers of features, any shape.
            bits: 1 to 64.
            signed: whether the words are two's complement.
            offset: the value of word 0; of the shape of `features`, or one for all.
            per_unit: words in a unit of the feature, likewise: a word stands for `offset + word / per_unit`.

        Raises:
            TypeError, ValueError: features that do not exist, or one that is a word of another kind already; formats
                that `WordFormats` refuses.
        """
        ids, bits = self._checked_features(features), whole_number("bits", bits, 1, MAX_BITS, "the bits of a word")
        scale = {"offset": offset, "per_unit": per_unit}
        places = [
            np.broadcast_to(reals(name, each).astype(np.float64), ids.shape).reshape(-1) for name, each in scale.items()
        ]
        flat = ids.reshape(-1)
        first = np.unique(flat, return_index=True)[1]
        WordFormats.of(flat[first], bits, signed, *(each[first] for each in places))  # refused before anything is kept
        for feature, low, per in zip(flat.tolist(), *(each.tolist() for each in places), strict=True):
            told = (bits, bool(signed), low + 0.0, per)
            if self._formats.setdefault(feature, told) != told:
                raise ValueError(f"feature {feature} is a word of another kind already: give it a feature of its own")
        keys = [(feature, bit) for feature in flat.tolist() for bit in range(bits)]
        return self._input(_WORD, keys).reshape(*ids.shape, bits)

    def missing(self, features: ArrayLike) -> NDArray[np.int32]:
        """Return the signals of whether the values of features are missing (NaN), of the shape of `features`.

        Raises:
            TypeError, ValueError: features that do not exist.
        """
        ids = self._checked_features(features)
        return self._input(_MISSING, ids.reshape(-1).tolist()).reshape(ids.shape)

    def constant(self, value: bool) -> int:
        """Return the signal that is always `value`."""
        return self._netlist.constant(value)

    def lut(self, fanin: ArrayLike, tables: ArrayLike, table_of: ArrayLike | None = None) -> NDArray[np.int32]:
        """Add LUTs and return their signals: `NetlistBuilder.lut`."""
        return self._netlist.lut(fanin, tables, table_of)

    def depth(self, signals: ArrayLike) -> NDArray[np.int32]:
        """Return the number of LUTs on the longest path to each signal: `NetlistBuilder.depth`."""
        return self._netlist.depth(signals)

    def register(self, count: int, init: ArrayLike = False) -> NDArray[np.int32]:
        """Add registers and return their signals: `NetlistBuilder.register`."""
        return self._netlist.register(count, init)

    def connect(self, register: ArrayLike, signals: ArrayLike) -> None:
        """Set the signals that registers take at the clock's edge: `NetlistBuilder.connect`."""
        self._netlist.connect(register, signals)

    def embed(self, netlist: Netlist, inputs: ArrayLike) -> NDArray[np.int32]:
        """Add a whole netlist and return the signals of its outputs: `NetlistBuilder.embed`."""
        return self._netlist.embed(netlist, inputs)

    def instances(self, name: str, netlist: Netlist, inputs: ArrayLike) -> NDArray[np.int32]:
        """Add instances of a part and return the signals of their outputs: `NetlistBuilder.instances`."""
        return self._netlist.instances(name, netlist, inputs)

    @property
    def num_luts(self) -> int:
        """How many LUTs there are so far, as the netlist will have them: of rank 1 to 6."""
        return self._netlist.num_luts

    def popcount(self, signals: ArrayLike, num_groups: int, **affine: Any) -> None:
        """Make these signals (O,) the outputs, and the counts in `num_groups` equal groups of them the scores.

        Args:
            signals: int (O,).
            num_groups: G.
            affine: further arguments of `Head`: weights, bias, scale, offset, shape.

        Raises:
            TypeError, ValueError: not signals, a width that `num_groups` does not divide, fields that `Head` refuses,
                scores that int32 might not hold, or a second head.
        """
        outputs = np.array(signals)
        if outputs.ndim != 1:
            raise ValueError(f"signals has shape {outputs.shape}, expected one dimension")
        self._end(outputs, Head(num_groups, **affine))

    def integers(self, words: Mapping[str, ArrayLike], *, signed: bool | Sequence[str] = False) -> None:
        """Make these signals the outputs, and the integers that they form the results.

        Args:
            words: for each name the signals of its bits, the least significant first: (bits,), or (*shape, bits) where
                there is such a word at each place of a shape, the same for all.
            signed: whether the words are two's complement; or the names of those that are.

        Raises:
            TypeError, ValueError: no words, other names than identifiers, shapes that differ, or a second head.
        """
        if not isinstance(words, Mapping):
            raise TypeError(f"words is a {type(words).__name__}, expected a mapping of names to signals")
        parts = {name: np.array(signals) for name, signals in words.items()}
        shapes = {part.shape[:-1] for part in parts.values() if part.ndim}
        if len(shapes) != 1 or any(not part.ndim for part in parts.values()):
            shown = ", ".join(f"{name} {part.shape}" for name, part in parts.items()) or "none"
            raise ValueError(f"words have shapes {shown}; expected (*shape, bits), with one shape for all")
        chosen = set(parts) if signed is True else set(signed or ())
        if unknown := chosen - set(parts):
            raise ValueError(f"signed names {', '.join(sorted(unknown))}, and the words are {', '.join(parts)}")
        head = IntegerHead(
            tuple(OutputWord(name, part.shape[-1], name in chosen) for name, part in parts.items()), *shapes
        )
        self._end(np.concatenate([*parts.values()], axis=-1).reshape(-1), head)

    def heads(self, results: Mapping[str, tuple[ArrayLike, Any]]) -> None:
        """Give the network several heads.

        Args:
            results: for each name the signals (O,) that it reads, and a dict of the fields of `Result` besides: head,
                and objective and classes if there are any.

        Raises:
            TypeError, ValueError: results that `Heads` refuses, or a second call.
        """
        for name, given in results.items():
            if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping)):
                raise TypeError(f'head {name!r} is {given!r}, expected (signals, {{"head": ..., "classes": ...}})')
        signals = {name: np.array(each) for name, (each, _) in results.items()}
        heads = Heads({name: Result(outputs=signals[name].size, **fields) for name, (_, fields) in results.items()})
        self._end(np.concatenate([each.reshape(-1) for each in signals.values()]), heads)

    def build(self, outputs: ArrayLike | None = None, **fields: Any) -> Circuit:
        """Return the circuit. Inputs that no LUT, no output and no register reads are dropped.

        Args:
            outputs: the signals (O,) that leave the circuit; those given to the head by default.
            fields: further fields of `Circuit`: classes, objective, fitted_range, metadata.

        Raises:
            TypeError, ValueError: no outputs, others than those of the head, or fields that `Circuit` refuses.
        """
        head = None
        if self._head is not None:
            ends, head = self._head
            if outputs is not None and not np.array_equal(ends, outputs):
                raise ValueError("outputs are not the signals that were given to the head: leave them out")
            outputs = ends
        if outputs is None:
            raise ValueError(
                "the circuit has no outputs: give build() signals, or call popcount(), integers() or heads()"
            )
        netlist, parts = self._netlist.build_parts(outputs)
        keys = list(self._inputs)
        kinds = np.array([kind for kind, _ in keys], np.int64)
        order = np.argsort(kinds, kind="stable")
        order = order[read_inputs(netlist)[order]]
        place = np.zeros(len(keys), np.int64)
        place[order] = np.arange(order.size)
        told: dict[int, list[Any]] = {kind: [] for kind in (_COMPARED, _WORD, _MISSING)}
        for number in order.tolist():
            told[keys[number][0]].append(keys[number][1])
        pairs = np.array(told[_COMPARED], np.float64).reshape(-1, 2)
        return Circuit(
            self.input_shape,
            Comparators(pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.float32), self.features.size),
            with_inputs(netlist, place, order.size),
            head=head,
            words=self._word_bits(np.array(told[_WORD], np.int64).reshape(-1, 2)),
            missing=frozen(told[_MISSING], np.int32),
            parts=parts,
            **fields,
        )

    def _word_bits(self, bits: NDArray[np.int64]) -> WordBits | None:
        if not len(bits):
            return None
        read = np.unique(bits[:, 0])
        columns = zip(*(self._formats[feature] for feature in read.tolist()), strict=True)
        feature, bit = bits.T.astype(np.int32)
        return WordBits(feature, bit, WordFormats.of(read, *map(np.array, columns)))

    def _input(self, kind: int, keys: Sequence[Hashable]) -> NDArray[np.int32]:
        """Return the signals of inputs of a kind, new ones where there are none; None is the constant 0."""
        new = dict.fromkeys((kind, key) for key in keys if key is not None and (kind, key) not in self._inputs)
        self._inputs.update(zip(new, self._netlist.input(len(new)).tolist(), strict=True))
        nothing = self._netlist.constant(False)
        return np.array([nothing if key is None else self._inputs[kind, key] for key in keys], np.int32)

    def _checked_features(self, features: ArrayLike) -> NDArray[Any]:
        return integers("features", features, low=0, high=self.features.size)

    def _end(self, outputs: NDArray[Any], head: AnyHead) -> None:
        if self._head is not None:
            raise ValueError("the circuit already has a head")
        self.depth(outputs)  # refuses what are not signals
        head.check(outputs.size)
        self._head = np.array(outputs), head
