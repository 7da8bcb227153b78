"""How often nodes and inputs matter, against brute force; and the command that tells it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, Head
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.circuit.file import save
from lutsmith.cli import run as command
from lutsmith.runs.pivotal import pivotal
from lutsmith.search.importance import importance
from lutsmith.search.networks import network_circuit, random_architecture
from tests.search.networks import network
from tests.search.test_effects import forced


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 64, 100]))
def test_counts_are_those_of_brute_force(seed, samples):
    netlist = network(seed)
    netlist = replace(
        netlist, outputs=np.append(netlist.outputs[:-1], 2).astype(np.int32)
    )  # an output that is an input
    bits = np.random.default_rng(seed).random((samples, 5)) < 0.5
    head = Head(2, weights=[[1, -1], [0, 1], [2, 0]], bias=[0, 0, -1])
    found = importance(netlist, PackedSamples.of_bits(bits), head)
    assert found.samples == samples

    def said(outputs):
        return head.labels(head.affine(outputs.reshape(samples, 2, 2).sum(axis=2, dtype=np.int32)))

    before = netlist.evaluate(bits)
    for place in range(5):
        flipped = bits.copy()
        flipped[:, place] ^= True
        after = netlist.evaluate(flipped)
        assert found.input_outputs[place] == (before != after).any(axis=1).sum()
        assert found.input_answers[place] == (said(before) != said(after)).sum()
    for node in range(netlist.num_nodes):
        every = np.concatenate([bits, np.zeros((samples, netlist.num_nodes), bool)], axis=1)
        for place in range(netlist.num_nodes):
            reads = netlist.fanin[netlist.fanin_ptr[place] : netlist.fanin_ptr[place + 1]]
            address = (every[:, reads] @ (1 << np.arange(reads.size))).astype(np.uint64)
            every[:, 5 + place] = netlist.tables()[place] >> address & np.uint64(1) == 1
        own = ~every[:, 5 + node]
        after = forced(netlist, bits, node, own)[0]
        assert found.node_outputs[node] == (before != after).any(axis=1).sum()
        assert found.node_answers[node] == (said(before) != said(after)).sum()


def model(tmp_path):
    plan = random_architecture((32, 16, 8), rank=4, input_shape=(1, 8, 8), bits=5)
    circuit = network_circuit(plan, "drawn", seed=1)
    path = tmp_path / "model.lut"
    save(circuit, path)
    return circuit, path


def test_the_command_tells_levels_nodes_and_features(tmp_path, capsys):
    circuit, path = model(tmp_path)
    assert command(["pivotal", str(path), "--task", "digits", "--rows", "50", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 50
    assert [len(told[name]) for name in ("levels", "node_answers", "input_outputs")] == [
        56,
        56,
        circuit.netlist.num_inputs,
    ]
    counts = np.array(told["feature_counts"])
    assert counts.shape == (1, 8, 8)
    assert counts.sum() == sum(told["input_answers"])
    assert (np.array(told["node_answers"]) <= np.array(told["node_outputs"])).all()
    assert command(["pivotal", str(path), "--task", "digits", "--rows", "50"]) == 0
    page = capsys.readouterr().out
    assert "on 50 training rows" in page
    assert "features that never matter" in page
    x = np.random.default_rng(0).integers(0, 17, (30, 1, 8, 8)).astype(np.uint8)
    found = pivotal(circuit, x)
    assert isinstance(circuit, Circuit)
    outputs = np.flatnonzero(np.isin(np.arange(56), circuit.netlist.outputs - circuit.netlist.num_inputs))
    assert (found.node_outputs[outputs] == 30).all()  # an output is pivotal for itself on every row


def test_mistakes(tmp_path, capsys):
    circuit, path = model(tmp_path)
    assert command(["pivotal", str(path), "--task", "digits", "--rows", "0"]) == 2
    assert "--rows is 0" in capsys.readouterr().err
    assert command(["pivotal", str(path)]) == 2
    assert "does not say which task" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no rows"):
        pivotal(circuit, np.zeros((0, 1, 8, 8), np.uint8))
