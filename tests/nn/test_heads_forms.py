"""What each head computes, while training and in eval mode, against its formula; and its gradients."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.nn.heads import (
    HEADS,
    GroupAffine,
    GroupedDSP,
    GroupSum,
    LearnableReduction,
    MultiLabel,
    OutputCode,
    Regression,
    setup_head,
)
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization


def sums(x, groups):
    return x.reshape(*x.shape[:-1], groups, -1).sum(-1)


def bits(*shape):
    return torch.randint(0, 2, shape).float()


def moved(head):
    """The head with random parameters."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter))
    return head


@pytest.mark.parametrize("name", HEADS)
def test_gradients_of_inputs_and_parameters_are_those_of_finite_differences(name):
    head = moved(setup_head(name, 2, in_dim=12, **({"bits": 2, "lut_rank": 3} if name == "reduction" else {}))).double()
    x = torch.rand(3, 12, dtype=torch.float64, requires_grad=True)
    rounds = name == "affine"  # its parameters pass a rounding
    parameters = [] if rounds else list(head.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: head(x), (x, *parameters))


def test_gradients_pass_the_rounding_of_the_affine_head():
    head, x = moved(GroupAffine(2, tau=1.0, wbits=4)), torch.rand(5, 12)
    head(x).square().sum().backward()
    scale, offset = (p.detach().clone().requires_grad_() for p in (head.scale, head.offset))
    a, b = ((p * 4).round().clamp(-limit, limit) / 4 for p, limit in ((scale, 7), (offset, 42)))
    scores = sums(x, 2) * (scale + (a - scale).detach()) + (offset + (b - offset).detach())
    scores.square().sum().backward()
    torch.testing.assert_close(head.scale.grad, scale.grad)
    torch.testing.assert_close(head.offset.grad, offset.grad)


# --- grouped dsp ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "groups"), [(3, None), (2, 6), (3, 7), (4, 2)])
def test_dsp_multiplies_counts_with_tanh_and_in_eval_with_integers(k, groups):
    head = moved(GroupedDSP(k, 3.0, 0.5, 6, num_groups=groups))
    groups = k if groups is None else groups
    x = torch.rand(8, 5 * groups)
    expected = sums(x, groups) @ head.weight.tanh().t() / 3 + 0.5
    torch.testing.assert_close(head(x), expected)
    table = head.weight.detach().double().numpy()
    integers = np.clip(np.rint(np.tanh(table) * 31), -31, 31).astype(int)
    counts = sums((x > 0.5).long(), groups).numpy()
    assert head.eval()(x).tolist() == (counts @ integers.T).tolist()


def test_dsp_starts_as_a_group_sum():
    x = bits(50, 30)
    head = GroupedDSP(3).eval()
    assert torch.equal(head(x), GroupSum(3).eval()(x) * round(127 * math.tanh(1)))
    assert GroupedDSP(2, num_groups=4).weight.tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]


def test_two_bits_are_ternary_weights_and_large_ones_saturate():
    head = GroupedDSP(2, wbits=2)
    head.weight.data = torch.tensor([[9.0, 0.1], [-9.0, math.inf]])
    assert head.integer_weight().tolist() == [[1, 0], [-1, 1]]


def test_scores_that_float32_cannot_hold_are_float64():
    head = GroupedDSP(2, wbits=16).eval()
    head.weight.data.fill_(100.0)
    x = torch.ones(1, 2002)
    x[0, 0] = 0
    assert head(x).dtype == torch.float64
    assert head(x).tolist() == [[32767 * 2001] * 2]
    assert GroupedDSP(2, wbits=8).eval()(x).dtype == torch.float32


# --- affine -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(2, 16), st.integers(0, 99), st.floats(0.1, 50))
def test_affine_scores_of_bits_agree_in_both_modes_up_to_the_divisor(k, size, wbits, seed, tau):
    torch.manual_seed(seed)
    head = GroupAffine(k, tau, wbits)
    head.scale.data = torch.randn(k) * 2
    head.offset.data = torch.randn(k) * size
    x = bits(20, k * size)
    training, scores = head(x), head.eval()(x)
    torch.testing.assert_close(training.double() * tau * head.unit, scores.double(), rtol=1e-5, atol=1e-4 * head.unit)
    unit, limit = 2 ** (wbits - 2), 2 ** (wbits - 1) - 1
    a = (head.scale.detach().double() * unit).round().clamp(-limit, limit)
    b = (head.offset.detach().double() * unit).round().clamp(-limit * size, limit * size)
    assert torch.equal(scores.double(), sums(x, k).double() * a + b)


