import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.choose import naive as naive_choose
from lutsmith.nn.connections import FixedConnections, LearnableConnections, list_connections, setup_connections
from lutsmith.nn.connections.balanced import balanced_rows, candidate_pools


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(1, 8), st.integers(0, 99))
def test_balanced_rows_are_distinct_and_balanced(num_inputs, num_rows, width, seed):
    if width > num_inputs:
        with pytest.raises(ValueError, match="distinct"):
            balanced_rows(num_inputs, num_rows, width, generator(seed))
        return
    rows = balanced_rows(num_inputs, num_rows, width, generator(seed))
    assert all(len(set(row)) == width for row in rows.tolist())
    uses = torch.bincount(torch.from_numpy(rows).flatten(), minlength=num_inputs)
    assert uses.max() - uses.min() <= 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.integers(0, 20), st.integers(2, 12), st.integers(0, 99), st.booleans())
def test_no_lut_ever_reads_an_input_twice(rank, extra, k, seed, equal_scores):
    num_inputs = rank + extra
    k = min(k, num_inputs)
    if k < 2:
        return
    pools = torch.from_numpy(candidate_pools(num_inputs, 30, rank, k, generator(seed)))
    assert pools.shape == (30, rank, k)
    assert all(len(set(slot)) == k for lut in pools.tolist() for slot in lut)
    scores = torch.zeros(30, rank, k) if equal_scores else torch.rand(30, rank, k, generator=generator(seed))
    if rank * k <= num_inputs:
        assert all(len({i for slot in lut for i in slot}) == rank * k for lut in pools.tolist())
    chosen = ops.choose(scores, pools.int())
    assert torch.equal(chosen, naive_choose.choose(scores, pools.int()))
    assert all(len(set(lut)) == rank for lut in chosen.tolist())
    assert (pools == chosen.unsqueeze(-1)).any(-1).all()


def test_later_slots_take_their_best_candidate_that_is_free():
    candidates = torch.tensor([[[0, 1, 2], [0, 1, 2], [2, 1, 0]]]).int()
    scores = torch.tensor([[[0.1, 0.9, 0.2], [0.3, 0.8, 0.5], [0.9, 0.8, 0.1]]])
    assert ops.choose(scores, candidates).tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_choosing_is_an_operation_that_torch_knows(dtype):
    candidates = torch.randint(0, 9, (5, 2, 4)).int()
    torch.library.opcheck(torch.ops.lutsmith.choose.default, (torch.rand(5, 2, 4, dtype=dtype), candidates))
    with pytest.raises(ValueError, match="one shape"):
        ops.choose(torch.rand(5, 2, 3), candidates)


@pytest.mark.parametrize("kind", list_connections())
def test_unusable_inputs_are_never_wired(kind):
    usable = torch.rand(50, generator=generator()) > 0.5
    connections = setup_connections(kind, 50, 200, 3, usable=usable, generator=generator())
    assert usable[connections.inputs().long()].all()
    if kind == "learnable":
        assert usable[connections.candidates.long()].all()


@pytest.mark.parametrize("kind", list_connections())
def test_a_seed_draws_the_same_wiring(kind):
    first, again, other = (
        setup_connections(kind, 30, 20, 4, generator=generator(seed)).state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_frozen_connections_keep_their_choice_and_cost_nothing():
    connections = LearnableConnections(40, 10, 4, num_candidates=5, generator=generator())
    before = connections.inputs()
    assert connections.reads().scores is connections.scores
    connections.freeze()
    reads = connections.reads()
    assert reads.candidates is None
    assert torch.equal(reads.inputs, before)
    fresh = LearnableConnections(40, 10, 4, num_candidates=5)
    fresh.load_state_dict(connections.state_dict())
    assert fresh.reads().candidates is None
    assert torch.equal(fresh.inputs(), before)


def test_minus_one_candidates_are_all_inputs():
    assert (
        LearnableConnections(7, 5, 3, num_candidates=-1).candidates.sort(-1).values.tolist()
        == [[list(range(7))] * 3] * 5
    )


@pytest.mark.parametrize(
    ("kind", "sizes", "settings_", "words"),
    [
        ("fixed", (3, 5, 4), {}, "rank 4.*3"),
        ("learnable", (3, 5, 4), {}, "rank 4.*3"),
        ("fixed", (9, 5, 4), {"usable": torch.arange(9) < 3}, "9 less 6"),
        ("fixed", (9, 5, 4), {"usable": torch.ones(8, dtype=torch.bool)}, "9 elements"),
        ("fixed", (9, 5, 4), {"usable": torch.ones(9)}, "expected bool"),
        ("fixed", (9, 0, 4), {}, "out_dim is 0"),
        ("learnable", (9, 5, 4), {"num_candidates": 1}, "from 2 to 9"),
        ("learnable", (9, 5, 4), {"num_candidates": 10}, "from 2 to 9"),
        ("learnable", (9, 5, 4), {"temperature": 0.0}, "temperature"),
        ("learnable", (9, 5, 4), {"rule": "x"}, "softmax, dwn"),
    ],
)
def test_impossible_connections_are_refused(kind, sizes, settings_, words):
    with pytest.raises(ValueError, match=words):
        setup_connections(kind, *sizes, **settings_)


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(ValueError, match="fixed, learnable"):
        setup_connections("nope", 4, 4, 2)


def test_fixed_connections_are_a_buffer():
    assert FixedConnections(9, 4, 2).state_dict()["indices"].dtype == torch.int32
