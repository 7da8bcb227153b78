"""What learned connections compute: values and gradients against slow forms, refreshing, freezing, memory."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.best import naive as naive_best
from lutsmith.kernels.training.mix import naive as naive_mix
from lutsmith.nn import LogicDense, to_circuit
from lutsmith.nn.connections import DenseConnections, LearnableConnections, TopKConnections, setup_connections
from lutsmith.nn.connections.windows import local_windows


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# Every way to connect a layer, for 24 inputs and 10 LUTs of rank 3.
WAYS = {
    "random": {},
    "random-unique": {"init_method": "random-unique"},
    "iid": {"init_method": "iid"},
    "arange": {"init_method": "arange"},
    "butterfly": {"init_method": "butterfly"},
    "local": {"init_method": "local", "shape": (2, 4, 3)},
    "spans": {"init_method": "spans", "spans": [(4, (12, 1, 1), (3, 1, 1), (1, 1, 1))]},
    "grouped": {"num_groups": 2},
    "indices": {"indices": torch.arange(30).view(10, 3) % 7 // 2},
    "hard": {"connections": "learnable", "num_candidates": 5},
    "hard dwn": {"connections": "learnable", "num_candidates": 5, "connection_rule": "dwn"},
    "overlapping": {"connections": "learnable", "num_candidates": 20},
    "all": {"connections": "learnable", "num_candidates": -1},
    "groups": {"connections": "learnable", "num_candidates": 4, "num_groups": 2, "group_bias": 0.75},
    "local pools": {"connections": "learnable", "num_candidates": 4, "init_method": "local", "shape": (2, 4, 3)},
    "gumbel": {"connections": "learnable", "num_candidates": 5, "connection_sampling": "gumbel"},
    "gumbel dwn": {
        "connections": "learnable",
        "num_candidates": 5,
        "connection_sampling": "gumbel",
        "connection_rule": "dwn",
    },
    "soft": {"connections": "learnable", "num_candidates": 5, "connection_sampling": "soft"},
    "top-k": {"connections": "top-k", "num_candidates": 5},
    "dense": {"connections": "dense"},
    "dense softmax": {"connections": "dense", "connection_rule": "softmax"},
    "dense argmax": {"connections": "dense", "unique": False},
}
LEARNED = [way for way, options in WAYS.items() if "connections" in options]
USABLE = torch.arange(24) % 6 != 1


def make(way, seed=0, usable=None, parametrization="light", **more):
    return LogicDense(
        24,
        10,
        3,
        parametrization=parametrization,
        weight_init="random",
        generator=generator(seed),
        usable=usable,
        **WAYS[way],
        **more,
    )


def naive(layer, x, noise):
    """The training output by torch's own gradients, every candidate of every slot and sample at once."""
    connections = layer.connections
    inputs, scores = connections.inputs().long(), connections.scores
    if isinstance(connections, DenseConnections):
        candidates = connections.usable.nonzero().flatten().expand(scores.shape)
        sampling = "hard"
    else:
        candidates, sampling = connections.candidates.long(), connections.sampling
    if sampling == "gumbel":
        scores = scores + noise
        inputs = candidates.gather(2, scores.argmax(2, keepdim=True)).squeeze(2)
    values = x[:, candidates]  # (B, W, n, K)
    shares = torch.softmax(scores / connections.temperature, dim=-1)
    mix = (shares * values).sum(-1)
    if sampling == "soft":
        read = mix
    else:
        if connections.rule == "dwn":
            mix = ((2 * values.detach() - 1) * scores + shares.detach() * values).sum(-1)
        read = x[:, inputs].detach() + mix - mix.detach()
    tables = layer.weight.sigmoid()
    total = 0
    for address in range(8):
        factors = [read[..., j] if address >> j & 1 else 1 - read[..., j] for j in range(3)]
        total = total + tables[:, address] * factors[0] * factors[1] * factors[2]
    return total