def test_affine_starts_as_a_group_sum():
    x = torch.rand(9, 12)
    torch.testing.assert_close(GroupAffine(3)(x), GroupSum(3)(x))
    assert torch.equal(GroupAffine(3).eval()(x), GroupSum(3).eval()(x) * 64)


def test_a_scale_beyond_its_bits_keeps_its_gradient():
    head = GroupAffine(1, tau=1.0, wbits=4)
    head.scale.data.fill_(5.0)
    scores = head(bits(4, 6))
    scores.sum().backward()
    assert head.scale.grad.item() > 0
    assert head.integers(6)[0].item() == 7


# --- learnable reduction ----------------------------------------------------------------------------------------------


def by_hand(head, x):
    """The pyramid, LUT by LUT, on bits."""
    scores = []
    values = x.bool().tolist()
    for level in head.levels:
        tables, inputs = level.hard_tables().tolist(), level.connections.inputs().tolist()
        values = [
            [table[sum(row[i] << j for j, i in enumerate(reads))] for table, reads in zip(tables, inputs, strict=True)]
            for row in values
        ]
    for row in values:
        scores.append([sum(row[c * head.bits : (c + 1) * head.bits]) for c in range(head.k)])
    return scores


@settings(deadline=None, max_examples=25)
@given(
    k=st.integers(1, 3),
    size=st.integers(1, 20),
    narrow=st.integers(1, 20),
    rank=st.integers(2, 5),
    seed=st.integers(0, 9),
)
def test_a_reduction_is_its_pyramid_and_no_class_reads_anothers_bits(k, size, narrow, rank, seed):
    torch.manual_seed(seed)
    width = min(narrow, size)
    head = LearnableReduction(k, bits=width, lut_rank=rank, in_dim=k * size, weight_init="random").eval()
    x = bits(10, k * size)
    assert head(x).tolist() == by_hand(head, x)
    own = size
    for level in head.levels:
        reads = level.connections.inputs().reshape(k, -1, level.lut_rank)
        for label in range(k):
            assert sorted(set(reads[label].flatten().tolist())) == list(range(label * own, (label + 1) * own))
            assert all(len(set(lut)) == level.lut_rank for lut in reads[label].tolist())
        own = reads.shape[1]
    assert own == width


@pytest.mark.parametrize("name", list_parametrizations())
def test_a_reduction_of_any_parametrization_trains_and_hardens(name):
    torch.manual_seed(0)
    rank = 3 if 3 in setup_parametrization(name, 2).ranks else 2
    head = LearnableReduction(2, bits=2, lut_rank=rank, in_dim=24, parametrization=name)
    x = bits(40, 24)
    head(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in head.parameters())
    assert head.eval()(x).tolist() == by_hand(head, x)


@pytest.mark.parametrize("name", ["light", "dwn"])
def test_a_reduction_starts_with_majorities(name):
    head = LearnableReduction(1, bits=1, lut_rank=5, in_dim=5, parametrization=name).eval()
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=5)))
    assert head(x)[:, 0].tolist() == (x.sum(1) > 2.5).float().tolist()
    even = LearnableReduction(1, bits=1, lut_rank=4, in_dim=4, parametrization=name).eval()
    x = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)))
    assert even(x)[:, 0].tolist() == (x.sum(1) + 0.5 * x[:, 0] > 2.1).float().tolist()


def test_a_reduction_of_nothing_is_a_group_sum():
    x = torch.rand(7, 12)
    head = LearnableReduction(3, bits=4, in_dim=12)
    torch.testing.assert_close(head(x), GroupSum(3)(x))
    assert torch.equal(head.eval()(x), GroupSum(3).eval()(x))


# --- regression -------------------------------------------------------------------------------------------------------


