"""A small network as text: when each of its LUTs votes, in terms of the names of features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.features.functions import LevelFunction
from lutsmith.circuit.features.monotone import signal_weights
from lutsmith.circuit.features.names import feature_names
from lutsmith.circuit.traits import popcount_head, refuse
from lutsmith.explaining.conditions import NEVER, condition
from lutsmith.ground.arguments import instance_of, whole_number
from lutsmith.ground.labels import Label

CELLS = 1 << 12
"""Combinations of levels that a rule may be about."""


@dataclass(frozen=True)
class Rule:
    """A rule: what a LUT votes for, and when.

    Attributes:
        votes: what it counts for each class or label; by how much it changes each target; 1 for an output bit.
        condition: when it votes, in terms of the names of features; or "always".
    """

    votes: Mapping[Label, float]
    condition: str

    def __str__(self) -> str:
        votes = ", ".join(f"{label} {count:+g}" for label, count in self.votes.items())
        return f"{votes} if {self.condition}"


@dataclass(frozen=True)
class Rules:
    """A network as rules. Its text has one rule per line.

    Attributes:
        heading: how votes decide.
        start: the score of each class, label or target without any rule.
        rules: one for each LUT that votes.
    """

    heading: str
    start: Mapping[Label, float]
    rules: tuple[Rule, ...]

    def __str__(self) -> str:
        start = [f"{label} {count:g}" for label, count in self.start.items() if count]
        return "\n".join([self.heading, *([f"start: {', '.join(start)}"] if start else []), *map(str, self.rules)])


def rules(circuit: Circuit, *, most: int = 100) -> Rules:
    """Return a small network as text, in terms of the names of its features.

        print(lutsmith.rules(circuit))

    Each output that counts is a rule: a sum of products of comparisons and names, such as
    `25 < age <= 37 and city != "Zürich"`, that is equal to the output for every sample. Thresholds of a feature are
    joined to intervals. Missing values are below all thresholds and match none of the names, unless a rule says
    otherwise.

    Args:
        circuit: one without a state, with one decision by popcounts, or with bits as its result.
        most: the largest number of rules.

    Raises:
        TypeError, ValueError: no such circuit; more rules; or a LUT that depends on too much to be read as a rule.
    """
    instance_of("circuit", circuit, Circuit)
    whole_number("most", most, 1)
    who, instead = "text", "rules are of one decision by popcounts, or of output bits"
    head = popcount_head(circuit, who, instead)
    refuse(circuit, ("registers",), who, instead)
    netlist = circuit.netlist
    if head is None:
        labels: tuple[Label, ...] = tuple(f"output {place}" for place in range(netlist.outputs.size))
        weights: NDArray[np.float64] = np.zeros((netlist.num_signals, netlist.outputs.size))
        weights[netlist.outputs, np.arange(netlist.outputs.size)] = 1
        start, heading = np.zeros(len(labels)), "output bits are 1 where a rule says so"
    else:
        labels, weights = circuit.score_labels, signal_weights(head, netlist).astype(np.float64)
        start = np.zeros(len(labels)) if head.bias is None else head.bias.astype(np.float64)
        heading = "the class with the most votes, the first of equals"
        if circuit.objective == "multilabel":
            heading = "each label with more than 0 votes"
        elif circuit.objective == "regression":
            scale = np.ones(len(labels)) if head.scale is None else head.scale
            weights, start = weights * scale, start * scale + (0 if head.offset is None else head.offset)
            heading = "the sum of the start and of all rules that hold"
    signals = np.flatnonzero(weights.any(axis=1)).tolist()
    if len(signals) > most:
        raise ValueError(f"{len(signals)} outputs vote; expected at most {most} to be read: most=N allows more")
    names, found = feature_names(circuit), []
    for signal in signals:
        function = LevelFunction.of(circuit.inputs, netlist, signal, CELLS)
        told = None if function is None else condition(function, names, circuit.metadata.categories)
        if told is None:
            raise ValueError(f"output {signal} depends on too many thresholds to be read as a rule")
        votes = {label: float(count) for label, count in zip(labels, weights[signal], strict=True) if count}
        if told != NEVER:
            found.append(Rule(votes, told))
    return Rules(heading, dict(zip(labels, start.tolist(), strict=True)), tuple(found))
