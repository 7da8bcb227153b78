"""Which nodes and inputs of a network matter: on which samples inverting one changes an output bit, or the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.engine.stages import PackedEvaluation, PackedSamples
from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.arrays import numbered


@dataclass(frozen=True, eq=False)
class Importance:
    """On how many samples each input and node is pivotal.

    Attributes:
        samples: N.
        input_outputs: int64 (I,), on how many samples inverting an input changes an output bit or more.
        input_answers: int64 (I,), and on how many the class; all -1 without a head of classes.
        node_outputs: int64 (nodes,), the same of nodes.
        node_answers: int64 (nodes,).
    """

    samples: int
    input_outputs: NDArray[np.int64]
    input_answers: NDArray[np.int64]
    node_outputs: NDArray[np.int64]
    node_answers: NDArray[np.int64]


def importance(netlist: Netlist, samples: PackedSamples, head: Head | None = None) -> Importance:
    """Return how often inverting each input and node matters, one at a time, exactly.

    Each input and node is inverted on all samples, and its cone is run: samples do not meet each other.

    Args:
        netlist: the network. It may have registers: they hold their initial values.
        samples: the bits of its inputs.
        head: of one decision, whose class is the answer; None: only output bits are compared.
    """
    instance_of("netlist", netlist, Netlist)
    whole, count = _with_buffers(netlist), netlist.num_inputs
    evaluation = PackedEvaluation(whole, samples)
    outputs, answers = np.zeros((2, whole.num_nodes), np.int64)
    before, labels = evaluation.rows(evaluation.output_signals), None
    if head is not None and head.places == 1:
        labels = head.labels(head.affine(evaluation.counts(head.num_groups)))
    inverse = ~evaluation.tables
    for node in range(whole.num_nodes):
        if evaluation.change([node], inverse[[node]]).outputs.size:
            differ = np.bitwise_or.reduce(before ^ evaluation.rows(evaluation.output_signals), axis=0)
            outputs[node] = np.bitwise_count(differ).sum()
            if labels is not None and head is not None:
                now = head.labels(head.affine(evaluation.counts(head.num_groups)))
                answers[node] = np.count_nonzero(now != labels)
        evaluation.undo()
    if labels is None:
        answers[:] = -1
    return Importance(len(samples), outputs[:count], answers[:count], outputs[count:], answers[count:])


def _with_buffers(netlist: Netlist) -> Netlist:
    """Return the netlist with a LUT of rank 1 before all that reads an input: nodes 0 .. I - 1, the others follow."""
    inputs, registers = netlist.num_inputs, netlist.num_registers
    moved = np.arange(netlist.num_signals, dtype=np.int32) + np.int32(inputs)
    moved[:inputs] += registers
    moved[inputs : inputs + registers] -= inputs
    words = np.concatenate([np.full(inputs, 2, np.uint64), netlist.tables()])
    first, index = numbered(words)
    return replace(
        netlist,
        fanin=np.concatenate([np.arange(inputs, dtype=np.int32), moved[netlist.fanin]]),
        fanin_ptr=np.concatenate([np.arange(inputs), inputs + netlist.fanin_ptr]),
        table_pool=words[first],
        table_index=index,
        level_ptr=np.concatenate([np.zeros(int(inputs > 0), np.int64), inputs + netlist.level_ptr]),
        outputs=moved[netlist.outputs],
        register_next=moved[netlist.register_next],
    )