@pytest.mark.parametrize("way", LEARNED)
@settings(max_examples=4, deadline=None)
@given(st.sampled_from([1, 3, 64, 70]), st.integers(0, 99), st.booleans(), st.booleans())
def test_values_and_gradients_are_those_of_a_slow_form(way, batch, seed, binary, masked):
    layer = make(way, seed, USABLE if masked and way not in ("all", "overlapping") else None).double()
    layer.connections.temperature = 0.3
    x = torch.rand(batch, 24, dtype=torch.float64, generator=generator(seed))
    x = (x.round() if binary else x).requires_grad_()
    weights = torch.randn(batch, 10, dtype=torch.float64, generator=generator(seed))
    torch.manual_seed(seed)
    noise = -torch.empty_like(layer.connections.scores).exponential_().log()
    if way.startswith("gumbel"):  # disjoint pools: no slot has to give way to another
        assert layer.connections.candidates.flatten(1).sort(1).values.diff(dim=1).all()
    torch.manual_seed(seed)
    leaves = [x, layer.weight, layer.connections.scores]
    ours, slow = layer(x), naive(layer, x, noise)
    torch.testing.assert_close(ours, slow)
    ours = torch.autograd.grad((ours * weights).sum(), leaves)
    for one, other in zip(ours, torch.autograd.grad((slow * weights).sum(), leaves), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=4, deadline=None)
@given(st.sampled_from([0, 1, 63, 64, 130]), st.integers(0, 99))
def test_eval_is_the_truth_table_and_the_circuit(way, batch, seed):
    layer = make(way, seed).eval()
    bits = torch.rand(batch, 24, generator=generator(seed)).round()
    tables, inputs = layer.get_luts_and_ids()
    address = sum(bits[:, inputs[j]].long() << j for j in range(3))
    expected = tables.expand(batch, 10, 8).gather(2, address.unsqueeze(-1)).squeeze(-1).float()
    assert torch.equal(layer(bits), expected)
    if batch:
        assert np.array_equal(to_circuit(layer, (24,)).outputs(bits.numpy()), expected.bool().numpy())


@pytest.mark.parametrize("way", [way for way in WAYS if not way.startswith(("gumbel", "soft", "top"))])
@pytest.mark.parametrize("parametrization", ["light", "dwn"])
def test_hard_layers_compute_in_training_what_they_do_in_eval(way, parametrization):
    layer = make(way, parametrization=parametrization, forward_sampling="hard")
    bits = torch.rand(100, 24).round()
    assert torch.equal(layer(bits).round(), layer.eval()(bits))


@pytest.mark.parametrize("way", ["soft", "top-k", "gumbel"])
def test_a_low_temperature_or_a_clear_score_takes_training_to_the_hard_choice(way):
    layer = make(way, forward_sampling="hard")
    bits = torch.rand(200, 24).round()
    assert not torch.equal(layer.train()(bits).round(), layer.eval()(bits))
    with torch.no_grad():
        layer.connections.scores[:, :, 3] += 200
    layer.connections.temperature = 0.01
    assert torch.equal(layer.train()(bits).round(), layer.eval()(bits))


def test_gumbel_noise_is_fresh_in_training_and_absent_in_eval():
    layer, x = make("gumbel"), torch.rand(50, 24)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


@pytest.mark.parametrize("kind", ["iid", "arange", "indices"])
def test_luts_that_read_an_input_twice_have_the_gradient_of_both_slots(kind):
    repeated = torch.tensor([[0, 0, 1], [2, 1, 2], [1, 1, 1]])
    layer = LogicDense(3, 3, 3, indices=repeated, weight_init="random", generator=generator()).double()
    x = torch.rand(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize("way", WAYS)
def test_only_usable_inputs_are_read_and_counted(way):
    if way in ("indices", "spans"):
        return
    layer = make(way, usable=USABLE)
    inputs = layer.connections.inputs().long()
    coverage = layer.connections.coverage()
    fanout = torch.bincount(inputs.flatten(), minlength=24)
    assert USABLE[inputs].all()
    assert coverage.num_inputs == 20
    assert coverage.num_slots == 30
    assert list(coverage.unused) == [i for i in range(24) if USABLE[i] and not fanout[i]]
    assert sum(coverage.histogram) == 20
    assert sum(f * count for f, count in enumerate(coverage.histogram)) == 30
    assert coverage.max_fanout == fanout.max()
    assert coverage.mean_fanout == 1.5
    assert repr(coverage).startswith(f"Coverage({20 - len(coverage.unused)} of 20 inputs read, fan-out mean 1.50, max")


@pytest.mark.parametrize("way", WAYS)
def test_frozen_layers_are_fixed_ones(way):
    layer = make(way)
    before = layer.connections.inputs()
    layer.freeze()
    fixed = LogicDense(24, 10, 3, indices=before)
    fixed.load_state_dict({**fixed.state_dict(), "weight": layer.weight})
    again = make(way, seed=7)
    again.load_state_dict(layer.state_dict())
    x = torch.rand(40, 24)
    for candidate in (layer, again):
        grads = []
        for model in (candidate, fixed):
            leaf = x.clone().requires_grad_()
            model(leaf).square().sum().backward()
            grads.append(leaf.grad)
        assert torch.equal(*grads)
        assert torch.equal(candidate(x), fixed(x))
        if way in LEARNED:
            assert candidate.connections.scores.grad is None
            with torch.no_grad():
                candidate.connections.reads()
    assert torch.equal(layer.connections.inputs(), before)


@pytest.mark.parametrize("way", LEARNED)
def test_a_step_that_was_under_way_does_not_reach_frozen_scores(way):
    layer = make(way)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1000)
    layer(torch.rand(40, 24)).square().sum().backward()
    before = layer.connections.inputs()
    layer.freeze()
    optimizer.step()
    assert torch.equal(layer.connections.inputs(), before)


