"""Every encoder against its definition in NumPy, and against the circuit that it becomes."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit import OutOfRangeWarning
from lutsmith.nn import to_circuit
from lutsmith.nn.encoders import (
    ENCODERS,
    Binary,
    Categorical,
    Encoder,
    Gray,
    LearnableThermometer,
    LogarithmicThermometer,
    OneHot,
    SignMagnitude,
    Thermometer,
    UniformFixedPoint,
)

F32 = np.float32
LEAST = {"one-hot": 2}


def uniform(low, high, count):
    """(..., count) float32 thresholds at equal distances, as float32 computes them."""
    spacing = (high - low) / F32(count + 1)
    return (low[..., None] + np.arange(1, count + 1, dtype=F32) * spacing[..., None]).astype(F32)


def divided(low, high, bits):
    """(..., 2^b - 1) float32 thresholds at equal distances, as float64 computes them."""
    low, high = (bound.astype(np.float64)[..., None] for bound in (low, high))
    return (low + np.arange(1, 2**bits) * (high - low) / 2**bits).astype(F32)


def planes(numbers, bits):
    return (numbers[..., None] >> np.arange(bits)) & 1


def below(x, thresholds):
    """How many thresholds lie below each number: (N, F) and (F, L) give (N, F)."""
    return (x[..., None] > thresholds).sum(-1)


def by_definition(name, x, data, z):
    """Bits (N, F, z) of numbers (N, F), each feature fitted on its own column of `data`; no NaN."""
    low, high = data.min(0), data.max(0)
    if name == "binary":
        return planes(np.clip(np.ceil(x.astype(np.float64) - 0.5), 0, 2**z - 1).astype(int), z)
    if name in ("fixed-point", "gray"):
        level = below(x, divided(low, high, z))
        return planes(level if name == "fixed-point" else level ^ (level >> 1), z)
    if name == "one-hot":
        return np.eye(z, dtype=int)[below(x, uniform(low, high, z - 1))]
    if name == "sign-magnitude":
        reach = np.maximum(abs(low), abs(high)).astype(np.float64)
        steps = (reach[:, None] * np.arange(1, 2 ** (z - 1)) / 2 ** (z - 1)).astype(F32)
        return np.concatenate([planes(below(abs(x), steps), z - 1), (x < 0)[..., None]], -1)
    if name == "logarithmic":
        ratio = np.exp2(8 * np.arange(1, z + 1) / (z + 1))
        span = (high.astype(np.float64) - low)[:, None]
        return x[..., None] > (low[:, None] + span * (ratio - 1) / 255).astype(F32)
    raise AssertionError(name)


def quietly(compute, *arguments):
    """Numbers at the edges lie outside of the fitted range on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutOfRangeWarning)
        return compute(*arguments)


def edges(encoder):
    """Rows `(M, *feature_shape)`: every threshold and its neighbours, the range, and what is no number."""
    thresholds = encoder._per_feature().detach().numpy()
    low, high = encoder.fitted_range
    rows = [thresholds, np.nextafter(thresholds, F32(-np.inf)), np.nextafter(thresholds, F32(np.inf))]
    rows = np.concatenate([part.T for part in rows])
    strange = np.outer([np.nan, np.inf, -np.inf, 0, -0.0, 1e30], np.ones(len(low)))
    return np.concatenate([rows, [low], [high], strange]).astype(F32).reshape(-1, *encoder.feature_shape)


def check_against_the_circuit(encoder, rows):
    bits = quietly(encoder.eval(), torch.from_numpy(rows))
    circuit = to_circuit(encoder, encoder.feature_shape)
    assert np.array_equal(quietly(circuit.outputs, rows), bits.flatten(1).bool().numpy())
    usable = encoder.usable.flatten()
    assert not bits.flatten(1)[:, ~usable].any()
    return circuit


