import copy
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.circuit import OutOfRangeWarning
from lutsmith.circuit.word_length import snap
from lutsmith.nn import to_circuit
from lutsmith.nn.encoders import LearnableThermometer, Thermometer, learnable
from lutsmith.nn.encoders.learnable import STARTS


def moved(encoder, seed=0, by=0.3):
    """The encoder after some training: thresholds at new places, past each other too."""
    generator = torch.Generator().manual_seed(seed)
    encoder.shift.data = by * torch.randn(encoder.shift.shape, generator=generator)
    return encoder


def soft_by_autograd(encoder, x):
    """Soft bits `(N, *shape, z)` in plain torch, with T in ranges of what shares thresholds."""
    axes = [0] + [axis for axis in range(1, x.ndim) if encoder.thresholds.shape[axis - 1] == 1]
    span = x.detach().amax(axes, keepdim=True) - x.detach().amin(axes, keepdim=True)
    span = torch.where(span > 0, span, 1.0).unsqueeze(-1)
    thresholds = encoder.thresholds + span * encoder.shift
    return torch.sigmoid((x.unsqueeze(-1) - thresholds) / (encoder.temperature * span))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["hard", "soft"]),
    st.sampled_from(["feature", "channel"]),
    st.sampled_from([(1,), (5,), (2, 3), (2, 2, 3)]),
    st.sampled_from([1, 2, 65]),
    st.sampled_from([1, -1]),
    st.integers(0, 99),
)
def test_gradients_are_those_of_the_soft_bits(sampling, per, shape, n, axis, seed):
    x = torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    encoder = LearnableThermometer(3, per=per, forward_sampling=sampling, encode_axis=axis).fit(x)
    moved(encoder, seed, 0.1)
    position = 1 if axis == 1 else len(shape)
    expected = soft_by_autograd(encoder, x).movedim(-1, position + 1).flatten(position, position + 1)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(seed + 1))
    wanted = torch.autograd.grad((expected * weights).sum(), [encoder.shift, x])
    bits = encoder(x)
    got = torch.autograd.grad((bits * weights).sum(), [encoder.shift, x])
    for have, want in zip(got, wanted, strict=True):
        torch.testing.assert_close(have, want, rtol=1e-4, atol=1e-5)
    if sampling == "soft":
        torch.testing.assert_close(bits, expected)


@pytest.mark.parametrize("chunk", [1, 100, 10_000])
def test_chunks_change_nothing(chunk, monkeypatch):
    x = torch.randn(40, 3)
    results = []
    for size in (chunk, 1 << 22):
        monkeypatch.setattr(learnable, "CHUNK", size)
        encoder = LearnableThermometer(7, forward_sampling="soft").fit(x)
        bits = encoder(x)
        (bits * torch.arange(21)).sum().backward()
        results.append((bits, encoder.shift.grad))
    torch.testing.assert_close(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1])


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(STARTS)),
    st.sampled_from(["feature", "channel", "global"]),
    st.sampled_from([None, 4, 8]),
    st.booleans(),
    st.integers(0, 99),
)
def test_training_hard_eval_and_circuit_give_the_same_bits(start, per, word, unique, seed):
    x = torch.randint(0, 50, (60, 2, 3), generator=torch.Generator().manual_seed(seed)).float()
    encoder = LearnableThermometer(4, start=start, per=per, input_bits=word, unique=unique).fit(x)
    encoder.input_max[0, 0] = encoder.input_min[0, 0]  # a constant feature
    moved(encoder, seed)
    thresholds = encoder._per_feature().detach()
    edges = torch.cat([thresholds, thresholds.nextafter(torch.tensor(np.inf)), torch.full((6, 3), torch.nan)], 1)
    rows = torch.cat([x, edges.t().reshape(-1, 2, 3)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutOfRangeWarning)
        trained, evaluated = encoder.train()(rows), encoder.eval()(rows)
        lowered = to_circuit(encoder, (2, 3)).outputs(rows.numpy())
    assert torch.equal(trained, evaluated)
    assert np.array_equal(lowered, evaluated.flatten(1).bool().numpy())
    assert torch.equal(evaluated, ((rows.unsqueeze(-1) > encoder.learned_thresholds()).movedim(-1, 2).flatten(1, 2)))


def test_it_starts_where_the_other_thermometers_are():
    x = torch.randint(0, 256, (200, 3), dtype=torch.uint8)
    for start, kind in STARTS.items():
        encoder = LearnableThermometer(5, start=start).fit(x)
        assert torch.equal(encoder.learned_thresholds(), kind(5).fit(x).thresholds)
        assert torch.equal(encoder(x), kind(5).fit(x)(x))


@pytest.mark.parametrize("scale", [1e-3, 255.0])
@pytest.mark.parametrize("sampling", ["hard", "soft"])
def test_it_learns_where_to_look_whatever_the_scale(sampling, scale):
    generator = torch.Generator().manual_seed(0)
    x = scale * torch.rand(1000, 2, generator=generator)
    y = torch.logical_and(x[:, 0] > 0.23 * scale, x[:, 1] > 0.81 * scale).float()
    torch.manual_seed(0)
    encoder = LearnableThermometer(1, start="uniform", forward_sampling=sampling, temperature=0.03).fit(x)
    reader = nn.Linear(2, 1)
    model = nn.Sequential(encoder, reader)
    groups = [{"params": encoder.parameters(), "lr": 0.01}, {"params": reader.parameters(), "lr": 0.1}]
    optimizer = torch.optim.Adam(groups)
    accuracy = []
    for _ in range(400):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model.train()(x).squeeze(1), y).backward()
        optimizer.step()
        accuracy.append(((model.eval()(x).squeeze(1) > 0) == (y > 0)).float().mean().item())
    assert accuracy[0] < 0.9
    assert accuracy[-1] > 0.98
    learned = encoder.learned_thresholds().detach().flatten() / scale
    torch.testing.assert_close(learned, torch.tensor([0.23, 0.81]), rtol=0, atol=0.03)