def test_a_frozen_dense_layer_keeps_its_choice_whatever_its_scores():
    connections = DenseConnections(20, 5, 3, generator=generator())
    before = connections.inputs()
    connections.freeze()
    with torch.no_grad():
        connections.scores.zero_()
    assert torch.equal(connections.inputs(), before)


# --- the mix -----------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([0, 1, 7, 64, 130, 300]),
    st.integers(1, 20),
    st.integers(1, 4),
    st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
    st.integers(0, 99),
)
def test_the_mix_is_the_weighted_mean_of_rows(batch, choices, rank, dtype, seed):
    source = generator(seed)
    x = torch.rand(30, batch, generator=source).to(dtype)
    candidates = torch.randint(30, (9, rank, choices), generator=source).int()
    scores = torch.randn(9, rank, choices, generator=source)
    mixed = ops.mix(x, candidates, scores, 0.7)
    shares = torch.softmax(scores.double() / 0.7, dim=2)
    slow = (x.double()[candidates.long()] * shares.unsqueeze(-1)).sum(2).flatten(0, 1)
    assert mixed.dtype == dtype
    tolerance = {"atol": 1e-2, "rtol": 0} if dtype == torch.bfloat16 else {"atol": 1e-6, "rtol": 0}
    torch.testing.assert_close(mixed, naive_mix.mix(x, candidates, scores, 0.7), **tolerance)
    torch.testing.assert_close(mixed.double(), slow, **tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_mix_is_an_operation_that_torch_knows(dtype):
    x = torch.rand(9, 20, dtype=dtype, requires_grad=True)
    candidates, scores = torch.randint(9, (5, 2, 4)).int(), torch.rand(5, 2, 4, dtype=dtype, requires_grad=True)
    torch.library.opcheck(torch.ops.lutsmith.mix.default, (x, candidates, scores, 0.5))


def test_a_mix_of_wrong_shapes_or_rows_is_refused():
    x, scores = torch.rand(9, 20), torch.rand(5, 2, 4)
    with pytest.raises(ValueError, match="one shape"):
        ops.mix(x, torch.zeros(5, 2, 3).int(), scores)
    with pytest.raises(ValueError, match=r"0\.\.8"):
        ops.mix(x, torch.full((5, 2, 4), 9).int(), scores)
    with pytest.raises(ValueError, match="int32"):
        ops.mix(x, torch.zeros(5, 2, 4).long(), scores)
    with pytest.raises(ValueError, match="temperature"):
        ops.mix(x, torch.zeros(5, 2, 4).int(), scores, 0.0)


@pytest.mark.parametrize("way", ["soft", "gumbel", "dense", "dense softmax"])
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled_layers_compute_the_same(way):
    layer, x = make(way), torch.rand(33, 24)
    compiled = torch.compile(layer, backend="aot_eager")
    torch.manual_seed(3)
    expected = layer(x)
    torch.manual_seed(3)
    torch.testing.assert_close(compiled(x), expected)


# --- candidates ----------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(2, 12), st.integers(0, 60), st.floats(0.05, 0.95), st.integers(0, 99))
def test_refreshing_changes_candidates_and_nothing_that_is_read(rank, k, extra, share, seed):
    num_inputs = max(rank, k) + extra
    connections = LearnableConnections(num_inputs, 25, rank, num_candidates=k, generator=generator(seed))
    with torch.no_grad():
        connections.scores.copy_(torch.randn(25, rank, k, generator=generator(seed)))
    read, before, scores = connections.inputs(), connections.candidates.clone(), connections.scores.detach().clone()
    changed = connections.refresh(share, generator(seed))
    after = connections.candidates
    assert torch.equal(connections.inputs(), read)
    assert torch.equal(changed, after != before)
    assert torch.equal(changed, connections.scores != scores)
    assert after.min() >= 0
    assert after.max() < num_inputs
    assert all(len(set(slot)) == k for lut in after.tolist() for slot in lut)
    count = min(k - 1, max(1, int(share * k + 0.5)))
    assert changed.sum(2).max() <= count
    in_use = before == read.unsqueeze(-1)
    assert not (changed & in_use).any()
    kept = scores.masked_fill(changed | in_use, torch.inf).amin(2)
    dropped = scores.masked_fill(~changed, -torch.inf).amax(2)
    if num_inputs >= 3 * rank * k:  # there are free inputs enough for all, and pools are disjoint
        assert (changed.sum(2) == count).all()
        assert (dropped <= kept).all()
        assert after.flatten(1).sort(1).values.diff(dim=1).all()
    for scored in (torch.randn(25, rank, k, generator=generator(seed)), -connections.scores, torch.zeros(25, rank, k)):
        chosen = ops.choose(scored, after)
        assert all(len(set(lut)) == rank for lut in chosen.tolist())


@pytest.mark.parametrize("bias", [None, 1.0, 0.75, 0.0])
def test_groups_keep_their_share_of_the_candidates_through_refreshing(bias):
    usable = torch.rand(120, generator=generator()) > 0.2
    connections = LearnableConnections(
        120, 30, 3, num_candidates=4, num_groups=3, group_bias=bias, usable=usable, generator=generator()
    )
    own = 4 if bias is None else int(bias * 4)
    for seed in range(3):
        is_own = connections.candidates // 40 == torch.arange(30).view(-1, 1, 1) // 10
        assert (is_own.sum(2) == own).all()
        assert usable[connections.candidates.long()].all()
        assert connections.refresh(0.5, generator(seed)).sum() > 100


@pytest.mark.parametrize("way", ["hard", "local pools"])
def test_a_refreshed_state_is_complete(way):
    connections = make(way).connections
    assert connections.refresh(0.4, generator(5)).any()
    fresh = make(way, seed=9).connections
    fresh.load_state_dict(connections.state_dict())
    assert torch.equal(fresh.inputs(), connections.inputs())
    assert torch.equal(fresh.refresh(0.4, generator(6)), connections.refresh(0.4, generator(6)))
    assert torch.equal(fresh.candidates, connections.candidates)


def test_frozen_candidates_are_not_refreshed():
    connections = make("hard").connections
    connections.freeze()
    assert not connections.refresh(0.5).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(2, 4), st.integers(1, 100), st.floats(0.05, 0.95), st.integers(0, 99))
