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
        return Blocks(circuit.encoder, circuit.netlist)


Bits = Encoding | Front
"""What makes bits of samples, and signals of a circuit that are these bits."""


def joined(encodings: list[Encoding]) -> tuple[Encoding, list[NDArray[np.int64]]]:
    """Return the bits of several encodings of the same features as one, each of them once, by feature; and for each
    encoding the places of its bits.
    """
    found: dict[tuple[Any, ...], int] = {}
    numbers = [[found.setdefault(bit, len(found)) for bit in _bits(encoding)] for encoding in encodings]
    feature = np.array([bit[0] for bit in found], np.int32)
    order = np.argsort(feature, kind="stable")
    bits = [bit for bit, _ in sorted(found.items(), key=lambda item: item[0][0])]
    thresholds = [threshold for bit in bits for threshold in bit[2:]]
    encoding = Encoding(
        encodings[0].num_features,
        feature[order],
        np.array([len(bit) - 2 for bit in bits], np.int64),
        np.array(thresholds, np.float32),
        np.array([bit[1] for bit in bits], np.bool_),
    )
    place = np.argsort(order)
    return encoding, [place[np.array(each, np.int64)] for each in numbers]


def _bits(encoding: Encoding) -> Iterator[tuple[Any, ...]]:
    """Feature, whether it is inverted, and thresholds of each bit."""
    stops = np.cumsum(encoding.count).tolist()
    thresholds = encoding.threshold.tolist()
    for place, (feature, inverted) in enumerate(
        zip(encoding.feature.tolist(), encoding.inverted.tolist(), strict=True)
    ):
        yield feature, inverted, *thresholds[stops[place] - int(encoding.count[place]) : stops[place]]
