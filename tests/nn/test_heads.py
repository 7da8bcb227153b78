import math

import pytest
import torch

from lutsmith.nn import GroupSum


def test_training_scores_are_group_sums_over_tau():
    x = torch.rand(5, 12)
    torch.testing.assert_close(GroupSum(3, tau=2.5)(x), x.reshape(5, 3, 4).sum(-1) / 2.5)


def test_auto_tau_is_the_root_of_a_third_of_the_group():
    x = torch.rand(5, 12)
    torch.testing.assert_close(GroupSum(3)(x), x.reshape(5, 3, 4).sum(-1) / math.sqrt(4 / 3))


def test_eval_scores_are_exact_counts_with_ties_to_the_lowest_class():
    x = torch.tensor([[1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 1, 1]]).float()
    scores = GroupSum(3).eval()(x)
    assert scores.tolist() == [[2, 0, 2], [0, 0, 0], [1, 0, 2]]
    assert scores.argmax(-1).tolist() == [0, 0, 2]


def test_sums_of_bfloat16_count_past_256():
    x = torch.ones(2, 2000, dtype=torch.bfloat16)
    assert GroupSum(2, tau=1.0)(x).tolist() == [[1000.0, 1000.0]] * 2
    assert GroupSum(2).eval()(x).tolist() == [[1000.0, 1000.0]] * 2


@pytest.mark.parametrize("shape", [(6,), (0, 6), (2, 3, 6)])
def test_leading_dimensions_are_free(shape):
    assert GroupSum(3)(torch.rand(shape)).shape == (*shape[:-1], 3)


def test_gradients_are_those_of_the_formula():
    x = torch.rand(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(GroupSum(3), (x,))


@pytest.mark.parametrize(("k", "tau"), [(0, 1.0), (2, 0.0), (2, "x"), (2, math.inf), (2, -1)])
def test_impossible_heads_are_refused(k, tau):
    with pytest.raises(ValueError, match=r"k is 0|tau is"):
        GroupSum(k, tau)


def test_an_indivisible_width_names_one_that_fits():
    with pytest.raises(ValueError, match="such as 10"):
        GroupSum(10)(torch.rand(2, 12))
