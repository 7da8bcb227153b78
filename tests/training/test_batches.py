"""Samples, the validation split, the order of an epoch, and the augmentation of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lutsmith.data.split import validation_split as split
from lutsmith.training import Settings
from lutsmith.training.augmentation.bits import BitFlips, flip_bits
from lutsmith.training.loop.order import Order, epoch_order, steps_per_epoch
from lutsmith.training.samples import Samples

from .models import Bits, images, network


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "nothing to train on"),
        (np.zeros((2, 0)), np.array([0, 1]), "nothing to train on"),
        (np.zeros(3), np.array([0, 1, 1]), r"expected \(samples, features\)"),
        (np.zeros((2, 1)), np.array([0, 1, 1]), r"y has shape \(3,\): expected \(2,\)"),
        (np.zeros((2, 1)), np.array([0.0, 1.0]), "y has dtype float64: expected integer class ids"),
        (np.zeros((2, 1)), np.array([-1, 1]), "the label -1"),
        (np.zeros((2, 1)), np.array([3, 3]), r"one class only \(3\)"),
        (np.array([["a"], ["b"]]), np.array([0, 1]), "x has dtype <U1"),
        (np.zeros((2, 1), complex), np.array([0, 1]), "x has dtype complex128"),
        (np.array([[None], [1]]), np.array([0, 1]), "x has dtype object"),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused(x: Any, y: Any, says: str) -> None:
    with pytest.raises(TypeError if "dtype" in says else ValueError, match=says):
        Samples.of(x, y)


def test_samples_are_not_copied_or_converted() -> None:
    x, y = images()
    assert np.shares_memory(Samples.of(x, y).x, x)
    assert Samples.of(torch.from_numpy(x), torch.from_numpy(y)).x.dtype == np.uint8


def test_a_fingerprint_tells_samples_apart() -> None:
    x, y = images()
    other = x.copy()
    other[-1, 0, 7, 7] ^= 1
    prints = [Samples.of(*pair).fingerprint() for pair in ((x, y), (other, y), (x, 1 - y), (x.astype("f4"), y))]
    assert len(set(prints)) == 4
    assert Samples.of(x.copy(), y.astype("u1")).fingerprint() == prints[0]
    long, classes = np.zeros((5000, 2), np.uint8), np.arange(5000) % 2
    other = long.copy()
    other[1] = 1
    samples, changed = Samples.of(long, classes), Samples.of(other, classes)
    assert samples.fingerprint() != changed.fingerprint()  # a row that those of earlier versions do not read
    assert samples.earlier_fingerprint() == changed.earlier_fingerprint()


@given(counts=st.lists(st.integers(1, 40), min_size=2, max_size=5), seed=st.integers(0, 5))
def test_the_split_is_stratified_and_leaves_each_class_a_training_row(counts: list[int], seed: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    try:
        rows, held_out = split(y, 0.25, seed)
    except ValueError:
        assert all(round(0.25 * count) == 0 or count == 1 for count in counts)
        return
    assert sorted([*rows, *held_out]) == list(range(len(y)))
    assert [int(np.sum(y[held_out] == c)) for c in range(len(counts))] == [min(round(n / 4), n - 1) for n in counts]
    again = split(y, 0.25, seed)
    assert np.array_equal(again[0], rows)
    assert np.array_equal(again[1], held_out)


def test_a_split_of_nothing_is_an_error_and_a_share_of_zero_is_none() -> None:
    with pytest.raises(ValueError, match=r"validation=0.01 holds out none of 6 rows"):
        split(np.array([0, 1] * 3), 0.01, 0)
    assert len(split(np.array([0, 1] * 3), 0.0, 0)[1]) == 0


def test_an_epoch_visits_every_row_once_in_an_order_of_its_own() -> None:
    rows = np.arange(100) * 3
    first, second = epoch_order(rows, 0, 0), epoch_order(rows, 0, 1)
    assert sorted(first) == sorted(second) == list(rows)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, epoch_order(rows, 0, 0))
    assert (steps_per_epoch(100, 30), steps_per_epoch(20, 30)) == (3, 1)


def test_batches_from_the_middle_of_an_epoch_are_those_of_the_whole_one() -> None:
    order = Order(np.arange(100) % 2, Settings(batch_size=30, validation=0.1, seed=4))
    assert (len(order.rows), len(order.held_out), order.steps) == (90, 10, 3)
    whole = list(order.batches(5))
    assert sorted(np.concatenate(whole)) == list(order.rows)
    for start in range(4):
        assert [list(batch) for batch in order.batches(5, start)] == [list(batch) for batch in whole[start:]]
    assert list(next(order.batches(6))) != list(whole[0])
    assert not set(order.held_out) & set(order.rows)


@pytest.mark.parametrize("probability", [0.01, 0.2, 0.5])
def test_bits_are_flipped_with_the_probability_asked_for(probability: float) -> None:
    bits = (torch.arange(400 * 500) % 2).float().reshape(500, 400).t()  # feature-major, as encoders give it
    flipped = flip_bits(bits, probability, np.random.default_rng(0))
    changed = flipped != bits
    assert set(flipped.unique().tolist()) == {0.0, 1.0}
    assert changed.float().mean().item() == pytest.approx(probability, abs=4 * (0.25 / bits.numel()) ** 0.5)
    assert flipped.stride() == bits.stride()
    pairs = (changed[:, ::2] & changed[:, 1::2]).float().mean().item()  # independent: neighbours flip together p * p
    assert pairs == pytest.approx(probability**2, abs=0.005)


def test_no_flip_leaves_the_bits_alone() -> None:
    bits = torch.ones(3, 3)
    assert torch.equal(flip_bits(bits, 0.0, np.random.default_rng(0)), bits)


def test_bits_are_flipped_only_while_active() -> None:
    model = network().train()
    flips = BitFlips(model, 0.5)
    x = torch.from_numpy(images(20)[0])
    seen: list[torch.Tensor] = []
    model[1].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    with flips.active(np.random.default_rng(0)):
        model(x)
    model(x)
    assert not torch.equal(seen[0], Bits()(x))
    assert torch.equal(seen[1], Bits()(x))


def test_bit_flips_need_an_encoder_that_can_be_told() -> None:
    with pytest.raises(ValueError, match=r"bit_flip=0.1 .* wrap it as nn.Sequential\(encoder, rest\)"):
        BitFlips(nn.Linear(3, 2), 0.1)
