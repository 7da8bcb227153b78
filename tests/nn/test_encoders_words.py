"""Encoders with `input_bits`: thresholds on the grid of the words that hardware sees."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit.word_length import snap, snapped
from lutsmith.nn import to_circuit
from lutsmith.nn.encoders import ENCODERS, DistributiveThermometer, Thermometer


@pytest.mark.parametrize("per", ["feature", "channel", "global"])
@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_words_cost_nothing_on_bytes(name, per):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(0, 256, (300, 2, 3)).astype(np.uint8))
    plain, words = (ENCODERS[name](4, per=per, input_bits=bits).fit(x) for bits in (None, 8))
    assert torch.equal(words(x), plain(x))
    assert torch.equal(words.thresholds, words.thresholds.floor())


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.integers(1, 10), st.integers(0, 99))
def test_thresholds_are_on_the_grid_of_their_feature(name, bits, seed):
    x = torch.randn(30, 3, generator=torch.Generator().manual_seed(seed))
    encoder = ENCODERS[name](3, input_bits=bits).fit(x)
    plain = ENCODERS[name](3).fit(x)
    low, high = (bound[:, None] for bound in encoder.fitted_range)
    thresholds = encoder._per_feature().detach().numpy()
    if name == "binary":  # one set of thresholds, one grid
        low, high = low.min(), high.max()
    assert np.array_equal(thresholds, snap(plain._per_feature().detach().numpy(), low, high, bits))
    assert np.array_equal(thresholds, snap(thresholds, low, high, bits))


@pytest.mark.parametrize("bits", [3, 6, 10])
def test_the_encoder_and_its_circuit_snap_alike(bits):
    x = torch.randn(200, 4)
    plain, words = (DistributiveThermometer(9, unique=True, input_bits=b).fit(x) for b in (None, bits))
    narrow = snapped(to_circuit(plain, (4,)), bits)
    direct = to_circuit(words, (4,))
    pairs = [set(zip(c.encoder.feature.tolist(), c.encoder.threshold.tolist(), strict=True)) for c in (narrow, direct)]
    assert pairs[0] == pairs[1]


def test_short_words_merge_thresholds():
    x = torch.rand(500, 2)
    encoder = Thermometer(20, unique=True, input_bits=3).fit(x)
    assert encoder.usable.view(2, 20).sum(1).tolist() == [7, 7]  # the 8 words but the highest
    assert encoder.num_wasted == 26


def test_nothing_is_snapped_or_recorded_by_default():
    encoder = Thermometer(3).fit(torch.rand(9, 2))
    assert encoder.input_bits is None
    assert "input_bits" not in repr(encoder)
    assert "input_bits=8" in repr(Thermometer(3, input_bits=8))