def test_candidates_of_places_come_from_their_window_and_so_do_new_ones(rank, k, luts, share, seed):
    usable = torch.rand(2, 8, 7, generator=generator(seed)) > 0.1
    usable[:, :3] = True  # one window at least has inputs enough
    connections = LearnableConnections(
        112,
        luts,
        rank,
        num_candidates=k,
        init_method="local",
        shape=(2, 8, 7),
        window=3,
        usable=usable.flatten(),
        generator=generator(seed),
    )
    windows = local_windows(
        112, luts, rank * k, shape=(2, 8, 7), window=3, usable=usable.flatten().numpy(), image=False
    )
    count = min(k - 1, max(1, int(share * k + 0.5)))
    for turn in range(3):
        for pool, owner in zip(connections.candidates.flatten(1).tolist(), windows.owners, strict=True):
            assert len(set(pool)) == rank * k
            assert set(pool) <= set(windows.members[owner].tolist())
        with torch.no_grad():
            connections.scores.copy_(torch.randn(luts, rank, k, generator=generator(seed + turn)))
        read, before = connections.inputs(), connections.candidates.clone()
        changed = connections.refresh(share, generator(turn))
        assert torch.equal(connections.inputs(), read)
        assert torch.equal(changed, connections.candidates != before)
        free = torch.tensor([len(windows.members[owner]) - rank * k for owner in windows.owners])
        assert not changed[free == 0].any()
        assert (changed.sum(2)[free >= 6] == count).all()  # a third of the window: one in 10^17 finds none


def test_candidates_of_a_butterfly_are_not_refreshed():
    connections = LearnableConnections(24, 10, 3, num_candidates=4, init_method="butterfly")
    with pytest.raises(ValueError, match="'butterfly' cannot be refreshed; random and local ones can"):
        connections.refresh(0.5)


