"""Scores of circuits on the examples of a function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lutsmith.circuit import NetlistBuilder
from lutsmith.data.functions import BooleanFunction, Minterms
from lutsmith.formats import to_aiger
from lutsmith.formats.scoring import count_ands, score


def test_a_circuit_and_its_aiger_file_score_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((300, 6)) < 0.5
    y = x[:, 0] ^ x[:, 1] ^ x[:, 2] | x[:, 5]
    wrong = y.copy()
    wrong[:3] = ~wrong[:3]
    function = BooleanFunction("ex00", Minterms(x, y), Minterms(x, ~y), Minterms(x, wrong))
    builder = NetlistBuilder(6)
    parity = np.arange(8)
    parity = (parity ^ parity >> 1 ^ parity >> 2) & 1
    first, again = builder.lut([[0, 1, 2], [0, 1, 2]], [parity, parity])  # equal nodes count once
    same = builder.lut([[first, again]], [[0, 0, 0, 1]])
    builder.lut([[3, 4]], [[0, 0, 0, 1]])  # nobody reads it
    netlist = builder.build(builder.lut([[int(same[0]), 5]], [[0, 1, 1, 1]]))
    found = score(netlist, function)
    assert (found.train, found.valid, found.test, found.nodes) == (1.0, 0.0, 0.99, 7)  # 3 ANDs an XOR
    assert found.within_limit
    (tmp_path / "x.aig").write_bytes(to_aiger(netlist))
    assert score(tmp_path / "x.aig", function) == found
    assert count_ands(netlist) == 7
    with pytest.raises(ValueError, match="1 inputs, 0 registers and 1 outputs; ex00 expects 6"):
        score(NetlistBuilder(1).build([0]), function)
    with pytest.raises(TypeError, match="circuit is a int"):
        score(7, function)
