import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lutsmith.nn.connections import FixedConnections, Span, list_wirings, setup_connections
from lutsmith.nn.connections.wirings import REPEATING, draw_wiring, options_of

ANYWHERE = ["random", "random-unique", "iid", "arange", "butterfly"]  # for any sizes, without options
BALANCED = ["random", "arange", "butterfly"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(method, num_inputs, num_luts, rank, seed=0, usable=None, **options):
    usable = np.ones(num_inputs, dtype=bool) if usable is None else usable
    return draw_wiring(method, usable, num_luts, rank, generator(seed), **options)


def fanout(rows, num_inputs):
    return np.bincount(rows.reshape(-1), minlength=num_inputs)


def is_distinct(rows):
    return all(len(set(row)) == len(row) for row in rows.tolist())


@st.composite
def sizes(draw_):
    rank = draw_(st.integers(1, 8))
    return draw_(st.integers(rank, rank + 40)), draw_(st.integers(1, 90)), rank


@pytest.mark.parametrize("method", ANYWHERE)
@settings(max_examples=60, deadline=None)
@given(sizes(), st.integers(0, 99))
def test_every_wiring_has_its_shape_range_and_promises(method, sizes, seed):
    num_inputs, num_luts, rank = sizes
    rows = draw(method, num_inputs, num_luts, rank, seed)
    assert rows.shape == (num_luts, rank)
    assert rows.min() >= 0
    assert rows.max() < num_inputs
    if method not in REPEATING:
        assert is_distinct(rows)
    if method in BALANCED:
        assert np.ptp(fanout(rows, num_inputs)) <= 1
    assert np.array_equal(rows, draw(method, num_inputs, num_luts, rank, seed))


@pytest.mark.parametrize("method", ANYWHERE)
@settings(max_examples=30, deadline=None)
@given(sizes(), st.integers(0, 99))
def test_wirings_read_usable_inputs_alone(method, sizes, seed):
    num_inputs, num_luts, rank = sizes
    usable = np.zeros(num_inputs * 2, dtype=bool)
    usable[np.random.default_rng(seed).permutation(num_inputs * 2)[:num_inputs]] = True
    assert usable[draw(method, 0, num_luts, rank, seed, usable=usable)].all()


@pytest.mark.parametrize("method", ["random", "random-unique", "iid"])
def test_seeds_draw_different_wirings(method):
    assert not np.array_equal(draw(method, 30, 40, 4, seed=0), draw(method, 30, 40, 4, seed=1))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 120), st.integers(1, 5), st.integers(0, 99))
def test_random_unique_repeats_a_set_only_when_all_are_used(num_inputs, num_luts, rank, seed):
    rank = min(rank, num_inputs)
    rows = draw("random-unique", num_inputs, num_luts, rank, seed)
    counts = np.unique(np.sort(rows, axis=1), axis=0, return_counts=True)[1]
    possible = math.comb(num_inputs, rank)
    assert len(counts) == min(num_luts, possible)
    assert counts.max() <= -(-num_luts // possible)


def test_random_unique_covers_the_inputs_of_a_layer():
    assert fanout(draw("random-unique", 100, 50, 4), 100).min() >= 1
    assert len(np.unique(np.sort(draw("random-unique", 20, 4000, 6), axis=1), axis=0)) == 4000


def test_iid_repeats_inputs_as_chance_has_it():
    rows = draw("iid", 10, 2000, 4)
    repeating = np.mean([len(set(row)) < 4 for row in rows.tolist()])
    assert abs(repeating - (1 - 10 * 9 * 8 * 7 / 10**4)) < 0.05


def test_arange_is_dwns_and_goes_around():
    assert draw("arange", 5, 4, 2).tolist() == [[0, 1], [2, 3], [4, 0], [1, 2]]
    assert draw("arange", 2, 1, 3).tolist() == [[0, 1, 0]]


def depth_until_all(num_inputs, width, rank):
    reach = [{i} for i in range(num_inputs)]
    for depth in range(1, 20):
        rows = draw("butterfly", len(reach), width, rank)
        reach = [set().union(*(reach[i] for i in row)) for row in rows.tolist()]
        if all(len(inputs) == num_inputs for inputs in reach):
            return depth
    return None


@pytest.mark.parametrize(("rank", "power"), [(2, 6), (3, 4), (4, 3), (6, 2), (8, 2)])
def test_butterflies_reach_every_input_at_the_depth_of_an_fft(rank, power):
    assert depth_until_all(rank**power, rank**power, rank) == power


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 120), st.integers(2, 6))
@example(width=80, rank=3)
def test_butterflies_of_any_width_reach_every_input_three_layers_later(width, rank):
    rank = min(rank, width)
    least = next(depth for depth in range(1, 9) if rank**depth >= width)
    assert depth_until_all(width, width, rank) <= least + 3


