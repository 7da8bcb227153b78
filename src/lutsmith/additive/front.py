"""The bits that come before the LUTs that vote in a circuit: of its features, and the outputs of LUTs that stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.encoding import Encoding
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.netlist import Netlist, read_inputs
from lutsmith.circuit.simplify.dead import remove_dead
from lutsmith.circuit.words import WordFormats

if TYPE_CHECKING:
    from lutsmith.circuit.engine.blocks import Blocks


@dataclass(frozen=True, eq=False)
class Front:
    """Bits of a sample: those of an encoding, and beyond them the outputs of LUTs. It has what an `Encoding` has.

    Attributes:
        encoding: the bits of features.
        inner: the LUTs; its inputs are the bits of the encoding, each of its outputs is a bit.
    """

    encoding: Encoding
    inner: Netlist

    def __len__(self) -> int:
        return len(self.encoding) + self.inner.outputs.size

    @property
    def num_features(self) -> int:
        """F."""
        return self.encoding.num_features

    @property
    def feature(self) -> NDArray[np.int32]:
        """int32, the feature of each bit that is of one, ascending; the outputs of LUTs come after them."""
        return self.encoding.feature

    def packed(self, x: NDArray[Any]) -> NDArray[np.uint64]:
        """Return the bits of samples (N, F), uint64 (B, ceil(N / 64)); those beyond the last sample are 0."""
        return self._blocks.packed(x)

    def emit(self, builder: CircuitBuilder, used: NDArray[Any] | None = None) -> NDArray[np.int32]:
        """Return the signals of the bits, int32 (B,); of those that are not among `used` any."""
        bits = len(self.encoding)
        wanted = np.arange(len(self)) if used is None else np.unique(used)
        outputs = wanted[wanted >= bits]
        inner = remove_dead(replace(self.inner, outputs=self.inner.outputs[outputs - bits]))
        signals = np.full(len(self), builder.constant(False), np.int32)
        signals[:bits] = self.encoding.emit(
            builder, np.union1d(wanted[wanted < bits], np.flatnonzero(read_inputs(inner)))
        )
        signals[outputs] = builder.embed(inner, signals[:bits])
        return signals

    @cached_property
    def _blocks(self) -> Blocks:
        """What evaluates the circuit of the bits."""
        from lutsmith.circuit.engine.blocks import Blocks

        builder = CircuitBuilder((self.encoding.num_features,))
        circuit = builder.build(self.emit(builder))
        return Blocks(circuit.inputs, circuit.netlist)


Bits = Encoding | Front
"""What makes bits of samples, and signals of a circuit that are these bits."""


def joined(encodings: list[Encoding]) -> tuple[Encoding, list[NDArray[np.int64]]]:
    """Return the bits of several encodings of the same features as one, each of them once, by feature; and for each
    encoding the places of its bits. A feature is one kind of word, that of the first encoding which has it; bits of
    other words are compared.
    """
    formats: dict[int, tuple[Any, ...]] = {}
    found: dict[tuple[Any, ...], int] = {}
    rows: list[tuple[Any, ...]] = []
    numbers = []
    for encoding in encodings:
        own = _formats(encoding)
        formats = own | formats
        places = []
        for feature, inverted, bit, thresholds in _bits(encoding):
            of_word = bit if bit >= 0 and own[feature] == formats[feature] else -1
            key = (feature, of_word) if of_word >= 0 else (feature, -1, inverted, *thresholds)
            places.append(found.setdefault(key, len(found)))
            if len(found) > len(rows):
                rows.append((feature, inverted, of_word, thresholds))
        numbers.append(places)
    features, inverses, bits = (np.array([row[field] for row in rows]) for field in range(3))
    order = np.argsort(features, kind="stable")
    compared = [rows[place][3] for place in order.tolist()]
    words = np.unique(features[bits >= 0]).tolist()
    whole = Encoding(
        encodings[0].num_features,
        features[order].astype(np.int32),
        np.array([len(each) for each in compared], np.int64),
        np.array([threshold for each in compared for threshold in each], np.float32),
        inverses[order].astype(np.bool_),
        bits[order].astype(np.int32),
        WordFormats.of(*map(np.array, zip(*(formats[each] for each in words), strict=True))) if words else None,
    )
    place = np.argsort(order)
    return whole, [place[np.array(each, np.int64)] for each in numbers]


def _formats(encoding: Encoding) -> dict[int, tuple[Any, ...]]:
    """What the word of each feature is that is one."""
    words = encoding.formats
    if words is None:
        return {}
    told = (words.feature, words.bits, words.signed, words.offset, words.per_unit)
    return {each[0]: each for each in zip(*(array.tolist() for array in told), strict=True)}


def _bits(encoding: Encoding) -> Iterator[tuple[int, bool, int, tuple[float, ...]]]:
    """Feature, whether it is inverted, bit of a word, and thresholds of each bit."""
    stops = np.cumsum(encoding.count)
    starts, thresholds = (stops - encoding.count).tolist(), encoding.threshold.tolist()
    told = (encoding.feature.tolist(), encoding.inverted.tolist(), encoding.bit.tolist())
    for start, stop, *fields in zip(starts, stops.tolist(), *told, strict=True):
        yield *fields, tuple(thresholds[start:stop])
