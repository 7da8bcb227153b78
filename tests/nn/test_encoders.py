import copy
import math
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit import OutOfRangeWarning
from lutsmith.nn.encoders import DistributiveThermometer, GaussianThermometer, Thermometer, gathering

KINDS = [Thermometer, GaussianThermometer, DistributiveThermometer]


def torch_dwn_thresholds(kind, x, z):
    """The formulas of dwn.md section 1.1, per feature, written the slow way."""
    if kind is Thermometer:
        low, high = x.amin(0), x.amax(0)
        return torch.stack([low + i * ((high - low) / (z + 1)) for i in range(1, z + 1)], -1)
    if kind is GaussianThermometer:
        skew = torch.distributions.Normal(0, 1).icdf(torch.arange(1, z + 1) / (z + 1))
        std = x.std(0) if len(x) > 1 else torch.zeros(x.shape[1:])
        return torch.stack([s * std + x.mean(0) for s in skew], -1)
    ordered = x.sort(0).values
    return torch.stack([ordered[len(x) * i // (z + 1)] for i in range(1, z + 1)], -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(50, 1), (50, 7), (23, 2, 4, 5), (1, 3)])
def test_thresholds_are_those_of_torch_dwn_bit_for_bit(kind, shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = torch_dwn_thresholds(kind, x, 5)
    assert torch.equal(kind(5).fit(x).thresholds, expected)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 5),
    st.sampled_from(["feature", "channel", "global"]),
    st.booleans(),
    st.data(),
)
def test_encoding_is_the_comparison_with_every_threshold(kind, z, per, unique, data):
    shape = data.draw(st.sampled_from([(1,), (4,), (3, 2), (2, 3, 4)]))
    n = data.draw(st.sampled_from([1, 2, 65]))
    x = torch.randint(0, 5, (n, *shape), generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99)))).float()
    encoder = kind(z, per=per, unique=unique).fit(x)
    thresholds = encoder.thresholds.expand(*shape, z)
    bits = x.unsqueeze(-1) > thresholds
    expected = bits.movedim(-1, 2).flatten(1, 2).float()
    got = encoder(x)
    assert got.dtype == torch.float32
    assert torch.equal(got, expected)
    assert not got[:, ~encoder.usable].any()


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_bits_join_the_encode_axis(axis):
    x = torch.rand(6, 2, 3, 4)
    encoder = Thermometer(3, encode_axis=axis).fit(x)
    bits = x.unsqueeze(-1) > encoder.thresholds
    position = axis % 4
    assert torch.equal(encoder(x), bits.movedim(-1, position + 1).flatten(position, position + 1).float())
    assert encoder.usable.shape == encoder(x).shape[1:]


def test_fit_axes_are_the_axes_with_thresholds_of_their_own():
    x = torch.rand(9, 3, 4, 4)
    channel = Thermometer(2, fit_axes=(1,)).fit(x)
    assert torch.equal(channel.thresholds, Thermometer(2, per="channel").fit(x).thresholds)
    assert channel.thresholds.shape == (3, 1, 1, 2)
    assert Thermometer(2, fit_axes=()).fit(x).thresholds.shape == (2,)
    rows = Thermometer(2, fit_axes=(2,)).fit(x)
    low, high = x.amin((0, 1, 3)), x.amax((0, 1, 3))
    assert torch.equal(rows.thresholds[0, :, 0, 1], low + 2 * ((high - low) / 3))


def test_a_pixel_that_is_mostly_zero_does_not_give_equal_wires():
    x = np.zeros((100, 1), np.uint8)
    x[:10, 0] = 200
    encoder = DistributiveThermometer(5, unique=True).fit(x)
    assert encoder.thresholds.tolist() == [[0.0] + [math.inf] * 4]
    assert encoder.num_wasted == 4
    assert encoder(torch.from_numpy(x)).sum(0).tolist() == [10, 0, 0, 0, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, np.bool_])
@pytest.mark.parametrize("kind", KINDS)
def test_any_numeric_dtype_fits_and_encodes_alike(kind, dtype):
    x = np.random.default_rng(0).integers(0, 2, (40, 3)).astype(dtype)
    want = kind(2).fit(x.astype(np.float32))
    for data in (x, torch.from_numpy(x), x.tolist()):
        got = kind(2).fit(data)
        torch.testing.assert_close(
            got.thresholds, want.thresholds, rtol=1e-6, atol=0
        )  # float64 data are fitted in float64
    assert torch.equal(got(torch.from_numpy(x)), want(torch.from_numpy(x.astype(np.float32))))


def test_low_precision_tensors_fit():
    x = torch.rand(20, 2).bfloat16()
    assert torch.equal(Thermometer(2).fit(x).thresholds, Thermometer(2).fit(x.float()).thresholds)


def test_batches_that_fit_in_memory_give_the_thresholds_of_the_whole():
    x = torch.rand(100, 3)
    assert torch.equal(
        DistributiveThermometer(4).fit(iter(x.split(7))).thresholds, DistributiveThermometer(4).fit(x).thresholds
    )