def test_a_butterfly_node_reads_the_stride_of_an_fft_and_passes_all_inputs_first():
    rows = draw("butterfly", 16, 16, 2)
    assert (np.abs(rows[:, 0] - rows[:, 1]) == 8).all()
    assert sorted(rows[:, 0].tolist()) == list(range(16))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(2, 7), st.integers(2, 7), st.integers(1, 4), st.integers(1, 200), st.data())
def test_local_luts_read_distinct_inputs_of_one_window(channels, height, width, window, num_luts, data):
    cells = channels * min(window, height) * min(window, width)
    rank = data.draw(st.integers(1, min(8, cells)))
    shape = (channels, height, width)
    rows = draw("local", channels * height * width, num_luts, rank, shape=shape, window=window)
    assert rows.shape == (num_luts, rank)
    assert is_distinct(rows)
    _, y, x = np.unravel_index(rows, shape)
    assert (np.ptp(y, axis=1) < window).all()
    assert (np.ptp(x, axis=1) < window).all()


def test_local_luts_are_an_image_again():
    rows = draw("local", 2 * 6 * 5, 3 * 6 * 5, 4, shape=(2, 6, 5), window=3)
    _, y, x = np.unravel_index(rows, (2, 6, 5))
    place_y, place_x = np.unravel_index(np.arange(90) % 30, (6, 5))
    middle_y, middle_x = np.clip(place_y, 1, 4)[:, None], np.clip(place_x, 1, 3)[:, None]
    assert (np.abs(y - middle_y) <= 1).all()
    assert (np.abs(x - middle_x) <= 1).all()


def test_local_luts_are_spread_evenly_over_places():
    rows = draw("local", 50, 10, 2, shape=(50,), window=2)
    gaps = np.diff(np.sort(rows.min(1)))
    assert gaps.min() >= 4
    assert gaps.max() <= 6
    many = draw("local", 3 * 8, 8 * 20, 3, shape=(3, 8), window=1)
    assert np.array_equal(fanout(many, 24), np.full(24, 20))


@pytest.mark.parametrize(("num_luts", "image"), [(2000, True), (1960, False)])
def test_a_class_of_local_luts_sees_the_whole_image(num_luts, image):
    rows = draw("local", 14 * 14, num_luts, 4, shape=(14, 14, 1)[::-1], window=3, image=image)
    _, y, x = np.unravel_index(rows, (1, 14, 14))
    for group in np.split(np.arange(num_luts), 10):
        quarters = (y[group].mean(1) > 6.5) * 2 + (x[group].mean(1) > 6.5)
        assert np.bincount(quarters.astype(int), minlength=4).min() > 0.2 * len(group)


def test_local_windows_without_usable_inputs_are_left_out():
    usable = np.zeros((1, 8, 8), dtype=bool)
    usable[:, 3:6, 3:6] = True
    rows = draw("local", 64, 100, 4, usable=usable.reshape(-1), shape=(1, 8, 8))
    assert usable.reshape(-1)[rows].all()
    with pytest.raises(ValueError, match="no window of 3 x 3"):
        draw("local", 64, 100, 4, usable=np.arange(64) < 2, shape=(1, 8, 8))


