"""A machine that reads images, unrolled into a circuit of whole images: two circuits can be proved equal."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.results import Result

MOST_NODES = 1 << 22
"""LUTs of a machine times cycles."""


class _Builder(CircuitBuilder):
    def inputs_of(self, inputs: Inputs, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """The signals of a machine's inputs in one cycle, whose features are these (F,)."""
        compared, words = inputs.comparators, inputs.words
        found = [self.compare(features[compared.feature], compared.threshold)]
        if words is not None:
            of = words.formats
            each = zip(of.feature, of.bits, of.signed, of.offset, of.per_unit, strict=True)
            bits = {
                int(feature): self.words(features[feature], int(size), signed=bool(signed), offset=low, per_unit=per)
                for feature, size, signed, low, per in each
            }
            pairs = zip(words.feature.tolist(), words.bit.tolist(), strict=True)
            found.append(np.array([bits[feature][bit] for feature, bit in pairs], np.int32))
        return np.concatenate([*found, self.missing(features[inputs.missing])])

    def end(self, outputs: NDArray[np.int32], result: Result, places: tuple[int, ...]) -> Circuit:
        """The circuit of the result at all places, (results, outputs)."""
        head = result.head
        if not isinstance(head, Head):
            return self.build(outputs.T.reshape(-1))
        affine = {name: getattr(head, name) for name in ("weights", "bias", "scale", "offset")}
        self.popcount(outputs.reshape(-1), head.num_groups, shape=places or head.shape, **affine)
        return self.build(objective=result.objective, classes=result.classes)


def unrolled(
    circuit: Circuit,
    result: Result,
    input_shape: tuple[int, ...],
    cycles: NDArray[np.int64],
    images: int,
    number: int,
) -> Circuit:
    """See `ImageStream.unrolled`."""
    netlist, period = circuit.netlist, math.prod(input_shape[1:])
    when = number * period + cycles.reshape(-1)
    last = int(when.max()) + 1
    if last * netlist.num_nodes > MOST_NODES:
        raise ValueError(
            f"{netlist.num_nodes:,} LUTs in each of {last:,} cycles are more than {MOST_NODES:,}; unroll a smaller "
            "network, or smaller images"
        )
    builder = _Builder(input_shape if images == 1 else (images, *input_shape))
    features = builder.features.reshape(images, input_shape[0], period)
    logic = replace(  # its registers are inputs here, and what they take are outputs
        netlist,
        num_inputs=netlist.num_inputs + netlist.num_registers,
        outputs=np.concatenate([netlist.outputs, netlist.register_next]),
        register_next=np.zeros(0, np.int32),
        register_init=np.zeros(0, np.bool_),
    )
    state = np.array([builder.constant(bool(init)) for init in netlist.register_init], np.int32)
    nothing = np.full(netlist.num_inputs, builder.constant(False), np.int32)
    said = np.zeros((last, netlist.outputs.size), np.int32)
    for cycle in range(last):
        image, pixel = divmod(cycle, period)
        given = builder.inputs_of(circuit.inputs, features[image, :, pixel]) if image < images else nothing
        said[cycle], state = np.split(builder.embed(logic, np.concatenate([given, state])), [netlist.outputs.size])
    return builder.end(said[when, : result.outputs], result, cycles.shape)