def test_larger_data_are_sampled_by_the_seed(monkeypatch):
    monkeypatch.setattr(gathering, "MAX_FIT_VALUES", 3000)
    x = torch.rand(40_000, 2)
    exact = torch.arange(1, 4) / 4
    for data in (lambda: x, lambda: iter(x.split(999))):
        first, again = (DistributiveThermometer(3).fit(data(), seed=5).thresholds for _ in range(2))
        other = DistributiveThermometer(3).fit(data(), seed=6).thresholds
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert torch.allclose(first, exact.expand(2, 3), atol=0.06)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_are_ignored_when_fitting_and_encode_to_zero(kind):
    x = torch.rand(50, 2)
    holed = torch.cat([x, torch.full((10, 2), math.nan)])
    encoder = kind(3).fit(holed)
    assert torch.allclose(encoder.thresholds, kind(3).fit(x).thresholds, atol=1e-6)
    assert not encoder(holed)[50:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_column_encodes_to_zero(kind):
    x = torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]])
    plain, unique = kind(3).fit(x), kind(3, unique=True).fit(x)
    assert not unique(x)[:, :3].any()
    assert unique.usable[:3].tolist() == [True, False, False]
    assert plain.usable.all()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (np.zeros((0, 3)), ValueError, "N >= 1"),
        (np.zeros(3), ValueError, "features"),
        (np.zeros((3, 0)), ValueError, "a feature"),
        (np.array([["a"]]), TypeError, "real numbers"),
        (np.ones((2, 2), complex), TypeError, "real numbers"),
        (np.array([[1.0, np.nan], [2.0, np.nan]]), ValueError, "NaN in all 2 rows"),
        (np.array([[1.0], [np.inf]]), ValueError, "infinite"),
        (np.array([[1.0], [1e300]]), ValueError, "infinite as float32"),
        ([], ValueError, "shape"),
        (lambda: iter([]), ValueError, "no batches"),
        (lambda: iter([np.ones((2, 2)), np.ones((2, 3))]), ValueError, "samples shaped"),
        (7, TypeError, "expected an array"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_bad_fitting_data_are_refused(kind, data, error, words):
    with pytest.raises(error, match=words):
        kind(2).fit(data() if callable(data) else data)


def test_bad_use_is_refused():
    with pytest.raises(RuntimeError, match="not fitted"):
        Thermometer(2)(torch.rand(3, 2))
    encoder = Thermometer(2).fit(torch.rand(5, 4))
    with pytest.raises(ValueError, match=r"shape \(4,\).*\(3, 5\)"):
        encoder(torch.rand(3, 5))
    with pytest.raises(TypeError, match="real"):
        encoder(torch.ones(3, 4, dtype=torch.complex64))
    for settings_ in ({"num_bits": 0}, {"per": "row"}, {"encode_axis": 0}):
        with pytest.raises(ValueError, match=next(iter(settings_))):
            Thermometer(**settings_)
    for settings_ in ({"num_bits": 2.5}, {"per": 1}):
        with pytest.raises(TypeError, match=next(iter(settings_))):
            Thermometer(**settings_)
    with pytest.raises(ValueError, match="encode_axis"):
        Thermometer(1, encode_axis=3).fit(torch.rand(3, 2))
    with pytest.raises(ValueError, match="do not have"):
        Thermometer(1, fit_axes=(9,)).fit(torch.rand(3, 2))
    with pytest.raises(TypeError, match="ndarray"):
        encoder(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="batch axis"):
        Thermometer(1, fit_axes=(0,)).fit(torch.rand(3, 2))


def test_the_state_dict_carries_a_fitted_encoder_into_a_fresh_one():
    x = torch.rand(30, 1, 4, 4)
    fitted = nn.Sequential(DistributiveThermometer(3, unique=True).fit(x))
    fresh = nn.Sequential(DistributiveThermometer(3, unique=True))
    fresh.load_state_dict(fitted.state_dict())
    assert torch.equal(fresh(x), fitted(x))
    for clone in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert torch.equal(clone(x), fitted(x))


def test_an_empty_batch_encodes_to_an_empty_batch():
    encoder = Thermometer(2).fit(torch.rand(5, 1, 3, 3))
    assert encoder(torch.rand(0, 1, 3, 3)).shape == (0, 2, 3, 3)


def test_data_scaled_otherwise_than_the_fitting_data_warn():
    x = np.random.default_rng(0).integers(0, 256, (200, 4)).astype(np.uint8)
    encoder = DistributiveThermometer(3).fit(x).eval()
    with pytest.warns(OutOfRangeWarning, match="fitted"):
        encoder(torch.rand(50, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder(torch.from_numpy(x))
        encoder.train()(torch.rand(50, 4))
        DistributiveThermometer(3).fit(torch.rand(9, 4)).eval()(torch.rand(50, 4))