# --- dense -------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10), st.integers(1, 20), st.integers(0, 99), st.booleans())
def test_dense_choices_are_those_among_all_candidates(rank, extra, luts, seed, alike):
    scores = torch.rand(luts, rank, rank + extra, generator=generator(seed))
    if alike:
        scores = scores[:, :1].expand_as(scores).contiguous()
    everything = torch.arange(rank + extra, dtype=torch.int32).expand(scores.shape).contiguous()
    assert torch.equal(ops.best(scores, unique=True), ops.choose(scores, everything))
    assert torch.equal(ops.best(scores, unique=False), scores.argmax(2).int())
    for unique in (True, False):
        assert torch.equal(ops.best(scores.double(), unique=unique), naive_best.best(scores, unique))


def test_the_best_input_is_an_operation_that_torch_knows():
    torch.library.opcheck(torch.ops.lutsmith.best.default, (torch.rand(5, 2, 4), True))
    with pytest.raises(ValueError, match="inputs for each slot"):
        ops.best(torch.rand(5, 4, 3), unique=True)
    assert ops.best(torch.rand(5, 4, 3), unique=False).shape == (5, 4)


def test_dwns_mapping_has_its_golden_gradients():
    connections = DenseConnections(3, 1, 2, temperature=0.5, unique=False)
    with torch.no_grad():
        connections.scores.copy_(torch.tensor([[[0.1, 0.9, 0.3], [0.2, 0.8, 0.1]]]))
    x = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]], requires_grad=True)
    rows, reads = connections.route(x)
    assert reads.inputs.tolist() == [[0, 1]]
    assert rows.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    grad = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    rows.backward(grad)
    scores = connections.scores.detach()[0]
    assert torch.equal(connections.scores.grad[0], grad @ (2 * x.detach() - 1).t())
    torch.testing.assert_close(x.grad, torch.softmax(scores / 0.5, 1).t() @ grad)