def slow_span(span):
    """lutnets' generator, cell by cell."""
    (dx, dy, dz), (lx, ly, lz), (hx, hy, hz) = span.dims, span.lens, span.hops
    counts = [math.ceil((d - n) / h) + 1 for d, n, h in zip(span.dims, span.lens, span.hops, strict=True)]
    rows = []
    for k, j, i in itertools.product(*(range(count) for count in reversed(counts))):
        x0, y0, z0 = min(i * hx, dx - lx), min(j * hy, dy - ly), min(k * hz, dz - lz)
        cells = itertools.product(range(lz), range(ly), range(lx))
        rows.append([span.offset + dx * dy * (z0 + z) + dx * (y0 + y) + x0 + x for z, y, x in cells])
    return rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_spans_are_lutnets_windows(data):
    dims = tuple(data.draw(st.integers(1, 7)) for _ in range(3))
    lens = tuple(data.draw(st.integers(1, dim)) for dim in dims)
    hops = tuple(data.draw(st.integers(1, 4)) for _ in range(3))
    span = Span(data.draw(st.integers(0, 5)), dims, lens, hops)
    assert span.rows().tolist() == slow_span(span)
    assert math.prod(span.counts) == len(span.rows())


def test_the_layers_of_lutnets_second_network_have_their_sizes():
    layers = [
        (6272, [(0, (8, 28, 28), (6, 1, 1), (1, 1, 1))], 2352),
        (2352, [(0, (3, 28, 28), (3, 2, 1), (1, 1, 1))], 756),
        (
            756,
            [
                (0, (1, 27, 28), (1, 3, 2), (1, 3, 2)),
                (0, (9, 12, 7), (1, 6, 1), (1, 6, 1)),
                (0, (7, 9, 12), (1, 3, 2), (1, 3, 2)),
            ],
            378,
        ),
        (22, [(0, (1, 22, 1), (1, 6, 1), (1, 3, 1)), (0, (11, 2, 1), (3, 2, 1), (2, 1, 1))], 12),
    ]
    for num_inputs, spans, num_luts in layers:
        rows = draw("spans", num_inputs, num_luts, 6, spans=spans)
        assert rows.shape == (num_luts, 6)
        assert fanout(rows, num_inputs).min() >= 1


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 8), st.integers(0, 20), st.integers(5, 60))
def test_grouped_luts_read_their_own_group(num_groups, rank, extra, num_luts):
    num_inputs = num_groups * (rank + extra)
    rows = draw("grouped", num_inputs, num_luts, rank, num_groups=num_groups)
    assert is_distinct(rows)
    groups = rows // (rank + extra)
    assert np.array_equal(groups, np.repeat(np.arange(num_luts)[:, None] * num_groups // num_luts, rank, axis=1))
    for group in range(num_groups):
        assert np.ptp(fanout(rows, num_inputs).reshape(num_groups, -1)[group]) <= 1


def test_indices_are_the_wiring_itself():
    given_ = torch.tensor([[0, 0], [4, 2]])
    connections = FixedConnections(5, 2, 2, indices=given_)
    given_[0, 0] = 3
    assert connections.inputs().tolist() == [[0, 0], [4, 2]]
    assert connections.inputs().dtype == torch.int32
    for dtype in (np.int64, np.uint8, np.uint64):
        wiring = np.array([[1, 2], [3, 4]], dtype=dtype)
        assert FixedConnections(5, 2, 2, indices=wiring).inputs().tolist() == [[1, 2], [3, 4]]


def test_group_settings_alone_mean_grouped():
    assert torch.equal(
        setup_connections("random", 12, 6, 2, num_groups=3, generator=generator()).inputs(),
        setup_connections("fixed", 12, 6, 2, init_method="grouped", num_groups=3, generator=generator()).inputs(),
    )


def test_the_registry_knows_every_wiring_and_its_options():
    assert list_wirings() == sorted([*ANYWHERE, "channels", "grouped", "local", "spans"])
    assert options_of("local") == ["shape", "window", "image"]
    assert options_of("random") == []


@pytest.mark.parametrize(
    ("settings_", "error", "words"),
    [
        ({"init_method": "nope"}, ValueError, "random-unique"),
        ({"init_method": "local"}, ValueError, "'local' needs shape"),
        ({"init_method": "random", "shape": (9,)}, ValueError, "'random' has no shape; it takes no options"),
        ({"init_method": "local", "shape": (9,), "spans": ()}, ValueError, "no spans; it takes shape, window"),
        ({"init_method": "local", "shape": (3, 4)}, ValueError, "9 elements"),
        ({"init_method": "local", "shape": 9}, ValueError, "shape is 9; expected"),
        ({"init_method": "local", "shape": (3.0, 3)}, ValueError, r"shape is \(3.0, 3\); expected"),
        ({"init_method": "local", "shape": (3, 3), "window": 0}, ValueError, "window is 0"),
        ({"init_method": "local", "shape": (9,), "window": 2.5}, ValueError, "window is 2.5"),
        ({"init_method": ""}, ValueError, "init_method is ''"),
        ({"init_method": "local", "shape": (3, 3), "window": (1, 1)}, ValueError, "positive number, or 1"),
        (
            {"init_method": "grouped", "num_groups": 0},
            ValueError,
            "num_groups is 0; .* from 1 to 5",
        ),
        ({"init_method": "grouped", "num_groups": 5}, ValueError, "group 0 of 5 has 2 usable inputs"),
        ({"init_method": "spans", "spans": []}, ValueError, "no windows"),
        ({"init_method": "spans", "spans": [(0, (9, 1, 1), (4, 1, 1))]}, ValueError, "not a span"),
        ({"init_method": "spans", "spans": [(0, (9, 1, 1), (3, 1, 1), (1, 1, 1))]}, ValueError, "windows of 3 inputs"),
        ({"init_method": "spans", "spans": [(0, (9, 1, 1), (4, 1, 1), (0, 1, 1))]}, ValueError, "below 1"),
        ({"init_method": "spans", "spans": [(0, (2, 9, 1), (4, 1, 1), (1, 1, 1))]}, ValueError, "larger than its box"),
        ({"init_method": "spans", "spans": [(1, (9, 1, 1), (4, 1, 1), (1, 1, 1))]}, ValueError, "ends at input 10"),
        ({"init_method": "spans", "spans": [(0, (9, 1, 1), (4, 1, 1), (1, 1, 1))]}, ValueError, "have 6 windows"),
        ({"indices": torch.zeros(5, 3).int()}, ValueError, r"\(5, 3\)"),
        ({"indices": torch.zeros(5, 4)}, TypeError, "float32"),
        ({"indices": torch.full((5, 4), 9)}, ValueError, "9..9; expected 0..8"),
        ({"indices": torch.full((5, 4), -1)}, ValueError, "-1..-1"),
        ({"indices": torch.zeros(5, 4).int(), "init_method": "iid"}, ValueError, "combined with init_method"),
        ({"indices": torch.zeros(5, 4).int(), "usable": torch.arange(9) > 0}, ValueError, "input 0, which is not"),
        ({"init_method": "arange", "usable": torch.zeros(9, dtype=torch.bool)}, ValueError, "layer has 0"),
    ],
)
def test_impossible_wirings_are_refused(settings_, error, words):
    with pytest.raises(error, match=words):
        setup_connections("fixed", 9, 5, 4, **settings_)


def test_spans_refuse_unusable_inputs():
    options = {"init_method": "spans", "spans": [(0, (9, 1, 1), (4, 1, 1), (1, 1, 1))]}
    with pytest.raises(ValueError, match="input 8, which is not usable"):
        setup_connections("fixed", 9, 6, 4, usable=torch.arange(9) < 8, **options)
