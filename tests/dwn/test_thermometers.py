import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lutsmith.dwn as dwn
from lutsmith import to_circuit

KINDS = ["Thermometer", "GaussianThermometer", "DistributiveThermometer"]


def thresholds_by_the_book(kind, x, z, feature_wise):
    """The formulas of the field, one threshold at a time, shaped as torch_dwn shapes them."""
    columns = x.reshape(len(x), -1) if feature_wise else x.reshape(-1, 1)
    out = torch.empty(columns.shape[1], z)
    for f, column in enumerate(columns.t()):
        for i in range(1, z + 1):
            if kind == "Thermometer":
                value = column.min() + i * ((column.max() - column.min()) / (z + 1))
            elif kind == "GaussianThermometer":
                skew = torch.distributions.Normal(0, 1).icdf(torch.tensor(i / (z + 1)))
                value = skew * column.std() + column.mean()
            else:
                value = column.sort().values[int(len(column) * i / (z + 1))]
            out[f, i - 1] = value
    if feature_wise:
        return out.reshape(*x.shape[1:], z)
    return out.reshape(1, z) if kind == "Thermometer" else out.reshape(z)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.booleans(),
    st.integers(1, 5),
    st.sampled_from([(9,), (7, 4), (6, 2, 3), (5, 1, 2, 3)]),
    st.integers(0, 99),
)
def test_thresholds_and_bits_are_those_of_the_formulas(kind, feature_wise, z, shape, seed):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    thermometer = getattr(dwn, kind)(z, feature_wise)
    expected = thresholds_by_the_book(kind, x, z, feature_wise)
    thresholds = thermometer.get_thresholds(x)
    assert thresholds.shape == expected.shape
    torch.testing.assert_close(thresholds, expected)
    if kind == "DistributiveThermometer":
        assert torch.equal(thresholds, expected)
    assert thermometer.fit(x) is thermometer
    bits = thermometer.binarize(x)
    assert bits.dtype == torch.float32
    assert torch.equal(bits, (x.unsqueeze(-1) > thresholds).float())


def test_arrays_integers_and_nan_are_data():
    x = np.array([[1, 2], [3, 9], [5, 4]])
    bits = dwn.GaussianThermometer(2).fit(x).binarize(x)
    assert bits.shape == (3, 2, 2)
    y = np.array([[np.nan, 2.0], [3.0, 9.0], [5.0, 4.0]], dtype=np.float32)
    thermometer = dwn.DistributiveThermometer(2).fit(y)
    assert torch.isfinite(thermometer.thresholds).all()
    assert not thermometer.binarize(y)[0, 0].any()


def test_a_thermometer_says_what_it_lacks():
    with pytest.raises(RuntimeError, match="fit"):
        dwn.Thermometer(3).binarize(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="fitted on samples of shape"):
        dwn.Thermometer(3).fit(torch.rand(5, 2)).binarize(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="NaN"):
        dwn.Thermometer(3).fit(torch.full((5, 2), torch.nan))


@pytest.mark.parametrize("shape", [(6,), (2, 3, 2)])
def test_the_encoder_module_gives_the_same_bits_in_the_same_order(shape):
    x = torch.randn(50, *shape)
    thermometer = dwn.DistributiveThermometer(3).fit(x)
    model = nn.Sequential(dwn.LUTLayer(int(np.prod(shape)) * 3, 30, 4), dwn.GroupSum(3)).eval()
    bits = thermometer.binarize(x).flatten(start_dim=1)
    assert torch.equal(thermometer.encoder(x).flatten(1), bits)
    circuit = to_circuit(nn.Sequential(thermometer.encoder, nn.Flatten(), model), shape)
    assert np.array_equal(circuit.predict(x.numpy()), model(bits).argmax(-1).numpy())