def test_regression_reaches_from_offset_less_scale_to_offset_plus_scale():
    x = torch.tensor([[0.0] * 8, [1.0] * 8, [1, 1, 0, 0] * 2, [0.5] * 8])
    head = Regression(2, scale=[3.0, -2.0], offset=[10.0, 0.5])
    expected = [[7.0, 2.5], [13.0, -1.5], [10.0, 0.5], [10.0, 0.5]]
    torch.testing.assert_close(head(x), torch.tensor(expected))
    torch.testing.assert_close(head.eval()(x[:3]), torch.tensor(expected[:3]))
    assert Regression().k == 1


def test_regression_of_bits_differs_between_the_modes_by_rounding_alone():
    x = bits(100, 70)
    head = moved(Regression(2, scale=1e3, offset=-5e3))
    torch.testing.assert_close(head(x), head.eval()(x), rtol=1e-6, atol=1e-3)


# --- multi-label ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_labels_are_set_above_half_of_their_group(size):
    x = bits(60, 3 * size)
    counts = sums(x, 3)
    head = MultiLabel(3)
    assert torch.equal(head(x) > 0, counts > size / 2)
    scores = head.eval()(x)
    assert torch.equal(scores > 0, counts > size / 2)
    assert torch.equal(scores, counts - size // 2)


@pytest.mark.parametrize("threshold", [0, 2, 3.7, (0, 4, 1.5)])
def test_labels_are_set_above_a_given_threshold(threshold):
    x = bits(60, 15)
    expected = sums(x, 3) > torch.tensor(threshold)
    head = MultiLabel(3, threshold=threshold)
    assert torch.equal(head(x) > 0, expected)
    assert torch.equal(head.eval()(x) > 0, expected)
    other = MultiLabel(3, threshold=1)
    other.load_state_dict(head.state_dict())
    assert torch.equal(other.eval()(x), head(x))


def test_training_logits_are_counts_above_the_threshold_over_tau():
    x = torch.rand(9, 15)
    torch.testing.assert_close(MultiLabel(3, 2.0, threshold=1)(x), (sums(x, 3) - 1.5) / 2)


# --- output code ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(3, 12), st.integers(1, 4), st.integers(0, 99))
def test_scores_are_hamming_distances_from_the_words(k, length, repeats, seed):
    torch.manual_seed(seed)
    head = OutputCode(k, length=length)
    words = head.code_words.repeat_interleave(repeats, 1)
    x = bits(20, length * repeats)
    distances = (x.bool()[:, None] ^ words).sum(2)
    scores = head.eval()(x)
    assert torch.equal(scores, -distances.float())
    assert torch.equal(scores.argmax(1), distances.argmin(1))  # ties to the lowest class
    soft = torch.rand(20, length * repeats)
    expected = -(soft[:, None] - words.float()).abs().sum(2) / math.sqrt(length * repeats / 3)
    torch.testing.assert_close(head.train()(soft), expected)


def test_given_words_are_taken_from_any_array_and_saved():
    words = [[0, 0, 1], [1, 1, 0]]
    heads = [OutputCode(2, code_words=form) for form in (words, np.array(words), torch.tensor(words).bool())]
    x = bits(20, 6)
    assert all(torch.equal(head.eval()(x), heads[0].eval()(x)) for head in heads)
    other = OutputCode(2, length=3)
    other.load_state_dict(heads[0].state_dict())
    assert torch.equal(other.eval()(x), heads[0](x))


def test_ties_go_to_the_lowest_class():
    head = OutputCode(3, code_words=[[1, 1], [0, 0], [0, 1]]).eval()
    assert head(torch.tensor([[1.0, 0.0]])).tolist() == [[-1, -1, -2]]
    assert head(torch.tensor([[1.0, 0.0]])).argmax(-1).tolist() == [0]


def test_a_code_word_is_learned_by_the_layer_before_it():
    torch.manual_seed(0)
    logits = nn.Parameter(torch.zeros(12))
    head = OutputCode(4, length=12)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(100):
        loss = nn.functional.cross_entropy(head(logits.sigmoid()[None]), torch.tensor([2]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert head.eval()(logits.sigmoid()[None]).argmax(-1).item() == 2