MNIST = """
import time, torch
from pathlib import Path
from torch import nn
from lutsmith.kernels import threads
from lutsmith.nn import GroupSum, LogicDense
torch.set_num_threads(1)
threads.set_num_threads(1)
for unique in (True, False):
    layer = LogicDense(2352, 2000, 6, parametrization="dwn", connections="dense", unique=unique)
    model = nn.Sequential(layer, GroupSum(10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2, fused=True)
    before = layer.connections.inputs()
    for _ in range(2):
        x, y = torch.rand(128, 2352).round(), torch.randint(10, (128,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert not torch.equal(layer.connections.inputs(), before)
    del layer, model, optimizer
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
def test_dense_connections_of_mnist_train_in_less_than_two_gigabytes():
    out = subprocess.run([sys.executable, "-c", MNIST], capture_output=True, text=True, timeout=300, check=True)
    assert int(out.stdout) * 1024 < 2e9, out.stdout


# --- settings ----------------------------------------------------------------------------------------------------


def test_bitlogics_names_and_the_short_ones_are_the_same():
    settings_ = {"num_candidates": 4, "num_groups": 2, "group_bias": 0.5, "init_method": "random-unique"}
    long = setup_connections(
        "learnable", 24, 10, 3, "cpu", connection_temperature=0.2, connection_sampling="gumbel", **settings_
    )
    short = setup_connections("learnable", 24, 10, 3, temperature=0.2, sampling="gumbel", device="cpu", **settings_)
    assert str(long) == str(short)
    assert (long.temperature, long.sampling) == (short.temperature, short.sampling) == (0.2, "gumbel")
    default = setup_connections("learnable", 24, 10, 3, None, num_candidates=None, connection_temperature=None)
    assert (default.num_candidates, default.temperature, default.sampling) == (8, 1.0, "hard")
    assert type(setup_connections("random", 24, 10, 3)) is type(setup_connections("fixed", 24, 10, 3))


def test_top_k_is_a_soft_learnable():
    connections = setup_connections("top-k", 24, 10, 3, num_candidates=4)
    assert isinstance(connections, TopKConnections)
    assert connections.sampling == "soft"


@pytest.mark.parametrize("kind", ["learnable", "dense"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_temperatures_may_change_and_stay_positive(kind, value):
    connections = setup_connections(kind, 24, 10, 3, temperature=2)
    connections.temperature = 0.5
    with pytest.raises(ValueError, match="temperature"):
        connections.temperature = value
    assert connections.temperature == 0.5


@pytest.mark.parametrize(
    ("kind", "settings_", "words"),
    [
        ("fixed", {"sampling": "soft"}, "no sampling; .*pass connections='learnable'"),
        ("fixed", {"group_bias": 0.5, "num_groups": 2}, "no group_bias; .*pass connections='learnable' or 'top-k'"),
        ("fixed", {"unique": False}, "no unique; .*pass connections='dense'"),
        ("fixed", {"nonsense": 1}, "no nonsense; it takes "),
        ("learnable", {"indices": torch.zeros(10, 3).int()}, "no indices; .*pass connections='fixed'"),
        ("learnable", {"num_candidates": 25}, "num_candidates is 25; .* from 2 to 24"),
        ("learnable", {"sampling": "nope"}, "hard, soft, gumbel"),
        ("learnable", {"sampling": "soft", "rule": "dwn"}, "gradient of their softmax"),
        ("learnable", {"temperature": 1, "connection_temperature": 1}, "given twice"),
        ("learnable", {"init_method": "iid"}, "expected one of random, "),
        ("learnable", {"init_method": "butterfly", "num_groups": 2, "num_candidates": 2}, "restricts random"),
        ("learnable", {"init_method": "random", "shape": (24,)}, "has no shape; it takes no options"),
        ("learnable", {"num_groups": 2, "group_bias": 1.5}, "between 0 and 1"),
        ("learnable", {"group_bias": 0.5}, "needs num_groups"),
        ("learnable", {"num_groups": 11}, "an integer from 1 to 10"),
        ("learnable", {"num_groups": 4}, "6 usable inputs are in group 0"),
        ("learnable", {"init_method": "local", "shape": (24,), "window": 5}, "no window of 5"),
        ("top-k", {"sampling": "hard"}, "no sampling; .*pass connections='learnable'"),
        ("dense", {"num_candidates": 4}, "no num_candidates; .*pass connections='learnable' or 'top-k'"),
        ("dense", {"rule": "nope"}, "softmax, dwn"),
    ],
)
def test_settings_that_a_kind_does_not_take_are_refused(kind, settings_, words):
    with pytest.raises(ValueError, match=words):
        setup_connections(kind, 24, 10, 3, **settings_)


@pytest.mark.parametrize("share", [0.0, 1.0, -1, float("nan")])
def test_a_share_to_refresh_is_above_0_and_below_1(share):
    with pytest.raises(ValueError, match="share"):
        make("hard").connections.refresh(share)


def test_tables_can_be_had_msb_first():
    layer = LogicDense(6, 1, 2, indices=[[3, 5]], weight_init="random")
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-1.0, 1.0, -1.0, -1.0]]))  # input 3 and not input 5
    assert layer.get_luts_and_ids()[0].tolist() == [[0, 1, 0, 0]]
    luts, ids = layer.get_luts_and_ids(msb_first=True)
    assert luts.tolist() == [[0, 0, 1, 0]]
    assert ids.tolist() == [[3], [5]]
    for rank in range(1, 7):
        layer = LogicDense(8, 4, rank, weight_init="random", generator=generator(rank))
        lsb, msb = layer.get_luts_and_ids()[0], layer.get_luts_and_ids(msb_first=True)[0]
        for address in range(2**rank):
            mirrored = int(f"{address:0{rank}b}"[::-1], 2)
            assert torch.equal(lsb[:, address], msb[:, mirrored])


@pytest.mark.parametrize("way", ["hard", "hard dwn", "gumbel", "soft", "top-k", "dense", "dense softmax"])
def test_layers_find_the_inputs_that_a_task_needs(way):
    torch.manual_seed(0)
    layer = LogicDense(24, 40, 1, generator=generator(), **WAYS[way])
    connections = layer.connections
    wanted = connections.candidates[:, 0, 2].long() if hasattr(connections, "candidates") else torch.arange(40) % 24
    if way == "dense softmax":
        connections.temperature = 0.1  # with one-hot shares, an input that is not read gets no gradient
    optimizer = torch.optim.Adam(layer.parameters(), 0.1)
    for _ in range(80):
        x = torch.rand(128, 24).round()
        optimizer.zero_grad()
        (layer(x) - x[:, wanted]).square().sum().backward()
        optimizer.step()
    assert (connections.inputs().flatten() == wanted).float().mean() >= 0.9


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_many_dense_scores_of_any_type_get_gradients_of_it(dtype: torch.dtype) -> None:
    layer = LogicDense(300, 120, 4, connections="dense").to(dtype)
    layer(torch.rand(5, 300, dtype=dtype)).sum().backward()
    gradient = layer.connections.scores.grad
    assert gradient.dtype == dtype
    assert bool(gradient.isfinite().all())
    assert bool(gradient.any())