@st.composite
def tables(draw, shapes=((1,), (4,), (2, 3), (2, 2, 2))):
    """Fitting data: integers, bytes or fractions, constant and missing values among them."""
    shape = draw(st.sampled_from(shapes))
    rows = draw(st.sampled_from([1, 2, 7, 40]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    kind = draw(st.sampled_from(["bytes", "integers", "fractions", "constant", "missing"]))
    if kind == "bytes":
        return rng.integers(0, 256, (rows, *shape)).astype(np.uint8)
    if kind == "integers":
        return rng.integers(-5, 6, (rows, *shape)).astype(np.int64)
    data = (rng.standard_normal((rows, *shape)) * draw(st.sampled_from([1e-3, 1.0, 1e4]))).astype(F32)
    if kind == "constant":
        data[:] = data[0]
    if kind == "missing" and rows > 1:
        data[rng.random(data.shape) < 0.3] = np.nan
        data[0] = 0.5
    return data


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.integers(1, 5), st.booleans(), tables(), st.data())
def test_model_and_circuit_agree_at_every_edge(name, z, unique, data, draw):
    z = max(z, LEAST.get(name, 1))
    options = {
        "per": draw.draw(st.sampled_from(["feature", "channel", "global"])),
        "encode_axis": draw.draw(st.sampled_from([1, -1])),
        "input_bits": draw.draw(st.sampled_from([None, None, 3, 8])),
    }
    encoder = ENCODERS[name](z, unique=unique, **options).fit(data)
    check_against_the_circuit(encoder, edges(encoder))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ENCODERS)), st.integers(1, 5), st.booleans(), tables())
def test_the_bits_are_the_code_of_the_number_of_thresholds_below(name, z, unique, data):
    encoder = ENCODERS[name](max(z, LEAST.get(name, 1)), unique=unique).fit(data).eval()
    rows = edges(encoder).reshape(-1, encoder.input_min.numel())
    thresholds = encoder._per_feature().detach().numpy()
    assert (np.diff(np.minimum(thresholds, F32(1e38))) >= 0).all()
    expected = encoder.code().numpy()[below(rows, thresholds)]  # NaN is above nothing
    got = quietly(encoder, torch.from_numpy(rows.reshape(-1, *encoder.feature_shape)))
    position = torch.from_numpy(expected).reshape(len(rows), *encoder.feature_shape, -1).movedim(-1, 2).flatten(1, 2)
    assert got.dtype == torch.float32
    assert torch.equal(got.bool(), position)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["binary", "fixed-point", "gray", "one-hot", "sign-magnitude", "logarithmic"]),
    st.integers(2, 6),
    tables(shapes=((1,), (3,))),
    st.integers(0, 99),
)
def test_each_code_is_its_definition(name, z, data, seed):
    data = np.nan_to_num(data.astype(F32))
    encoder = ENCODERS[name](z).fit(data).eval()
    rng = np.random.default_rng(seed)
    spread = (2 * rng.random((50, data.shape[1])) - 0.5) * (np.ptp(data, axis=0) + 1) + data.min(0)
    rows = np.concatenate([data, spread.astype(F32), np.round(spread).astype(F32)])
    got = quietly(encoder, torch.from_numpy(rows)).numpy().reshape(len(rows), data.shape[1], z)
    assert np.array_equal(got, by_definition(name, rows, data, z))


def test_bytes_of_eight_bits_become_themselves():
    x = np.arange(256, dtype=np.uint8)[:, None]
    for encoder in (UniformFixedPoint(8), Binary(8)):
        bits = encoder.fit(x).eval()(torch.from_numpy(x))
        assert np.array_equal(bits.numpy(), np.unpackbits(x, axis=1, bitorder="little"))
        assert np.array_equal(to_circuit(encoder, (1,)).outputs(x), bits.bool().numpy())


def test_binary_reads_the_integer_whatever_the_data_were_and_clips():
    encoder = Binary(3).fit(torch.tensor([[2.0], [3.0]])).eval()
    x = torch.tensor([[0.0], [5.0], [7.0], [9.0], [-4.0], [2.5], [2.6]])
    weights = torch.tensor([1.0, 2.0, 4.0])
    assert (quietly(encoder, x) @ weights).tolist() == [0, 5, 7, 7, 0, 2, 3]
    assert encoder.thresholds.shape == (7,)


def test_neighbouring_gray_levels_differ_in_one_bit_and_each_comparator_is_read_once():
    code = Gray(5).code().int()
    assert code.diff(dim=0).abs().sum(1).tolist() == [1] * 31
    circuit = to_circuit(Gray(5, input_bits=20).fit(torch.rand(9, 1)), (1,))
    assert (len(circuit.encoder), np.unique(circuit.netlist.fanin).size) == (31, circuit.netlist.fanin.size)


