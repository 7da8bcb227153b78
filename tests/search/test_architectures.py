"""LUTNets' architectures: its sizes and wires, by its tables and by its generator written out cell by cell."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.search.networks import ARCHITECTURES, NetworkArchitecture, network_netlist, random_architecture

TAPERED = [8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8]
FIRST = [[(0, (8, 28, 28), (6, 1, 1), (1, 1, 1))], [(6272, (3, 28, 28), (3, 2, 1), (1, 1, 1))]]
SPANS = {  # absolute offsets, boxes, windows and hops, as LUTNets' settings give them
    "cnn_iv0": [
        *FIRST,
        [(8624, (1, 27, 28), (1, 3, 2), (1, 2, 1))],
        [(9380, (1, 13, 27), (1, 2, 3), (1, 1, 2))],
        [(9731, (1, 12, 13), (1, 2, 3), (1, 1, 2))],
        [(9887, (1, 11, 6), (1, 3, 2), (1, 2, 1))],
    ],
    "cnn_iv1": FIRST,
    "cnn_iv2": [
        *FIRST,
        [
            (8624, (1, 27, 28), (1, 3, 2), (1, 3, 2)),
            (8624, (9, 12, 7), (1, 6, 1), (1, 6, 1)),
            (8624, (7, 9, 12), (1, 3, 2), (1, 3, 2)),
        ],
        [
            (9380, (1, 9, 14), (1, 2, 3), (1, 1, 2)),
            (9506, (9, 2, 7), (3, 2, 1), (3, 2, 1)),
            (9632, (7, 3, 6), (1, 3, 2), (1, 3, 2)),
        ],
        [
            (9758, (1, 98, 1), (1, 6, 1), (1, 6, 1)),
            (9758, (2, 7, 7), (1, 3, 2), (1, 2, 2)),
            (9758, (7, 14, 1), (1, 6, 1), (1, 4, 1)),
        ],
        [(9856, (1, 62, 1), (1, 6, 1), (1, 6, 1)), (9856, (31, 2, 1), (3, 2, 1), (3, 2, 1))],
        [
            (9918, (1, 22, 1), (1, 6, 1), (1, 3, 1)),
            (9918, (11, 2, 1), (3, 2, 1), (2, 1, 1)),
            (9918, (2, 11, 1), (1, 6, 1), (1, 2, 1)),
        ],
    ],
}
SIZES = {
    "random": [2352, 756, *TAPERED],
    "cnn_iv0": [2352, 756, 351, 156, 66, 25, 8],
    "cnn_iv1": [2352, 756, *TAPERED],
    "cnn_iv2": [2352, 756, 378, 98, 62, 22, 20],
}


def slow_rows(offset, dims, lens, hops):
    """LUTNets' generator: windows x first, then y, then z, clamped to the border; cells within them likewise."""
    counts = [math.ceil((dim - size) / hop) + 1 for dim, size, hop in zip(dims, lens, hops, strict=True)]
    for z, y, x in itertools.product(*(range(count) for count in reversed(counts))):
        at = [min(i * hop, dim - size) for i, hop, dim, size in zip((x, y, z), hops, dims, lens, strict=True)]
        cells = itertools.product(range(lens[2]), range(lens[1]), range(lens[0]))
        yield [offset + dims[0] * dims[1] * (at[2] + k) + dims[0] * (at[1] + j) + at[0] + i for k, j, i in cells]


def joined_wiring(architecture: NetworkArchitecture, seed: int = 0) -> list[list[list[int]]]:
    return [[row for group in groups for row in group.tolist()] for groups in architecture.wiring(seed)]


@pytest.mark.parametrize("name", sorted(SIZES))
def test_lutnets_architectures_have_its_sizes(name: str) -> None:
    architecture = ARCHITECTURES[name]
    assert list(architecture.layer_sizes) == SIZES[name]
    assert architecture.num_inputs == 6272
    assert architecture.num_luts == {"random": 19484, "cnn_iv0": 3714, "cnn_iv1": 19484, "cnn_iv2": 3688}[name]
    assert all(len(row) == 6 for layer in joined_wiring(architecture) for row in layer)


