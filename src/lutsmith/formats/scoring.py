"""The score of the IWLS 2020 contest: how good a circuit with one output is on the examples of a function, and how
large.

The contest's tool is `&mltest` of ABC, which reads an AIGER file and counts the rows that it says right.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lutsmith.circuit import Circuit, Comparators
from lutsmith.circuit.engine.engine import Engine
from lutsmith.circuit.netlist import Netlist
from lutsmith.data.functions import BooleanFunction
from lutsmith.formats.aiger import from_aiger
from lutsmith.formats.and_inverter import to_ands

NODE_LIMIT = 5000
"""AND nodes that an entry to the contest may have."""


@dataclass(frozen=True)
class Score:
    """The score of a circuit as an entry to the contest.

    Attributes:
        train: the share of training rows that it gets right, 0 to 1.
        valid: of validation rows.
        test: of test rows: the contest's score.
        nodes: AND nodes that an output depends on.
    """

    train: float
    valid: float
    test: float
    nodes: int

    @property
    def within_limit(self) -> bool:
        """Whether the contest would accept it; there is a score either way."""
        return self.nodes <= NODE_LIMIT


def score(circuit: Circuit | Netlist | str | os.PathLike[str], function: BooleanFunction) -> Score:
    """Return the score of a circuit on the three parts of a function.

    Args:
        circuit: a circuit, its netlist, or an AIGER file; its inputs are the function's, in order.
        function: the examples.

    Raises:
        TypeError: something else.
        FormatError: the file is not AIGER.
        ValueError: it has other inputs, registers, or not one output.
    """
    if isinstance(circuit, str | os.PathLike):
        netlist = from_aiger(Path(circuit).read_bytes()).netlist
    elif isinstance(circuit, Circuit | Netlist):
        netlist = circuit.netlist if isinstance(circuit, Circuit) else circuit
    else:
        raise TypeError(f"circuit is a {type(circuit).__name__}, expected a circuit, a netlist or an AIGER file")
    expected = (function.num_inputs, 0, 1)
    if (found := (netlist.num_inputs, netlist.num_registers, netlist.outputs.size)) != expected:
        raise ValueError(
            "the circuit has {} inputs, {} registers and {} outputs; {} expects {}, {} and {}".format(
                *found, function.name, *expected
            )
        )
    inputs = netlist.num_inputs
    engine = Engine(Comparators(np.arange(inputs, dtype=np.int32), np.full(inputs, 0.5, np.float32), inputs), netlist)
    parts = (function.train, function.valid, function.test)
    train, valid, test = (float((engine.outputs(part.x.astype(np.uint8))[:, 0] == part.y).mean()) for part in parts)
    return Score(train, valid, test, count_ands(netlist))


def count_ands(netlist: Netlist) -> int:
    """Return how many AND nodes an output or a register depends on, equal ones counted once."""
    graph = to_ands(netlist)
    first = graph.first_and
    literal = list(range(0, 2 * first, 2))  # of each variable
    seen: dict[tuple[int, int], int] = {}
    kept: list[tuple[int, int]] = []
    for pair in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
        low, high = sorted(literal[side >> 1] ^ (side & 1) for side in pair)
        if low == 0 or low ^ high == 1:  # high is low inverted
            literal.append(0)
        elif low in (1, high):
            literal.append(high)
        else:
            if (low, high) not in seen:
                seen[low, high] = 2 * (first + len(kept))
                kept.append((low, high))
            literal.append(seen[low, high])
    ends = np.concatenate([graph.outputs, graph.register_next]).tolist()
    wanted = {literal[each >> 1] >> 1 for each in ends}
    for place in reversed(range(len(kept))):
        if first + place in wanted:
            wanted.update(each >> 1 for each in kept[place])
    return sum(variable >= first for variable in wanted)