def test_a_number_and_its_negative_differ_in_the_sign_alone():
    data = torch.randn(100, 2)
    encoder = SignMagnitude(5, per="global").fit(data).eval()
    x = torch.cat([data, encoder.thresholds.unsqueeze(1).expand(-1, 2)])
    x = x[(x.abs() > 1e-30).all(1)]
    positive, negative = (quietly(encoder, sign * x.abs()).view(-1, 2, 5) for sign in (1, -1))
    assert torch.equal(positive[..., :-1], negative[..., :-1])
    assert not positive[..., -1].any()
    assert negative[..., -1].all()
    assert quietly(encoder, torch.zeros(1, 2)).sum() == 0


def test_logarithmic_steps_grow_by_one_factor_and_do_not_depend_on_the_scale():
    x = torch.cat([torch.zeros(1, 1), torch.rand(50, 1), torch.ones(1, 1)])
    steps = (LogarithmicThermometer(7).fit(255 * x).thresholds[0] + 1).log2().diff()
    torch.testing.assert_close(steps, torch.ones(6), rtol=1e-5, atol=0)  # 8 octaves, 8 steps
    bits = LogarithmicThermometer(7).fit(x)(x)
    assert torch.equal(LogarithmicThermometer(7).fit(1024 * x)(1024 * x), bits)
    nearly_uniform = LogarithmicThermometer(7, octaves=1e-3).fit(x).thresholds
    torch.testing.assert_close(nearly_uniform, Thermometer(7).fit(x).thresholds, rtol=1e-3, atol=0)
    for octaves in (0, -1, 65, float("nan")):
        with pytest.raises(ValueError, match="octaves"):
            LogarithmicThermometer(3, octaves=octaves)


def test_exactly_one_wire_of_a_one_hot_code_is_1():
    x = torch.randn(200, 5)
    bits = OneHot(6).fit(x)(x).view(200, 5, 6)
    assert (bits.sum(-1) == 1).all()
    assert (bits.sum(0) > 0).all()


def test_a_constant_feature_has_two_levels_and_wastes_the_rest():
    x = torch.full((5, 1), 3.0)
    encoder = OneHot(4, unique=True).fit(x).eval()
    assert encoder.usable.tolist() == [True, True, False, False]
    assert encoder.num_wasted == 2
    assert encoder(torch.tensor([[2.0], [3.0], [4.0]])).tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    tied = OneHot(4).fit(x).eval()
    assert tied.usable.tolist() == [True, False, False, True]
    assert tied(torch.tensor([[4.0]])).tolist() == [[0, 0, 0, 1]]


def test_a_range_beyond_float32_still_has_thresholds():
    big = float(np.finfo(F32).max)
    encoder = UniformFixedPoint(2).fit(torch.tensor([[-big], [big]])).eval()
    assert encoder.thresholds.isfinite().all()
    assert quietly(encoder, torch.tensor([[-big], [1.0], [big]])).tolist() == [[0, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_the_state_travels_into_a_fresh_encoder(name):
    x = torch.rand(30, 2, 3)
    fitted = nn.Sequential(ENCODERS[name](3, input_bits=6, per="channel").fit(x)).eval()
    fresh = nn.Sequential(ENCODERS[name](3, input_bits=6, per="channel")).eval()
    fresh.load_state_dict(fitted.state_dict())
    for clone in (fresh, copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted).double()):
        assert torch.equal(clone(x), fitted(x))
        assert clone[0].num_wasted == fitted[0].num_wasted
    with pytest.raises(RuntimeError, match=r"num_bits=4.*with the num_bits that was saved"):
        nn.Sequential(ENCODERS[name](4)).load_state_dict(fitted.state_dict())


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_numbers_of_every_kind_and_batches_of_every_size_encode(name):
    x = torch.randint(0, 9, (65, 3))
    encoder = ENCODERS[name](3).fit(x).eval()
    bits = encoder(x)
    assert bits.shape == (65, 9)
    assert bits.t().is_contiguous()
    for dtype in (torch.uint8, torch.int32, torch.float64, torch.bfloat16):
        assert torch.equal(encoder(x.to(dtype)), bits)
    assert torch.equal(encoder(x[:1]), bits[:1])
    assert encoder(x[:0]).shape == (0, 9)
    one = ENCODERS[name](2).fit(x[:1])
    assert one(x[:1]).shape == (1, 6)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_fit_axes_share_thresholds(name):
    x = torch.rand(9, 3, 4, 4)
    encoder = ENCODERS[name](3, fit_axes=(1,)).fit(x)
    assert torch.equal(encoder(x), ENCODERS[name](3, per="channel").fit(x)(x))
    assert encoder.thresholds.shape[:-1] in ((3, 1, 1), ())
    with pytest.raises(ValueError, match="do not have"):
        ENCODERS[name](3, fit_axes=(7,)).fit(x)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_bits_that_cannot_be_are_refused(name):
    for bits in (LEAST.get(name, 1) - 1, 1 << 17, True, "3"):
        with pytest.raises(ValueError if type(bits) is int else TypeError, match="num_bits"):
            ENCODERS[name](bits)
    with pytest.raises(RuntimeError, match="not fitted"):
        ENCODERS[name](3)(torch.rand(2, 2))
    for bits in (0, 25):
        with pytest.raises(ValueError, match=f"input_bits is {bits}; expected the bits of a word"):
            ENCODERS[name](3, input_bits=bits)
    assert type(ENCODERS[name](np.int64(3)).num_bits) is int


def test_a_compiled_encoder_is_the_encoder():
    x = torch.rand(20, 4)
    for encoder in (Gray(4).fit(x), LearnableThermometer(3).fit(x)):
        assert torch.equal(torch.compile(encoder, backend="eager", fullgraph=True)(x), encoder(x))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([-3, 0, 1, 2, 7, 2.5, 1e-3, 2**22, 2**24, np.nan]), min_size=1), st.integers(0, 9))
