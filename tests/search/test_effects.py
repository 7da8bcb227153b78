"""Effects of changes against brute force: every node, output, sample and table entry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Head
from lutsmith.ground.arrays import unpacked
from lutsmith.search.effects import addresses, best_table, pivotal_rows, table_effects
from lutsmith.search.losses import LOSSES, codes_of, loss_named
from tests.search.networks import code_head, evaluation, network


def forced(netlist, bits, node, values):
    """Output bits (N, O) where a node gives `values` (N,), whatever it reads: sample by sample, slowly and clearly."""
    given = np.concatenate([bits, np.zeros((len(bits), netlist.num_nodes), bool)], axis=1)
    tables = netlist.tables()
    for place in range(netlist.num_nodes):
        reads = netlist.fanin[netlist.fanin_ptr[place] : netlist.fanin_ptr[place + 1]]
        address = given[:, reads] @ (1 << np.arange(len(reads)))
        value = (tables[place] >> address.astype(np.uint64)) & np.uint64(1) == 1
        given[:, netlist.num_inputs + place] = values if place == node else value
    return given[:, netlist.outputs], given[:, netlist.num_inputs + node]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 63, 64, 65, 200]), st.integers(1, 4))
def test_pivotal_rows_are_those_of_brute_force(seed, samples, rank):
    netlist = network(seed, rank=rank)
    packed, bits = evaluation(netlist, samples, seed)
    before = packed.outputs()
    for node in range(netlist.num_nodes):
        own = unpacked(packed.rows([netlist.num_inputs + node]), samples)[:, 0]
        others, _ = forced(netlist, bits, node, ~own)
        assert np.array_equal(unpacked(pivotal_rows(packed, node), samples), before ^ others)
    assert np.array_equal(packed.outputs(), before)
    assert packed.num_changes == 0


HEADS = (
    Head(4),
    Head(2),
    Head(2, weights=[[1, -2], [0, 3], [2, 2]], bias=[1, 0, -1]),
    code_head([[0, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]),
)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("head", HEADS, ids=["sums of one", "sums", "affine", "codes"])
@pytest.mark.parametrize("samples", [0, 1, 130])
def test_effects_of_entries_are_what_changing_them_does(name, head, samples):
    netlist = network(3)
    packed, _ = evaluation(netlist, samples)
    labels = np.random.default_rng(1).integers(0, head.num_classes, samples)
    loss = loss_named(name, head, labels, 4)
    begin = loss.total(packed)
    assert begin == pytest.approx(loss.of_samples(packed).sum())
    for node in range(netlist.num_nodes):
        effects, table = table_effects(packed, loss, node), int(packed.tables[node])
        read = addresses(packed, node)
        for entry, effect in enumerate(effects):
            packed.change([node], [table ^ 1 << entry])
            assert loss.total(packed) - begin == pytest.approx(effect, abs=1e-9)
            packed.undo()
            assert effect == 0 or entry in read
        better, gain = best_table(table, effects)
        packed.change([node], [better])
        assert loss.total(packed) == pytest.approx(begin - gain, abs=1e-9)
        assert loss.total(packed) <= begin + 1e-9
        packed.undo()


def test_losses_are_what_they_say():
    netlist = replace(network(0, inputs=4, layers=(1,)), outputs=np.array([0, 1, 2, 3], np.int32))
    packed, bits = evaluation(netlist, 50)
    labels = np.random.default_rng(1).integers(0, 3, 50)
    head = HEADS[3]
    words = codes_of(head, 4)
    assert words.astype(int).tolist() == [[0, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]
    distances = (bits[:, None] ^ words).sum(axis=2)
    own = distances[np.arange(50), labels]
    assert np.array_equal(loss_named("wrong-bits", head, labels, 4).of_samples(packed), own)
    assert np.array_equal(
        loss_named("wrong-answers", head, labels, 4).of_samples(packed), distances.argmin(axis=1) != labels
    )
    others = np.where(np.arange(3) == labels[:, None], 99, distances).min(axis=1)
    margin = loss_named("margin", head, labels, 4)
    assert np.allclose(margin.of_samples(packed), np.maximum(0, margin.margin + own - others))
    soft = np.exp(-distances / loss_named("cross-entropy", head, labels, 4).tau)
    assert np.allclose(
        loss_named("cross-entropy", head, labels, 4).of_samples(packed),
        -np.log(soft[np.arange(50), labels] / soft.sum(axis=1)),
    )


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("square", Head(2), [0, 1], 4), ValueError, "expected one of wrong-bits"),
        (("margin", Head(3), [0, 1], 4), ValueError, "equal groups"),
        (("margin", Head(2), [0, 2], 4), ValueError, "labels"),
        (("margin", Head(2), [[0, 1]], 4), ValueError, "one of each sample"),
        (("margin", Head(2), [0.5, 1], 4), TypeError, "labels"),
        (("margin", Head(2, shape=(2,)), [0, 1], 4), ValueError, "2 places"),
        (("margin", "head", [0, 1], 4), TypeError, "head"),
    ],
)
def test_mistakes(arguments, error, says):
    with pytest.raises(error, match=says):
        loss_named(*arguments)