@pytest.mark.parametrize("name", sorted(SPANS))
def test_lutnets_architectures_have_its_wires(name: str) -> None:
    layers = joined_wiring(ARCHITECTURES[name])
    for layer, spans in zip(layers, SPANS[name], strict=False):
        assert layer == [row for span in spans for row in slow_rows(*span)]
    if name == "cnn_iv0":
        assert layers[-1] == [[9953 + (3 * j + i) % 25 for i in range(6)] for j in range(8)]
        assert len(layers) == len(SPANS[name]) + 1
    if name != "cnn_iv1":
        assert ARCHITECTURES[name].unread().size == 0
        return
    begin = 6272
    for size, layer in zip(SIZES[name], layers[1:], strict=False):  # random wiring reads the whole layer before
        flat = np.array(layer)
        assert begin <= flat.min() <= flat.max() < begin + size
        begin += size


def test_random_wires_are_drawn_with_replacement_from_the_whole_layer_before_and_by_the_seed() -> None:
    rows = np.array(joined_wiring(ARCHITECTURES["random"], 3)[0])
    counts = np.bincount(rows.reshape(-1), minlength=6272)
    assert 0.08 < (counts == 0).mean() < 0.13  # exp(-2.25) = 10.5 %
    assert abs(rows.mean() - 3135.5) < 100
    late = np.array(joined_wiring(ARCHITECTURES["random"], 3)[-1])
    assert any(len(set(row)) < 6 for row in late.tolist())  # 6 draws of 16
    assert joined_wiring(ARCHITECTURES["random"], 3) == joined_wiring(ARCHITECTURES["random"], 3)
    assert joined_wiring(ARCHITECTURES["random"], 3) != joined_wiring(ARCHITECTURES["random"], 4)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_windows_are_those_of_the_slow_form_chained_by_the_box_of_the_layer_before(data: st.DataObject) -> None:
    """Faults 8 and 11 of LUTNets: any sizes beside each other in one process, and the count is right at any time."""
    bits, width, height = (data.draw(st.integers(1, 6)) for _ in range(3))
    box, layers, expected, begin, size = (bits, width, height), [], [], 0, bits * width * height
    for _ in range(data.draw(st.integers(1, 3))):
        lens = tuple(data.draw(st.integers(1, min(dim, 2))) for dim in box)
        hops = tuple(data.draw(st.integers(1, 3)) for _ in range(3))
        layers.append({"spans": [{"lens": list(lens), "hops": list(hops)}]})
        expected.append(list(slow_rows(begin, box, lens, hops)))
        box = tuple(math.ceil((dim - size) / hop) + 1 for dim, size, hop in zip(box, lens, hops, strict=True))
        begin, size = begin + size, math.prod(box)
    told = {"layers": layers, "input_shape": [height, width], "bits": bits}
    architecture = NetworkArchitecture.of(told)
    assert joined_wiring(architecture) == expected
    assert list(architecture.layer_sizes) == [len(layer) for layer in expected]
    assert NetworkArchitecture.of(architecture.to_json()) == architecture
    if all(math.prod(layer["spans"][0]["hops"]) == 1 for layer in layers):
        assert architecture.unread().size == 0  # windows that move by one leave nothing out


def test_layers_may_read_any_before_them_and_be_of_any_rank() -> None:
    architecture = NetworkArchitecture.from_toml(
        """
        name = "mine"
        input_shape = [4]
        bits = 3
        rank = 8
        layers = [
            {spans = [{lens = [3, 1, 1], hops = [1, 1, 1]}, {lens = [1, 2, 1], hops = [1, 1, 1]}]},
            {luts = 5, reads = [0, 1], wiring = "random"},
            {indices = [[0, 17], [16, 12]], reads = [1, 0]},
            {spans = [{lens = [1, 1, 1], hops = [1, 1, 1], group = 1}], reads = [3, 1]},
            {luts = 2, rank = 7, reads = [0, 1, 2, 3, 4]},
        ]
        """
    )
    assert architecture.layer_sizes == (4 + 9, 5, 2, 4, 2)
    layers = joined_wiring(architecture)
    assert layers[0] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]] + [[i, i + 3] for i in range(9)]
    assert {len(row) for row in layers[1]} == {8}
    assert sorted(np.bincount(np.ravel(layers[1]), minlength=25).tolist()) == [1] * 10 + [2] * 15
    assert layers[2] == [[12, 4], [3, 24]]  # layer 1 first, then the input
    assert layers[3] == [[12], [13], [14], [15]]
    assert NetworkArchitecture.of(architecture.to_json()) == architecture

    # the netlist computes what plain Python says of these wires and the tables that it has
    netlist = network_netlist(architecture, seed=5)
    assert netlist.outputs.size == 2
    assert netlist.num_nodes > architecture.num_luts  # ranks 7 and 8 are several nodes of 6
    assert network_netlist(architecture, seed=5).same_as(netlist)
    assert not network_netlist(architecture, seed=6).same_as(netlist)


