"""Binary, fixed-point and Gray encoders become words: no comparators, and nothing changes at any number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Circuit, OutOfRangeWarning
from lutsmith.encodings import codes
from lutsmith.encodings.words import bits_read
from lutsmith.nn import Columns, OneHot, Thermometer, to_circuit
from lutsmith.nn.encoders import ENCODERS, Binary, Gray, UniformFixedPoint

F32 = np.float32
STRANGE = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 0.5, 2.5, -0.5, -1e-45, 1e38, -1e38, 65535.5, 2.0**24], F32)
LEVELS = ["binary", "fixed-point", "gray"]


def numbers_about(encoder: Any) -> np.ndarray:
    """float32 (M, F): every threshold, its neighbours, and what is strange."""
    thresholds = encoder._per_feature().numpy().T
    around = [thresholds, np.nextafter(thresholds, F32(-np.inf)), np.nextafter(thresholds, F32(np.inf))]
    rows = [*around, np.repeat(STRANGE[:, None], thresholds.shape[1], axis=1)]
    return np.concatenate(rows).astype(F32)


def check(encoder: Any, rows: np.ndarray) -> Circuit:
    """Return the circuit, after a look that it says what the encoder says."""
    circuit = to_circuit(encoder.eval(), encoder.feature_shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutOfRangeWarning)
        bits = encoder(torch.from_numpy(rows)).flatten(1).bool().numpy()
        assert np.array_equal(circuit.evaluate(rows), bits)
        assert np.array_equal(circuit.outputs(rows), bits)
    return circuit


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 16), st.integers(0, 2**32 - 1), st.sampled_from(["u1", "i2", "i8", "f4", "f8"]))
def test_bit_planes_are_free_and_exact_for_every_number(bits: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    encoder = Binary(bits).fit(rng.integers(0, 9, (5, 3)))
    patterns = rng.integers(0, 2**32, (400, 3), dtype=np.uint32).view(F32)  # floats of every size
    planes = check(encoder, np.concatenate([patterns, np.repeat(STRANGE[:, None], 3, axis=1)]))
    assert (len(planes.encoder), planes.netlist.num_nodes) == (0, 0)
    assert planes.words is not None
    assert planes.words.formats.plain.all()
    limits = np.iinfo(kind) if np.dtype(kind).kind in "iu" else None
    values = np.concatenate(
        [rng.integers(-9, 300, 200), rng.integers(-(2**17), 2**17, 200), 2 ** rng.integers(0, 40, 9)]
    )
    given_rows = np.repeat(values[:, None], 3, axis=1).clip(*((limits.min, limits.max) if limits else (None, None)))
    check(encoder, given_rows.astype(kind))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(LEVELS), st.integers(1, 7), st.sampled_from(["feature", "channel", "global"]),
    st.sampled_from([1e-42, 1e-20, 1e-3, 1.0, 1e6, 3e38]), st.sampled_from([0.0, 1.0, -3e4]), st.integers(0, 999),
    st.sampled_from(["f4", "f8"]),
)  # fmt: skip
def test_levels_of_every_range_are_words(
    name: str, bits: int, per: str, scale: float, shift: float, seed: int, kind: str
) -> None:
    data = (np.random.default_rng(seed).uniform(-1, 1, (30, 2, 3)) * scale + shift).astype(kind)
    encoder = ENCODERS[name](bits, per=per).fit(data)
    circuit = check(encoder, numbers_about(encoder).reshape(-1, 2, 3))
    low, high = (bound.astype(np.float64) for bound in encoder.fitted_range)
    if (low < high).all():
        assert len(circuit.encoder) == 0
    luts = {"gray": bits - 1}.get(name, 0)
    assert circuit.netlist.num_nodes <= 6 * luts
    if name != "binary":  # BitLogic's thresholds, but for the roundings of float32, in which it reckons
        shared = {"feature": (), "channel": (1,), "global": (0, 1)}[per]
        low, high = low.reshape(2, 3).min(shared, keepdims=True), high.reshape(2, 3).max(shared, keepdims=True)
        step = (high - low)[..., None] / 2**bits
        wanted = low[..., None] + np.arange(1, 2**bits) * step
        ulp = np.spacing(np.maximum(abs(low), abs(high)).astype(F32)).astype(np.float64)[..., None]
        assert (abs(encoder.thresholds.numpy() - wanted) <= 0.500001 * ulp).all()


def test_a_constant_feature_is_compared() -> None:
    encoder = UniformFixedPoint(4).fit(np.array([[1.0, 5.0, 0.0], [2.0, 5.0, 9.0]]))
    circuit = check(encoder, numbers_about(encoder))
    assert circuit.encoder.feature.tolist() == [1]
    assert circuit.words is not None
    assert circuit.words.formats.feature.tolist() == [0, 2]
    assert circuit.netlist.num_nodes == 0


def test_other_thresholds_than_those_of_words_are_compared() -> None:
    data = np.random.default_rng(0).normal(size=(50, 2)).astype(F32)
    old = UniformFixedPoint(4).fit(data)  # as float32 reckoned: what checkpoints of earlier versions hold
    low, high = data.min(0)[:, None], data.max(0)[:, None]
    reckoned = low + np.arange(1, 16, dtype=F32) * ((high - low) / F32(16))
    old.thresholds = torch.from_numpy(reckoned)
    moved = Binary(3).fit(data)
    moved.thresholds = moved.thresholds + 0.25
    moved.thresholds[-1] += 1
    repeated = UniformFixedPoint(8, unique=True).fit(np.float32([[1], [1 + 2**-20]]))
    for encoder in (old, moved, repeated, UniformFixedPoint(4, input_bits=7).fit(data)):
        circuit = check(encoder, numbers_about(encoder))
        assert len(circuit.encoder) > 0
        assert circuit.netlist.num_nodes > 0
    shifted = Binary(3).fit(data)
    shifted.thresholds = shifted.thresholds + 0.25  # a word with an offset
    assert len(check(shifted, numbers_about(shifted)).encoder) == 0


@pytest.mark.parametrize("kind", [Binary, UniformFixedPoint])
def test_words_of_the_length_that_hardware_has_stay_words(kind: Any) -> None:
    data = np.random.default_rng(0).integers(0, 256, (300, 3)).astype(np.uint8)
    data[:2] = [[0], [255]]
    same = check(kind(8, input_bits=8).fit(data), data)
    shorter = check(kind(4, input_bits=8).fit(data), data)
    assert (len(same.encoder), same.netlist.num_nodes) == (0, 0)
    assert len(shorter.encoder) == 3 * 15


def test_the_metadata_of_words_stays_that_of_comparators() -> None:
    from lutsmith.nn.lowering import lower

    data = np.random.default_rng(0).uniform(0, 9, (30, 2)).astype(F32)
    for encoder, luts in ((UniformFixedPoint(3).fit(data), 0), (Gray(3).fit(data), 4)):
        lowered = lower(encoder, (2,))
        assert lowered.encoder_luts == lowered.circuit.netlist.num_nodes == luts
        assert lowered.circuit.fitted_range is not None
        assert np.array_equal(lowered.circuit.fitted_range, encoder.fitted_range)
        assert encoder.num_wasted == 0


def test_columns_of_words_beside_names() -> None:
    rng = np.random.default_rng(0)
    data = np.stack([rng.integers(0, 99, 60), rng.integers(0, 3, 60), rng.integers(0, 7, 60)], axis=1)
    encoder = Columns(Binary(7), [1]).fit(data)
    circuit = check(encoder, np.concatenate([data.astype(F32), np.repeat(STRANGE[:, None], 3, axis=1)]))
    assert np.unique(circuit.encoder.feature).tolist() == [1]


def test_which_codes_are_xors_of_the_bits_of_a_level() -> None:
    for bits in (1, 2, 3, 6):
        read = bits_read(codes.binary(bits))
        assert np.array_equal(read, np.eye(bits, dtype=np.bool_))
        gray = bits_read(codes.gray(bits))
        assert gray is not None
        assert gray.sum(axis=0).tolist() == [2] * (bits - 1) + [1]
    read = bits_read(codes.sign_magnitude(3))
    assert read is not None  # the sign is the inverse of the highest bit
    assert bits_read(codes.one_hot(4)) is None
    assert bits_read(codes.thermometer(3)) is None
    assert bits_read(codes.thermometer(4)) is None


@pytest.mark.parametrize("encoder", [OneHot(4), Thermometer(3)])
def test_other_codes_are_compared_as_ever(encoder: Any) -> None:
    circuit = check(encoder.fit(np.arange(9.0)[:, None]), np.arange(-3, 12, 0.5)[:, None].astype(F32))
    assert circuit.words is None
