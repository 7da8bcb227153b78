"""GroupSum, and what all heads have in common: groups, tau, permutations, errors."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from lutsmith.nn import GroupSum
from lutsmith.nn.heads import HEADS, MultiLabel, OutputCode, code_words, setup_head

BOUNDED = {"regression"}  # without a tau


def test_training_scores_are_group_sums_over_tau():
    x = torch.rand(5, 12)
    torch.testing.assert_close(GroupSum(3, tau=2.5)(x), x.reshape(5, 3, 4).sum(-1) / 2.5)


def test_beta_is_added_while_training_alone():
    x = torch.rand(5, 12)
    head = GroupSum(3, 2.0, 1.5)
    torch.testing.assert_close(head(x), (x.reshape(5, 3, 4).sum(-1) + 1.5) / 2)
    assert torch.equal(head.eval()(x), GroupSum(3).eval()(x))


def test_auto_tau_is_the_root_of_a_third_of_the_group():
    x = torch.rand(5, 12)
    torch.testing.assert_close(GroupSum(3)(x), x.reshape(5, 3, 4).sum(-1) / math.sqrt(4 / 3))


@pytest.mark.parametrize("head", [GroupSum(k=10, tau=30), GroupSum(10, 30), GroupSum(10, tau=30.0, beta=0)])
def test_the_calls_of_other_libraries_work(head):
    assert (head.k, head.tau) == (10, 30)
    assert head(torch.ones(2, 40)).tolist() == [[torch.tensor(4 / 30).item()] * 10] * 2


def test_a_learned_tau_starts_as_auto_and_trains():
    torch.manual_seed(0)
    x, y = torch.rand(64, 12), torch.randint(3, (64,))
    head = GroupSum(3, tau="learned")
    torch.testing.assert_close(head(x), GroupSum(3)(x))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(head(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.01
    assert head.log_tau.item() > 0.5  # labels at random: flatter is better
    assert torch.equal(head.eval()(x), GroupSum(3).eval()(x))
    assert "log_tau" not in GroupSum(3).state_dict()


def test_a_learned_tau_stays_between_half_and_twice_auto():
    x = torch.eye(3).repeat_interleave(4, dim=1)
    head = GroupSum(3, tau="learned")
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0)
    for _ in range(50):  # scores that are right already: sharper is always better
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(x), torch.arange(3)).backward()
        optimizer.step()
    ratio = GroupSum(3)(x)[0, 0] / head(x)[0, 0]
    assert 0.5 <= ratio < 0.75
    for value, factor in ((-100.0, 0.5), (100.0, 2.0), (0.01, math.exp(0.01))):
        head.log_tau.data.fill_(value)
        assert head(x)[0, 0].item() == pytest.approx(GroupSum(3)(x)[0, 0].item() / factor, rel=1e-5)


def test_eval_scores_are_exact_counts_with_ties_to_the_lowest_class():
    x = torch.tensor([[1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 1, 1]]).float()
    scores = GroupSum(3).eval()(x)
    assert scores.tolist() == [[2, 0, 2], [0, 0, 0], [1, 0, 2]]
    assert scores.argmax(-1).tolist() == [0, 0, 2]


def test_sums_of_bfloat16_count_past_256():
    x = torch.ones(2, 2000, dtype=torch.bfloat16)
    assert GroupSum(2, tau=1.0)(x).tolist() == [[1000.0, 1000.0]] * 2
    assert GroupSum(2).eval()(x).tolist() == [[1000.0, 1000.0]] * 2


def test_gradients_are_those_of_the_formula():
    x = torch.rand(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(GroupSum(3), (x,))


def test_a_permutation_comes_before_the_groups():
    generator = torch.Generator().manual_seed(3)
    head = GroupSum(3, permute=True, in_dim=12, generator=generator)
    order = head.permutation
    assert sorted(order.tolist()) == list(range(12))
    assert order.tolist() != list(range(12))
    x = torch.rand(5, 12)
    torch.testing.assert_close(head(x), GroupSum(3)(x[:, order]))
    assert torch.equal(head.eval()(x), GroupSum(3).eval()(x[:, order]))


@pytest.mark.parametrize("name", HEADS)
def test_a_permutation_is_drawn_once_and_is_part_of_the_state(name):
    def made(seed):
        return setup_head(name, 3, in_dim=60, permute=True, generator=torch.Generator().manual_seed(seed))

    first, other = made(1), made(2)
    assert torch.equal(first.permutation, made(1).permutation)
    assert not torch.equal(first.permutation, other.permutation)
    x = torch.rand(9, 60)
    other.load_state_dict(first.state_dict())
    assert torch.equal(other(x), first(x))
    assert torch.equal(other.eval()(x), first.eval()(x))
    assert torch.equal(copy.deepcopy(first)(x), first(x))


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(24,), (0, 24), (1, 24), (2, 3, 24), (2, 0, 24)])
def test_leading_dimensions_are_free(name, training, shape):
    head = setup_head(name, 3, in_dim=24).train(training)
    x = torch.rand(shape)
    scores = head(x)
    assert scores.shape == (*shape[:-1], 3)
    assert scores.dtype == torch.float32
    flat = head(x.reshape(-1, 24)).reshape(scores.shape)
    torch.testing.assert_close(scores, flat)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.bool, torch.uint8])
def test_bits_of_any_dtype_give_the_same_integers(name, dtype):
    head = setup_head(name, 4, in_dim=32).eval()
    x = torch.randint(0, 2, (20, 32))
    expected = head(x.float())
    assert torch.equal(head(x.to(dtype)).float(), expected)
    assert head(x.double()).dtype == torch.float64


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("training", [True, False])
def test_low_precision_regions_change_nothing(name, training):
    head = setup_head(name, 2, in_dim=2400).train(training)
    x = torch.randint(0, 2, (9, 2400)).float()
    with torch.autocast("cpu", torch.bfloat16):
        inside = head(x)
    assert torch.equal(inside, head(x))


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("training", [True, False])
def test_compiled_heads_compute_the_same(name, training):
    torch.compiler.reset()
    head = setup_head(name, 3, in_dim=24, permute=True).train(training)
    compiled = torch.compile(head, fullgraph=True, backend="aot_eager")
    x = torch.rand(10, 24, requires_grad=training)
    torch.testing.assert_close(compiled(x), head(x))
    if training:
        compiled(x).square().sum().backward()
        gradient, x.grad = x.grad, None
        head(x).square().sum().backward()
        torch.testing.assert_close(gradient, x.grad)


@pytest.mark.parametrize("name", HEADS)
def test_nothing_of_nan_counts_in_eval(name):
    head = setup_head(name, 2, in_dim=16).eval()
    x = torch.randint(0, 2, (6, 16)).float()
    assert torch.equal(head(torch.where(x == 0, torch.nan, x)), head(x))


@pytest.mark.parametrize("name", HEADS)
def test_widths_that_a_head_was_not_made_for_are_refused(name):
    head = setup_head(name, 2, in_dim=16)
    with pytest.raises(ValueError, match="in_dim=16 inputs and got 18"):
        head(torch.rand(3, 18))
    with pytest.raises(ValueError, match="single number"):
        head(torch.rand(()))
    with pytest.raises(TypeError, match="complex64"):
        head(torch.rand(3, 16).to(torch.complex64))
    with pytest.raises(TypeError, match="got a ndarray; expected a tensor"):
        head(np.zeros((3, 16), np.float32))


@pytest.mark.parametrize("name", HEADS)
def test_sizes_may_be_numpys_and_are_checked(name):
    head = setup_head(name, np.int64(2), in_dim=np.int32(16))
    assert (type(head.k), type(head.in_dim)) == (int, int)
    assert head(torch.rand(3, 16)).shape == (3, 2)
    for in_dim, error in ((-16, ValueError), (16.0, TypeError)):
        with pytest.raises(error, match=r"(in_dim|length) is (-16|16\.0)"):
            setup_head(name, 2, in_dim=in_dim)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("k", [0, -1, 2.0, True, "3"])
def test_impossible_numbers_of_classes_are_refused(name, k):
    with pytest.raises(ValueError if type(k) is int else TypeError, match=r"k is "):
        setup_head(name, k, in_dim=16)


@pytest.mark.parametrize("name", sorted(HEADS.keys() - BOUNDED))
@pytest.mark.parametrize("tau", [0.0, "x", math.inf, math.nan, -1, True, None])
def test_an_impossible_tau_is_refused(name, tau):
    with pytest.raises(TypeError if tau in (True, None) else ValueError, match=r"^tau"):
        setup_head(name, 2, in_dim=16, tau=tau)


@pytest.mark.parametrize("name", sorted(HEADS.keys() - BOUNDED))
@pytest.mark.parametrize("tau", ["auto", "learned", 3])
def test_tau_divides_the_scores_of_every_head_that_has_one(name, tau):
    head, plain = (setup_head(name, 2, in_dim=16, tau=t, generator=seeded()) for t in (tau, 1.0))
    if tau == "learned":
        head.log_tau.data.fill_(0.3)
    x = torch.rand(5, 16)
    ratio = plain(x) / head(x)
    torch.testing.assert_close(ratio, torch.full_like(ratio, ratio[0, 0].item()))
    assert ratio[0, 0].item() == pytest.approx(tau) or isinstance(tau, str)
    assert torch.equal(head.eval()(x), plain.eval()(x))


def seeded():
    return torch.Generator().manual_seed(0)


def test_an_indivisible_width_names_one_that_fits():
    with pytest.raises(ValueError, match="such as 10"):
        GroupSum(10)(torch.rand(2, 12))
    with pytest.raises(ValueError, match="such as 10"):
        GroupSum(10, in_dim=12)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("group-sum", {"permute": True}, "pass in_dim="),
        ("group-sum", {"beta": math.nan}, "beta is nan"),
        ("grouped-dsp", {"wbits": 1}, "wbits is 1"),
        ("grouped-dsp", {"wbits": 17}, "wbits is 17"),
        ("grouped-dsp", {"num_groups": 0}, "num_groups is 0"),
        ("reduction", {}, "pass in_dim="),
        ("reduction", {"in_dim": 8, "bits": 5}, "bits is 5, and a class has 4 inputs"),
        ("reduction", {"in_dim": 8, "bits": 0}, "bits is 0"),
        ("reduction", {"in_dim": 8, "bits": 1, "lut_rank": 1}, "lut_rank is 1"),
        ("reduction", {"in_dim": 8, "bits": 1, "lut_rank": 9}, "lut_rank is 9"),
        ("regression", {"scale": math.inf}, "scale is inf"),
        ("regression", {"offset": [1.0, 2.0, 3.0]}, "one for each of 2 targets"),
        ("multi-label", {"threshold": -1}, "threshold is -1"),
        ("multi-label", {"threshold": math.nan}, "threshold is nan"),
        ("multi-label", {"threshold": [1, 2, 3]}, "one for each of 2 labels"),
        ("multi-label", {"threshold": 4, "in_dim": 8}, "no count of 4 inputs a label exceeds it"),
        ("output-code", {}, "pass length= or in_dim="),
        ("output-code", {"length": 0}, "length is 0"),
        ("output-code", {"code_words": [[0, 1]]}, r"expected \(2, length\)"),
        ("output-code", {"code_words": [[0, 1], [1, 1]], "length": 3}, r"expected \(2, 3\)"),
        ("output-code", {"code_words": [[0, 2], [1, 1]]}, "other values than 0 and 1"),
        ("output-code", {"code_words": [[0, 1], [0, 1]]}, "the same code word"),
        ("output-code", {"length": 4, "in_dim": 6}, "cannot share equally"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        setup_head(name, 2, **options)


def test_unknown_names_and_options_are_refused():
    with pytest.raises(ValueError, match="head is 'x'; expected one of affine, group-sum"):
        setup_head("x", 2)
    with pytest.raises(ValueError, match="the head 'group-sum' has no colour; it takes beta, generator, num_groups"):
        setup_head("group-sum", 2, colour="red")
    with pytest.raises(TypeError, match=r"wbits is 8\.0"):
        setup_head("affine", 2, wbits=8.0)
    with pytest.raises(ValueError, match="parametrization"):
        setup_head("reduction", 2, in_dim=40, parametrization="x")


def test_a_threshold_that_no_count_exceeds_is_refused_when_the_width_is_known():
    with pytest.raises(ValueError, match="no count of 3 inputs a label exceeds it"):
        MultiLabel(2, threshold=[1, 3])(torch.rand(4, 6))


# --- code words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "length", "distance"),
    [
        (2, 1, 1),
        (3, 2, 1),
        (4, 3, 2),
        (8, 7, 4),
        (10, 15, 8),
        (10, 30, 16),
        (16, 31, 16),
        (100, 127, 64),
        (1000, 64, 20),
    ],
)
def test_code_words_are_bits_far_from_each_other(k, length, distance):
    words = code_words(k, length, seeded())
    assert words.shape == (k, length)
    assert words.dtype == torch.bool
    assert torch.equal(words, code_words(k, length, seeded()))
    head = OutputCode(k, code_words=words)
    least = min((words[i] ^ words[:i]).sum(1).min().item() for i in range(1, k))
    assert head.min_distance == least >= distance


@pytest.mark.parametrize("k", range(1, 40))
@pytest.mark.parametrize("spare", [0, 1, 5])
def test_code_words_always_differ(k, spare):
    words = code_words(k, max(1, (k - 1).bit_length()) + spare)
    assert len(words.unique(dim=0)) == k


def test_words_too_short_to_tell_classes_apart_are_refused():
    with pytest.raises(ValueError, match="9 classes need code words of at least 4 bits; got length=3"):
        code_words(9, 3)