def test_a_netlist_has_the_wires_of_the_architecture_in_its_order() -> None:
    for name in ("cnn_iv2", "cnn_iv0"):  # one after the other: nothing is global (fault 8)
        netlist = network_netlist(name, seed=1)
        wires = [row for layer in joined_wiring(ARCHITECTURES[name], 1) for row in layer]
        assert netlist.fanin.reshape(-1, 6).tolist() == wires
        assert np.diff(netlist.level_ptr).tolist() == SIZES[name]
        assert np.array_equal(network_netlist(name, seed=1, bank="random-5").fanin, netlist.fanin)


BAD = {
    "no layers": ({"layers": []}, "one or more layers"),
    "nothing": ({"layers": [{}]}, "layer 1: a layer has nothing; expected one of spans, luts, indices"),
    "both": ({"layers": [{"luts": 3, "indices": [[0]]}]}, "expected one of spans, luts, indices"),
    "option": ({"layers": [{"luts": 3, "hop": 2}]}, "layer 1: a layer of luts has no hop"),
    "unknown": ({"layers": [3], "layer_sizes": [3]}, "an architecture has no layer_sizes"),
    "rank": ({"layers": [{"luts": 3, "rank": 9}]}, "rank is 9"),
    "cells": ({"layers": [{"spans": [{"lens": [3, 3, 1], "hops": [1, 1, 1]}]}]}, "windows of 9 cells"),
    "dim": ({"layers": [{"spans": [{"lens": [1, 1, 1], "hops": [1, 1, 1], "dims": [1, 2]}]}]}, "no box|3 numbers"),
    "below": ({"layers": [{"spans": [{"lens": [1, 5, 1], "hops": [1, 1, 1]}]}]}, "larger than its box"),
    "fraction": ({"layers": [{"spans": [{"lens": [1.5, 1, 1], "hops": [1, 1, 1]}]}]}, "is not a span"),
    "hop": ({"layers": [{"spans": [{"lens": [1, 1, 1], "hops": [1, 0, 1]}]}]}, "size below 1"),
    "group": ({"layers": [{"spans": [{"lens": [1, 1, 1], "hops": [1, 1, 1], "group": 1}]}]}, "group is 1"),
    "outside": ({"layers": [{"spans": [([9, 9, 9], [1, 1, 1], [1, 1, 1])]}]}, "is not a span"),
    "index": ({"layers": [{"indices": [[0, 12]]}]}, "an index is 12; the layer reads 12 bits, 0 to 11"),
    "ragged": ({"layers": [{"indices": [[0, 1], [2]]}]}, "ragged"),
    "later": ({"layers": [{"luts": 2, "reads": [1]}]}, "layer 1: reads is 1"),
    "distinct": ({"layers": [4, {"luts": 2, "rank": 5, "wiring": "random"}]}, "layer 2: LUTs of 5 distinct inputs"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_fits_nothing_is_one_clear_line_that_names_the_layer(case: str) -> None:
    told, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        NetworkArchitecture.of({"input_shape": [4], "bits": 3, **told})
    assert "\n" not in str(caught.value)


def test_names_are_taken_in_any_case_and_unknown_ones_refused() -> None:
    assert NetworkArchitecture.of("CNN_IV2") is ARCHITECTURES["cnn_iv2"]
    with pytest.raises(ValueError, match="did you mean 'cnn_iv"):
        NetworkArchitecture.of("cnn_iv")
    assert random_architecture([30, 4], rank=3, input_shape=(5,), bits=1).layer_sizes == (30, 4)