def test_missing_and_infinite_numbers_have_no_gradient():
    encoder = LearnableThermometer(2, forward_sampling="soft", unique=True).fit(torch.zeros(3, 1))
    assert encoder.learned_thresholds().tolist() == [[0.0, np.inf]]
    bits = encoder(torch.tensor([[np.nan], [np.inf], [-np.inf]]))
    bits.sum().backward()
    assert bits.tolist() == [[0, 0], [1, 0], [0, 0]]
    assert encoder.shift.grad.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("ends", [[-3e38, 3e38], [0.0, 1e-42], [5.0, 5.0]])
@pytest.mark.parametrize("sampling", ["hard", "soft"])
def test_ranges_at_the_ends_of_float32_train(sampling, ends):
    x = torch.tensor(ends).unsqueeze(1)
    encoder = LearnableThermometer(2, start="uniform", forward_sampling=sampling).fit(x)
    encoder(x).sum().backward()
    assert encoder.shift.grad.isfinite().all()
    assert torch.equal(encoder.learned_thresholds(), Thermometer(2).fit(x).thresholds)


def test_word_lengths_hold_while_training():
    x = torch.rand(50, 3)
    encoder = moved(LearnableThermometer(4, input_bits=5).fit(x), by=0.05)
    low, high = (bound.numpy()[:, None] for bound in (encoder.input_min, encoder.input_max))
    learned = encoder.learned_thresholds()
    assert np.array_equal(snap(learned.detach().numpy(), low, high, 5), learned.detach().numpy())
    assert torch.autograd.grad(learned.sum(), encoder.shift)[0].abs().min() > 0


def test_a_temperature_can_be_changed_and_must_be_one():
    x = torch.rand(9, 2)
    encoder = LearnableThermometer(1, start="uniform", forward_sampling="soft", temperature=0.5).fit(x)
    assert 0 < encoder(x).min() < encoder(x).max() < 1
    encoder.temperature = 1e-6
    torch.testing.assert_close(encoder(x), Thermometer(1).fit(x)(x))
    for value in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="temperature"):
            encoder.temperature = value
    for wrong in ({"start": "x"}, {"forward_sampling": "x"}, {"temperature": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LearnableThermometer(1, **wrong)


def test_an_optimizer_keeps_its_parameter_when_a_state_is_loaded_or_the_encoder_fitted():
    x = torch.rand(20, 3)
    trained = moved(LearnableThermometer(2).fit(x))
    for encoder in (LearnableThermometer(2), LearnableThermometer(2).fit(x)):
        parameter = encoder.shift
        encoder.load_state_dict(trained.state_dict())
        assert encoder.shift is parameter
        assert torch.equal(encoder(x), trained(x))
        assert encoder.fit(x).shift is parameter
        assert not parameter.any()


def test_half_precision_models_keep_their_thresholds():
    x = torch.rand(20, 3)
    encoder = moved(LearnableThermometer(2).fit(x))
    half = copy.deepcopy(encoder)
    half(x).sum().backward()
    gradient = half.shift.grad.clone()
    half.half()
    assert half.shift.dtype == torch.float32
    assert torch.equal(half(x), encoder(x))
    assert half.shift.grad.dtype == torch.float32
    assert torch.equal(half.shift.grad, gradient)


def test_evaluation_without_gradients_makes_no_graph():
    encoder = LearnableThermometer(2).fit(torch.rand(20, 3))
    assert not encoder.eval()(torch.rand(4, 3)).requires_grad
    with torch.no_grad():
        assert not encoder.train()(torch.rand(4, 3)).requires_grad
    assert encoder(torch.rand(4, 3)).requires_grad
