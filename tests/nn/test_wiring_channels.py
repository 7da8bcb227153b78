"""The wiring of kernels: few channels each, and channels, taps and inputs used evenly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.nn.connections import channels as wirings
from lutsmith.nn.connections import setup_connections
from lutsmith.nn.convolution import LogicConv2d


def spread(counts: np.ndarray) -> int:
    return int(counts.max() - counts.min())


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_channels_taps_and_inputs_are_used_evenly(data: st.DataObject) -> None:
    groups, luts = data.draw(st.sampled_from([1, 1, 2, 3])), data.draw(st.sampled_from([1, 1, 2, 4]))
    channels, kernels = groups * data.draw(st.integers(1, 8)), groups * data.draw(st.integers(1, 30))
    taps, size = data.draw(st.integers(1, 9)), data.draw(st.integers(1, channels // groups))
    rank = data.draw(st.integers(1, min(8, taps * size)))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    wiring = setup_connections(
        "fixed", channels * taps, kernels * luts, rank, init_method="channels", channels=channels, groups=groups,
        channel_group_size=size, luts_per_kernel=luts, generator=generator,
    )  # fmt: skip
    rows = wiring.inputs().numpy()
    assert all(len(set(row)) == rank for row in rows.tolist())
    leaves = rows.reshape(kernels, luts * rank)
    read = [set(row) for row in (leaves // taps).tolist()]
    for kernel, (row, own) in enumerate(zip(leaves.tolist(), read, strict=True)):
        assert {channel * groups // channels for channel in own} == {kernel * groups // kernels}
        assert len(own) == min(size, len(row))
        assert max(map(row.count, row)) - (len(row) // (taps * size)) <= 1  # a tap again only where all are used
        if luts == 1:
            of_channel = [sum(leaf // taps == channel for leaf in row) for channel in own]
            assert max(of_channel) - min(of_channel) <= 1
    if size <= luts * rank:
        per_channel = np.bincount([channel for own in read for channel in own], minlength=channels)
        assert spread(per_channel.reshape(groups, -1)[0]) <= 1
    assert spread(np.bincount(leaves.ravel() % taps, minlength=taps)) <= 5  # hundreds of uses: 4 in 2 of 3,000 draws


def test_large_layers_are_even_to_a_few_uses() -> None:
    for channels, kernels, rank, size, luts in [
        (9, 64, 4, 1, 1),
        (64, 256, 4, 2, 1),
        (256, 1024, 4, 2, 1),
        (32, 128, 2, 2, 4),
    ]:
        wiring = setup_connections(
            "fixed", channels * 9, kernels * luts, rank, init_method="channels", channels=channels,
            channel_group_size=size, luts_per_kernel=luts, generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        rows = wiring.inputs().numpy().reshape(kernels, -1)
        assert spread(np.bincount((rows // 9).ravel(), minlength=channels)) <= rank * luts
        assert spread(np.bincount((rows % 9).ravel(), minlength=9)) <= 2
        assert spread(np.bincount(rows.ravel(), minlength=channels * 9)) <= 1


def sorted_leaf_by_leaf(members: list[np.ndarray], taps: int, rank: int, luts: int, seed: int) -> np.ndarray:
    """The wiring as it is meant: for each leaf all inputs of the window are sorted, and the first is taken."""
    generator, last = torch.Generator().manual_seed(seed), max(int(own[-1]) for own in members)
    rows, by_input, by_tap = [], np.zeros(last + 1, np.int64), np.zeros(taps, np.int64)
    for own in members:
        chance = torch.rand(len(own), generator=generator, dtype=torch.float64).numpy()
        count, by_channel = np.zeros(len(own), np.int64), np.zeros(last // taps + 1, np.int64)
        for leaf in range(luts * rank):
            if leaf % rank == 0:
                taken = np.zeros(len(own), np.bool_)
            keys = (chance, by_tap[own % taps], by_input[own], by_channel[own // taps], count, taken)
            best = np.lexsort(keys)[0]
            rows.append(own[best])
            taken[best] = True
            count[best] += 1
            by_channel[own[best] // taps] += 1
            by_input[own[best]] += 1
            by_tap[own[best] % taps] += 1
    return np.array(rows).reshape(-1, rank)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_leaves_are_those_of_sorting_the_window_for_each(data: st.DataObject) -> None:
    channels, taps, luts = (data.draw(st.integers(1, most)) for most in (7, 9, 3))
    size, kernels, seed = (
        data.draw(st.integers(1, channels)),
        data.draw(st.integers(1, 12)),
        data.draw(st.integers(0, 9)),
    )
    alive = np.random.default_rng(seed).random(channels * taps) < data.draw(st.sampled_from([0.6, 1.0]))
    rank = data.draw(st.integers(1, 6))
    drawn = torch.Generator().manual_seed(seed)
    more = {"channels": channels, "usable": alive, "channel_group_size": size, "luts_per_kernel": luts}
    try:
        windows = wirings.channel_windows(channels * taps, kernels * luts, rank, drawn, **more)
    except (ValueError, IndexError):
        return
    generator = torch.Generator().manual_seed(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wirings, "channel_windows", lambda *_, **__: windows)
        rows = wirings.channels(channels * taps, kernels * luts, rank, generator, **more)
    assert np.array_equal(rows, sorted_leaf_by_leaf(windows.members, taps, rank, luts, seed))


def test_kernels_of_all_channels_share_their_windows() -> None:
    windows = wirings.channel_windows(
        36, 8, 2, torch.Generator(), channels=12, usable=np.ones(36, np.bool_), channel_group_size=-1, groups=2
    )
    assert [row.tolist() for row in windows.members] == 4 * [list(range(18))] + 4 * [list(range(18, 36))]
    assert windows.members[0] is windows.members[3]


def test_sliding_channels_are_neighbours() -> None:
    layer = LogicConv2d(None, 5, 6, lut_rank=4, channel_groups="sliding", channel_group_size=2)
    read = [sorted(set(row)) for row in (layer.connections.inputs() // 9).tolist()]
    assert read == [[0, 1], [1, 2], [2, 3], [3, 4], [0, 1], [1, 2]]


def test_unusable_channels_are_not_read() -> None:
    usable = torch.tensor([True, False, True, True, False])
    for connections in ("fixed", "learnable"):
        layer = LogicConv2d(None, 5, 40, lut_rank=3, connections=connections, usable=usable)
        assert set((layer.connections.inputs() // 9).flatten().tolist()) == {0, 2, 3}


def test_candidates_come_from_the_channels_of_the_kernel_and_go_on_doing_so() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = LogicConv2d(None, 8, 12, 2, lut_rank=2, connections="learnable", num_candidates=4, generator=generator)
    pools = layer.connections.candidates
    assert pools.shape == (24, 2, 4)
    before = [set(row) for row in (pools.reshape(12, -1) // 9).tolist()]
    assert all(len(own) == 2 for own in before)
    chosen = layer.connections.inputs()
    changed = layer.connections.refresh(0.5, generator)
    assert changed.any()
    assert torch.equal(layer.connections.inputs(), chosen)
    after = [set(row) for row in (layer.connections.candidates.reshape(12, -1) // 9).tolist()]
    assert all(new <= old for new, old in zip(after, before, strict=True))


def test_sizes_that_do_not_divide_are_told() -> None:
    def make(**options: object) -> object:
        return setup_connections("fixed", 18, 6, 2, init_method="channels", **options)

    for options, words in [
        ({}, "needs channels"),
        ({"channels": 4}, "do not divide"),
        ({"channels": 2, "luts_per_kernel": 4}, "do not divide"),
        ({"channels": 2, "groups": 2, "luts_per_kernel": 2}, "3 kernels do not divide into 2 groups"),
        ({"channels": 2, "channel_group_size": 3}, "channel_group_size is 3"),
        ({"channels": 2, "window": 3}, "no window"),
    ]:
        with pytest.raises(ValueError, match=words):
            make(**options)
