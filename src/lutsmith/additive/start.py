"""A circuit that training begins with: LUTs that vote are fitted again; the logic before them and the head stay.

The LUTs that vote are those that are outputs and that no other LUT reads. Other outputs (inputs, and LUTs that others
read) keep voting as they are. The head decides what an output is worth: the sum of the columns of the groups that it is
in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.encoding import Encoding
from lutsmith.additive.front import Front, joined
from lutsmith.additive.losses import ScoreLoss
from lutsmith.additive.network import VotingLut, emit_network, value_range
from lutsmith.additive.objectives import Goal
from lutsmith.additive.opinions import Opinions
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.votes import Votes
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.features.monotone import signal_weights
from lutsmith.circuit.file import to_bytes
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.metadata import Metadata
from lutsmith.circuit.netlist import Netlist, with_inputs
from lutsmith.circuit.simplify.dead import remove_dead
from lutsmith.circuit.traits import popcount_head, refuse
from lutsmith.data.dataset import Dataset
from lutsmith.data.start import check_start

ZERO, ONE = -1, -2
"""Outputs that are constant."""

CLOSE = 0.02
"""How near tau is found: in its logarithm."""


@dataclass(frozen=True, eq=False)
class Start:
    """A circuit, taken apart.

    Attributes:
        circuit: the circuit.
        head: its head.
        front: the bits that LUTs may read: of its inputs, its inner LUTs, and fresh ones of features.
        network: the LUTs that vote, and behind them what votes as it is: bits of the front, as LUTs of one input.
        free: how many of them are LUTs that vote.
        places: int64 (O,), which of the network each output is, `ZERO` or `ONE`.
    """

    circuit: Circuit
    head: Head
    front: Front
    network: tuple[VotingLut, ...]
    free: int
    places: NDArray[np.int64]

    @classmethod
    def of(cls, circuit: Circuit, fresh: Encoding | None = None) -> Start:
        """Take a circuit apart.

        Args:
            circuit: with a head, without registers.
            fresh: further bits of features.

        Raises:
            ValueError: no head, registers, no LUT that votes, or votes beyond int32.
        """
        who, instead = "refining", "it fits one decision by popcounts on comparators and words of up to 24 bits"
        head, netlist = popcount_head(circuit, who, instead), remove_dead(circuit.netlist)
        refuse(circuit, ("long words",), who, instead)
        if head is None:
            raise ValueError("the circuit has no head: its outputs are bits, which are not votes to fit anew")
        if netlist.num_registers:
            raise ValueError(f"the circuit has {netlist.num_registers} registers; expected one without")
        read, voted = np.zeros((2, netlist.num_signals), np.bool_)
        read[netlist.fanin], voted[netlist.outputs] = True, True
        inputs, tables = netlist.num_inputs, netlist.tables()
        luts = (inputs + np.flatnonzero(netlist.ranks > 0)).astype(np.int32)
        voting, inner = luts[~read[luts]], luts[read[luts]]
        if not voting.size:
            raise ValueError("no LUT of the circuit votes: each that is an output is read by others too")
        own = _encoding(circuit.inputs)
        encoding, places = joined([own] if fresh is None else [own, fresh])
        stays = with_inputs(remove_dead(replace(netlist, outputs=inner)), places[0], len(encoding))
        bits = np.full(netlist.num_signals, ZERO, np.int64)  # of the front, or constants
        bits[:inputs], bits[inner] = places[0], len(encoding) + np.arange(inner.size)
        bits[inputs + np.flatnonzero((netlist.ranks == 0) & (tables == 1))] = ONE
        wires = np.flatnonzero(voted & (bits >= 0))
        codes = _codes(head, netlist)
        network = []
        for node in (voting - inputs).tolist():
            reads = bits[netlist.fanin[netlist.fanin_ptr[node] : netlist.fanin_ptr[node + 1]]]
            network.append(VotingLut(codes[inputs + node], *_narrowed(reads.tolist(), int(tables[node]))))
        wire = np.array([False, True])
        network += [VotingLut(codes[signal], bits[[signal]].astype(np.int32), wire) for signal in wires.tolist()]
        bits[np.concatenate([voting, wires])] = np.arange(len(network))
        return cls(circuit, head, Front(encoding, stays), tuple(network), voting.size, bits[netlist.outputs])

    @property
    def rank(self) -> int:
        """The most inputs of a LUT that votes."""
        return max(lut.inputs.size for lut in self.network[: self.free])

    @property
    def unit(self) -> float:
        """The most common weight of a LUT for a score that it counts for."""
        counts = np.abs(np.concatenate([lut.code for lut in self.network]))
        return float(np.median(counts[counts > 0])) if counts.any() else 1.0

    def goal(
        self, dataset: Dataset, settings: AdditiveSettings, loss: ScoreLoss | None, rows: NDArray[np.int64]
    ) -> HeadGoal:
        """Return the goal of a data set, under the circuit's head.

        Raises:
            ValueError: the circuit is not of such data; a loss that the objective does not have.
        """
        check_start(self.circuit, dataset, seed=settings.rows_seed, validation=settings.validation, any_shape=True)
        plain, head = Goal.of(dataset, settings, loss, rows), self.head
        codes = np.stack([lut.code for lut in self.network]).astype(np.int64)
        numbers = dataset.objective == "regression"
        zero = np.zeros(head.num_classes)
        return HeadGoal(
            plain.objective,
            plain.num_scores,
            plain.loss,
            zero if head.offset is None else np.array(head.offset),
            (zero + 1 if head.scale is None else np.array(head.scale)) if numbers else None,
            head,
            head.scores((self.places == ONE)[None])[0].astype(np.int64),
            codes.sum(axis=0),
        )

    def build(
        self,
        network: Sequence[VotingLut],
        dataset: Dataset,
        rows: NDArray[np.int64],
        metadata: Metadata | None = None,
    ) -> Circuit:
        """Return the circuit with these LUTs in the place of its own, trained on these rows of a data set; it tells
        what the circuit did, but for `metadata`.
        """
        builder = CircuitBuilder(self.circuit.input_shape)
        bits = len(self.front)
        wires = np.array([lut.inputs[0] for lut in network[self.free :]], np.int64)
        signals, _ = emit_network(builder, self.front, network[: self.free], wires)
        constants = [builder.constant(True), builder.constant(False)]  # ONE and ZERO: from the end
        outputs = np.concatenate([signals[bits:], signals[wires], np.array(constants, np.int32)])[self.places]
        head, circuit, fitted = self.head, self.circuit, self.circuit.fitted_range
        if fitted is not None:
            low, high = value_range(dataset, rows)
            fitted = np.fmin(fitted[0], low), np.fmax(fitted[1], high)
        builder.popcount(
            outputs, head.num_groups, weights=head.weights, bias=head.bias, scale=head.scale, offset=head.offset
        )
        return builder.build(
            classes=circuit.classes,
            objective=circuit.objective,
            fitted_range=fitted,
            metadata=self._told(metadata or circuit.metadata, dataset),
        )

    def _told(self, metadata: Metadata, dataset: Dataset) -> Metadata:
        """What the circuit tells, but for what is no longer so: that is what it was refined from."""
        circuit, integers = self.circuit, metadata.integer_features
        told = metadata.refined(checksum=hashlib.sha256(to_bytes(circuit)).hexdigest(), luts=circuit.netlist.num_nodes)
        return replace(told, integer_features=integers and dataset.holds_integers)


@dataclass(frozen=True, eq=False)
class HeadGoal(Goal):
    """The goal of a circuit whose head stays as it is: a code counts what the head counts, and nothing is scaled.

    Attributes:
        kept: the head, which turns votes into what is predicted.
        base: int64 (K,), the scores where all LUTs are 0.
        all: int64 (K,), the votes that all LUTs have together.
    """

    kept: Head
    base: NDArray[np.int64]
    all: NDArray[np.int64]

    def votes(self, y: NDArray[Any], weights: NDArray[Any] | None = None, opinions: Opinions | None = None) -> Votes:
        """Return no votes yet: the scores where all LUTs are 0."""
        found = super().votes(y, weights, opinions)
        half = int(self.objective == "multilabel")  # set is what is above 0: the middle between that and 0 is 1 / 2
        found.begin_at(self.base, half - self.all)
        return found

    def scores(self, votes: Votes) -> NDArray[np.int32]:
        """Return the votes."""
        return votes.counts.T

    def predicted(self, votes: Votes) -> NDArray[Any]:
        """Return what the head says."""
        return self.kept.decide(self.scores(votes), self.objective)


def best_tau(votes: Votes, unit: float) -> float:
    """Return the tau at which rows lose least, by golden section in its logarithm: the loss is convex in 1 / tau.

    Args:
        votes: on the rows; they are left at some tau.
        unit: what a LUT mostly counts: tau is at least half of it, as rows that are all told rightly want none.
    """
    spread = float(votes.counts.max(initial=0)) - float(votes.counts.min(initial=0))
    low, high = np.log(unit / 2), np.log(4 * max(spread, unit))

    def loss(place: float) -> float:
        votes.begin(float(np.exp(place)))
        return votes.loss()

    share = (5**0.5 - 1) / 2
    left, right = high - share * (high - low), low + share * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > CLOSE:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - share * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + share * (high - low)
            at_right = loss(right)
    return float(np.exp((low + high) / 2))


def _encoding(inputs: Inputs) -> Encoding:
    """The inputs of a circuit as bits: comparators, bits of words, missing values."""
    compared, words, place = inputs.comparators, inputs.words, np.arange(len(inputs))
    is_compared, is_missing = place < len(compared), place >= len(inputs) - inputs.missing.size
    bit = np.full(len(inputs), -1, np.int32)
    if words is not None:
        bit[~(is_compared | is_missing)] = words.bit
        words = replace(words, formats=words.formats[np.unique(words.place)])
    count, plain = is_compared.astype(np.int64), np.zeros(len(inputs), np.bool_)
    formats = None if words is None else words.formats
    return Encoding(inputs.num_features, inputs.feature, count, compared.threshold, plain, bit, is_missing, formats)


def _codes(head: Head, netlist: Netlist) -> NDArray[np.int32]:
    """What each signal counts for the scores where it is 1, int32 (S, C)."""
    codes = signal_weights(head, netlist)
    if np.abs(codes).max() > np.iinfo(np.int32).max:
        raise ValueError("an output counts more than int32 holds: take smaller weights of the head")
    return codes.astype(np.int32)


def _narrowed(reads: list[int], table: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Inputs, all different and none constant, and the table of a LUT that reads bits or constants."""
    inputs = [bit for bit in dict.fromkeys(reads) if bit >= 0]
    values = {bit: np.arange(1 << len(inputs)) >> slot & 1 for slot, bit in enumerate(inputs)} | {ZERO: 0, ONE: 1}
    address = np.zeros(1 << len(inputs), np.int64)
    for slot, bit in enumerate(reads):
        address |= values[bit] << slot
    return np.array(inputs, np.int32), np.array([table >> entry & 1 for entry in address.tolist()], np.bool_)
