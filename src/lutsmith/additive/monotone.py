"""Monotone constraints: which way the table of a LUT may depend on the bits that it reads.

A bit rises, falls, does both or neither as constrained features go the way that they are constrained to. A LUT that
votes for a score has to rise with them: so its table never falls along bits that rise and never rises along bits that
fall. One that votes against it is the other way round. Then what a LUT says rises or falls as a bit does, and LUTs that
read it are kept in the same way: a composition of monotone steps is monotone, and so is a sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.codes import draw_codes
from lutsmith.additive.front import Bits
from lutsmith.additive.network import VotingLut
from lutsmith.additive.objectives import Goal
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.circuit.features import changes
from lutsmith.circuit.features.levels import FeatureLevels
from lutsmith.circuit.features.monotone import directions
from lutsmith.circuit.netlist import MAX_RANK
from lutsmith.data.dataset import Dataset
from lutsmith.kernels.additive.naive import FALLS, RISES

BOTH = RISES | FALLS
OTHER_WAY = np.array([0, FALLS, RISES, BOTH], np.uint8)
"""A mask where everything is turned round."""


def constrained(settings: AdditiveSettings, dataset: Dataset) -> dict[int, int]:
    """Return the features of a data set that are constrained, 1 or -1 by their places; empty without any.

    Raises:
        ValueError: features that are not there, or hold categories; more than two classes.
    """
    if settings.monotonic_cst is None:
        return {}
    found = directions(settings.monotonic_cst, int(np.prod(dataset.input_shape)), dataset.feature_names)
    named = sorted(set(found) & set(dataset.categorical))
    if named:
        raise ValueError(f"monotonic_cst: feature {named[0]} holds categories, which have no order; leave it out")
    if found and dataset.objective == "classification" and dataset.num_classes > 2:
        raise ValueError(
            f"monotonic_cst is for two classes, several labels or numbers, and {dataset.name} has "
            f"{dataset.num_classes} classes"
        )
    return found


def masks_of(bits: Bits, ways: dict[int, int]) -> NDArray[np.uint8]:
    """Return what each bit does as constrained features go their way, uint8 (B,): rises, falls, both or neither (0).

    Raises:
        ValueError: a bit of a constrained feature does both: it is of no thermometer.
    """
    builder = CircuitBuilder((int(bits.num_features),))
    circuit = builder.build(bits.emit(builder))
    found = np.zeros(len(bits), np.uint8)
    for feature, way in ways.items():
        which = np.flatnonzero(circuit.inputs.feature == feature)
        levels = FeatureLevels.of(circuit.inputs, which) if which.size else None
        if levels is None:
            if which.size:
                raise ValueError(_NO_THERMOMETER.format(feature))
            continue
        signals, place = np.unique(circuit.netlist.outputs.astype(np.int64), return_inverse=True)
        sets = np.bitwise_or.reduce(changes.changes(circuit.inputs, circuit.netlist, levels, signals), axis=1)[place]
        masks = ((sets & changes.RISES != 0) * RISES | (sets & changes.FALLS != 0) * FALLS).astype(np.uint8)
        found |= masks if way > 0 else OTHER_WAY[masks]
        both = (masks == BOTH)[: bits.feature.size]
        if both.any():
            raise ValueError(_NO_THERMOMETER.format(feature))
    return found


_NO_THERMOMETER = (
    "monotonic_cst: feature {} has bits that rise and fall as it grows: take an encoder that is a thermometer, such as "
    "encoder='balanced' or 'distributive'"
)


class Unate:
    """Which way tables may depend on bits, those that LUTs of the network give among them.

    Args:
        masks: uint8 (B,), of the bits of the encoding, as of `masks_of`.
        goal: says what votes do to scores.
        room: for so many outputs of LUTs.
    """

    def __init__(self, masks: NDArray[np.uint8], goal: Goal, room: int = 0) -> None:
        self._goal, self._bits = goal, len(masks)
        self._masks = np.concatenate([masks, np.zeros(room, np.uint8)])

    def of(self, code: NDArray[np.int32], inputs: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Return how the table of a LUT with this code may depend on such inputs, uint8 of their shape.

        Raises:
            ValueError: the code raises one score and lowers another.
        """
        masks = self._masks[inputs]
        return masks if self._rises(code) else OTHER_WAY[masks]

    def _rises(self, code: NDArray[np.int32]) -> bool:
        counts = self._counts(code)
        if (counts > 0).any() and (counts < 0).any():
            raise ValueError(
                "monotonic_cst: a LUT votes for one score and against another, and both are to go the same way: take "
                "minus=0, or a start without such LUTs"
            )
        return not (counts < 0).any()

    def _counts(self, code: NDArray[np.int32]) -> NDArray[np.int64]:
        """What a code counts for the scores that are to be monotone."""
        counts: NDArray[np.int64] = code.astype(np.int64)
        if self._goal.objective == "classification":
            return counts[-1:] - counts[:1]  # the second of two
        return counts if self._goal.step is None else counts * np.sign(self._goal.step).astype(np.int64)

    def put(self, lut: VotingLut, place: int) -> None:
        """Let others read the output of the network's LUT of this place, where there is room."""
        if self._bits + place < len(self._masks):
            self._masks[self._bits + place] = self.output(lut)

    def output(self, lut: VotingLut) -> int:
        """Return what a LUT does as constrained features go their way."""
        found = 0
        entries = np.arange(lut.table.size)
        for slot, mask in enumerate(self._masks[lut.inputs].tolist()):
            off = entries[entries >> slot & 1 == 0]
            low, high = lut.table[off], lut.table[off | 1 << slot]
            found |= mask if (~low & high).any() else 0
            found |= int(OTHER_WAY[mask]) if (low & ~high).any() else 0
        return found

    def check(self, settings: AdditiveSettings, network: Sequence[VotingLut]) -> None:
        """Raise ValueError where what is to be grown cannot be monotone; or where a network of a start, whose LUTs read
        the encoding and none of each other, is not: it has to be, as its LUTs stay where others are not better.
        """
        if settings.depth > 1 and max(settings.ranks) > MAX_RANK:
            raise ValueError(f"monotonic_cst with depth above 1 is for LUTs of at most {MAX_RANK} inputs: take rank=6")
        if not network:
            for code in draw_codes(
                self._goal.num_scores, settings.plus, settings.minus, settings.num_codes, settings.seed
            ):
                self._rises(code)
        for lut in network:
            if self.output(lut) & ~(RISES if self._rises(lut.code) else FALLS) and self._counts(lut.code).any():
                raise ValueError(
                    "monotonic_cst: the circuit to start with is not shown to be monotone, as a LUT that votes may go "
                    "the wrong way: start with one that was grown with these constraints, or take monotonic_cst=None"
                )