def test_categories_are_equality_with_the_values_seen(column, seed):
    if np.isnan(column).all():
        column.append(1)
    other = np.random.default_rng(seed).integers(0, 3, len(column))
    data = np.stack([np.array(column, F32), other.astype(F32)], axis=1)
    encoder = Categorical().fit(data).eval()
    seen = [np.unique(values[~np.isnan(values)]) for values in data.T]
    assert encoder.num_bits == max(map(len, seen))
    probes = np.concatenate([data, np.outer([-3, 0, 1, 2, 3, 7, 8, 2**22, 2**24, np.nan, np.inf], [1, 1])]).astype(F32)
    bits = encoder(torch.from_numpy(probes)).numpy().reshape(len(probes), 2, -1)
    for feature, values in enumerate(seen):
        assert np.array_equal(bits[:, feature, : len(values)], probes[:, feature, None] == values)
        assert not bits[:, feature, len(values) :].any()
    check_against_the_circuit(encoder, probes)
    check_against_the_circuit(encoder, edges(encoder))


def test_neighbouring_categories_share_a_comparator():
    x = torch.randint(0, 10, (500, 1))
    circuit = to_circuit(Categorical().fit(x), (1,))
    assert (len(circuit.encoder), circuit.netlist.num_nodes) == (11, 10)
    assert Categorical().fit(x).fitted_range[1] == 0  # categories have no range


def test_the_most_frequent_categories_are_kept():
    x = np.array([5, 5, 5, 1, 1, 9, 9, 3, np.nan], F32)[:, None]
    encoder = Categorical(2).fit(x).eval()
    assert encoder.categories.tolist() == [[1.0, 5.0]]
    assert encoder(torch.from_numpy(x)).tolist() == [[0, 1]] * 3 + [[1, 0]] * 2 + [[0, 0]] * 4
    padded = Categorical(6).fit(x)
    assert padded.usable.tolist() == [True] * 4 + [False] * 2
    with pytest.raises(ValueError, match="1100 values"):
        Categorical().fit(np.arange(1100)[:, None])
    assert Categorical(7).fit(np.arange(1100)[:, None]).num_bits == 7


def test_categories_travel_in_the_state():
    x = torch.randint(0, 5, (40, 3))
    fitted = Categorical().fit(x)
    fresh = Categorical()
    fresh.load_state_dict(fitted.state_dict())
    assert (fresh.num_bits, fresh.categories.tolist()) == (5, fitted.categories.tolist())
    assert torch.equal(fresh(x), fitted(x))
    with pytest.raises(RuntimeError, match="num_bits=3"):
        Categorical(3).load_state_dict(fitted.state_dict())
    images = Categorical(encode_axis=-1).fit(x.view(40, 1, 3))
    assert images(x.view(40, 1, 3)).shape == (40, 1, 15)


def test_every_name_is_an_encoder_of_its_own():
    assert len(set(ENCODERS.values())) == len(ENCODERS)
    assert all(issubclass(kind, Encoder) for kind in ENCODERS.values())
