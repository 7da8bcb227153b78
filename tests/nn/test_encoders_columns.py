import copy
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit import OutOfRangeWarning
from lutsmith.nn import GroupSum, LogicDense, to_circuit
from lutsmith.nn.encoders import (
    Categorical,
    Columns,
    DistributiveThermometer,
    Gray,
    LearnableThermometer,
    Thermometer,
)


def table(rows, seed=0):
    """Four columns: a number, a category of 3, a number, a category of 5."""
    rng = np.random.default_rng(seed)
    return np.stack(
        [rng.normal(size=rows), rng.integers(0, 3, rows), rng.integers(0, 90, rows), rng.integers(10, 15, rows)], axis=1
    ).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([Thermometer(3), DistributiveThermometer(4, unique=True), Gray(3), LearnableThermometer(2)]),
    st.lists(st.integers(0, 3), unique=True),
    st.integers(1, 60),
    st.integers(0, 99),
)
def test_each_column_is_encoded_by_its_kind(numeric, categorical, rows, seed):
    data = table(rows, seed)
    numbers = [column for column in range(4) if column not in categorical]
    encoder = Columns(copy.deepcopy(numeric), categorical).fit(data).eval()
    probes = np.concatenate([data, [[np.nan] * 4, [np.inf] * 4, [0, 1, 2, 3], [0, 7, 200, 9.5]]]).astype(np.float32)
    parts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutOfRangeWarning)
        if numbers:
            alone = copy.deepcopy(numeric).fit(data[:, numbers]).eval()
            parts.append(alone(torch.from_numpy(probes[:, numbers])).numpy())
        parts += [probes[:, [column]] == np.unique(data[:, column]) for column in categorical]
        got = encoder(torch.from_numpy(probes))
        outputs = to_circuit(encoder, (4,)).outputs(probes)
    assert np.array_equal(got.numpy(), np.concatenate(parts, axis=1))
    assert np.array_equal(outputs, got.bool().numpy())
    assert got.t().is_contiguous()
    assert encoder.usable.shape == got.shape[1:]
    assert not got[:, ~encoder.usable].any()
    assert encoder.num_wasted == int((~encoder.usable).sum())


def test_categories_that_were_never_seen_are_all_zeros():
    encoder = Columns(Thermometer(2), [1, 3]).fit(table(50)).eval()
    assert not encoder(torch.tensor([[0.0, 3.0, 50.0, 9.0]]))[0, 4:].any()
    assert encoder(torch.tensor([[0.0, 2.0, 50.0, 14.0]]))[0, 4:].tolist() == [0, 0, 1, 0, 0, 0, 0, 1]


def test_a_network_on_columns_is_its_circuit():
    data = table(200)
    encoder = Columns(DistributiveThermometer(6, unique=True), [1, 3]).fit(data)
    layer = LogicDense(encoder.usable.numel(), 30, 4, usable=encoder.usable)
    model = nn.Sequential(encoder, nn.Flatten(), layer, GroupSum(3)).eval()
    circuit = to_circuit(model, (4,))
    assert np.array_equal(circuit.predict(data), model(torch.from_numpy(data)).argmax(1).numpy())
    low, high = circuit.fitted_range
    assert (low < high).tolist() == [True, False, True, False]


def test_frequent_categories_do_not_look_out_of_place():
    data = table(300)
    data[:, 3] = np.where(np.arange(300) < 3, 90, 1)  # nearly all in the lowest tenth
    data[:2, 3] = 0
    encoder = Columns(Thermometer(2), [3]).fit(data)
    circuit = to_circuit(encoder, (4,))
    rows = np.repeat(data[50:51], 64, axis=0)
    rows[:, [0, 2]] = data[:64, [0, 2]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.eval()(torch.from_numpy(rows))
        circuit.outputs(rows)


def test_the_state_travels():
    data = table(80)
    fitted = nn.Sequential(Columns(LearnableThermometer(3, input_bits=8), [1, 3]).fit(data))
    fitted[0].numeric.shift.data += 0.1
    fresh = nn.Sequential(Columns(LearnableThermometer(3, input_bits=8), [1, 3]))
    fresh.load_state_dict(fitted.state_dict())
    x = torch.from_numpy(data)
    assert torch.equal(fresh(x), fitted(x))
    assert fresh[0].input_bits == 8
    assert fresh[0].feature_shape == (4,)
    for ours, theirs in zip(fresh[0].fitted_range, fitted[0].fitted_range, strict=True):
        assert np.array_equal(ours, theirs)


def test_gradients_reach_learned_thresholds_through_columns():
    encoder = Columns(LearnableThermometer(3), [1, 3]).fit(table(80))
    encoder(torch.from_numpy(table(40, 1))).sum().backward()
    assert encoder.numeric.shift.grad.abs().min() > 0


def test_the_most_frequent_categories_can_be_kept():
    encoder = Columns(Thermometer(1), [1, 3], max_categories=2).fit(table(80))
    assert encoder(torch.from_numpy(table(80))).shape == (80, 2 + 4)


def test_batches_fit_like_the_whole_and_an_empty_batch_encodes():
    data = table(100)
    streamed = Columns(DistributiveThermometer(3), [3]).fit(iter(np.array_split(data, 7)))
    whole = Columns(DistributiveThermometer(3), [3]).fit(data)
    x = torch.from_numpy(data)
    assert torch.equal(streamed(x), whole(x))
    assert whole(x[:0]).shape == (0, whole(x).shape[1])


def test_what_cannot_be_a_table_is_refused():
    with pytest.raises(TypeError, match="expected an encoder"):
        Columns(3, [0])
    with pytest.raises(ValueError, match="encode_axis=2"):
        Columns(Thermometer(2, encode_axis=2), [0])
    for columns in ([1, 1], [-1]):
        with pytest.raises(ValueError, match="different column numbers"):
            Columns(Thermometer(2), columns)
    encoder = Columns(Thermometer(2), [4])
    with pytest.raises(RuntimeError, match="not fitted"):
        encoder(torch.rand(3, 4))
    with pytest.raises(ValueError, match="there are 4 columns"):
        encoder.fit(table(9))
    with pytest.raises(ValueError, match="rows of a table"):
        encoder.fit(np.zeros((3, 2, 5)))
    fitted = Columns(Thermometer(2), [1, 3]).fit(table(9))
    with pytest.raises(ValueError, match=r"samples of shape \(4,\) and got"):
        fitted(torch.rand(3, 5))
    with pytest.raises(TypeError, match="ndarray"):
        fitted(table(3))
    with pytest.raises(ValueError, match=r"not \(5,\)"):
        to_circuit(fitted, (5,))
    assert isinstance(fitted.categorical, Categorical)
