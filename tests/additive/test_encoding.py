"""The bits of additive learning are those of the torch encoders, and the signals of its circuits, on every number."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.additive import encoding as module
from lutsmith.additive.encoding import Encoding
from lutsmith.circuit import CircuitBuilder
from lutsmith.encodings.kinds import KINDS, encoder_kind
from lutsmith.nn.encoders import ENCODERS, Categorical, Encoder

NUMBERS = [0.0, -0.0, 1.0, 2.5, -3.0, np.nan, np.inf, -np.inf, 3e38, 1e-45]
EXACT = sorted(set(KINDS) - {"gaussian"})


def unpacked(words: np.ndarray, samples: int) -> np.ndarray:
    """Bool (samples, B); what stands beyond the last sample has to be 0."""
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little").astype(np.bool_)
    assert not bits[:, samples:].any()
    return bits[:, :samples].T


def said_by(encoder: Encoder, x: np.ndarray) -> np.ndarray:
    """Bool (N, F, z) of a torch encoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers far outside
        return encoder(torch.from_numpy(x)).bool().numpy().reshape(*x.shape, encoder.num_bits)


def expected(encoder: Encoder, x: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """What the torch encoder says of rows asked, but for bits that tell nothing apart: by trying every number."""
    edges = encoder.thresholds.expand(x.shape[1], -1).numpy()
    said, kept = said_by(encoder, asked), []
    for feature, places in enumerate(edges):
        column = x[:, feature].astype(np.float32)
        between = np.concatenate([places, np.nextafter(places, np.float32(np.inf)), column]).astype(np.float32)
        between = between[(between >= np.nanmin(column)) & (between <= np.nanmax(column))]
        tried = np.append(between, np.float32(np.nan)) if np.isnan(column).any() else between
        found = said_by(encoder, np.repeat(tried[:, None], x.shape[1], axis=1))[:, feature]
        varies = found.any(axis=0) & ~found.all(axis=0)
        if encoder.num_thresholds == encoder.num_bits and encoder.code()[1:].all(1)[-1]:  # a thermometer
            varies[1:] &= places[1:] != places[:-1]
        kept.append(said[:, feature, varies])
    return np.concatenate(kept, axis=1)


def awkward(rng: np.random.Generator, samples: int, dtype: Any) -> np.ndarray:
    """Columns of many values, few, one, and one with missing values, as far as the dtype has them."""
    x = np.stack([
        rng.normal(size=samples) * 10.0 ** rng.integers(-3, 4),
        rng.choice([0, 1, 1.5, 2, 7, -4], samples),
        np.full(samples, rng.choice([0, 3, -2.5])),
        rng.integers(-3, 200, samples),
    ], axis=1)  # fmt: skip
    if np.dtype(dtype).kind == "f":
        x[1:, rng.integers(0, 4)][rng.random(samples - 1) < 0.4] = np.nan
        return x.astype(dtype)
    return np.clip(np.rint(x), 0 if np.dtype(dtype).kind == "u" else -100, 100).astype(dtype)


@given(
    name=st.sampled_from(EXACT),
    seed=st.integers(0, 2**32 - 1),
    samples=st.sampled_from([1, 2, 63, 65, 200]),
    bits=st.integers(2, 7),
    dtype=st.sampled_from(["u1", "i1", "i8", "f2", "f4", "f8"]),
)
@settings(max_examples=40, deadline=None)
def test_bits_are_those_of_the_torch_encoder_of_this_name(
    name: str, seed: int, samples: int, bits: int, dtype: str
) -> None:
    rng = np.random.default_rng(seed)
    x = awkward(rng, samples, dtype)
    encoding = Encoding.fit(x, bits, encoder=name)
    encoder = ENCODERS[name](bits).fit(x)
    places = encoder.thresholds.numpy().reshape(-1)
    asked = np.concatenate([x.astype(np.float32), rng.choice(NUMBERS, (70, 4)), rng.choice(places, (70, 4))])
    asked = asked.astype(np.float32)
    np.testing.assert_array_equal(unpacked(encoding.packed(asked), len(asked)), expected(encoder, x, asked))


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_gaussian_thresholds_are_those_of_torch_but_for_rounding(dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([awkward(rng, 3000, dtype) for _ in range(5)], axis=1)
    encoder = ENCODERS["gaussian"](9).fit(x)
    ours, its = KINDS["gaussian"].thresholds(x, 9), encoder.thresholds.numpy()
    spread = np.nanstd(x.astype(np.float64), axis=0) + np.abs(np.nanmean(x.astype(np.float64), axis=0))
    assert (np.abs(ours - its) <= 1e-6 * spread[:, None]).all()
    encoding = Encoding.fit(x, 9, encoder="gaussian")
    assert np.isin(encoding.threshold, ours).all()
    assert len(encoding) > 5


@given(
    name=st.sampled_from(sorted(KINDS)),
    seed=st.integers(0, 2**32 - 1),
    samples=st.sampled_from([1, 64, 200, 1025, 2048]),
    bits=st.integers(2, 9),
    named=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_bits_are_the_signals_of_the_circuit(name: str, seed: int, samples: int, bits: int, named: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.choice([0, 1, 1.5, 2, 7, -4, np.nan], (samples, 3)).astype(np.float32)
    x[:, 2] = rng.integers(0, 40, samples)
    encoding = Encoding.fit(x, bits, (0, 2) if named else (), encoder=name, sets=named)
    if len(encoding) == 0:
        return
    asked = np.concatenate([x, rng.choice(NUMBERS, (70, 3)).astype(np.float32)])
    found = unpacked(encoding.packed(asked), len(asked))
    for used in (None, rng.integers(0, len(encoding), 5)):
        builder = CircuitBuilder((3,))
        circuit = builder.build(encoding.emit(builder, used))
        wanted = np.isin(np.arange(len(encoding)), range(len(encoding)) if used is None else used)
        np.testing.assert_array_equal(circuit.outputs(asked), found & wanted)
        assert encoding.has_luts or builder.num_luts == 0
    np.testing.assert_array_equal(encoding.feature, np.sort(encoding.feature))


@given(st.sampled_from(["binary", "fixed-point"]), st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_levels_are_words_in_the_circuit(name: str, seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    x = awkward(rng, 200, rng.choice(["u1", "i8", "f4", "f8"]))
    encoding = Encoding.fit(x, bits, encoder=name)
    constant = np.nanmin(x, axis=0) == np.nanmax(x, axis=0)
    if name == "fixed-point":  # in float32 it may be constant
        constant = np.nanmin(x.astype(np.float32), axis=0) == np.nanmax(x.astype(np.float32), axis=0)
        assert np.array_equal(encoding.bit < 0, constant[encoding.feature])
    else:
        assert (encoding.bit >= 0).all()
    builder = CircuitBuilder((4,))
    circuit = builder.build(encoding.emit(builder))
    assert not encoding.has_luts
    assert (len(circuit.encoder), circuit.netlist.num_nodes) == (np.count_nonzero(encoding.bit < 0), 0)
    plain = replace(encoding, bit=np.full(len(encoding), -1, np.int32), formats=None)  # compared
    asked = np.concatenate([x.astype(np.float32), rng.choice(np.append(NUMBERS, encoding.threshold), (500, 4))])
    np.testing.assert_array_equal(encoding.packed(asked), plain.packed(asked))


@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans(), most=st.sampled_from([None, 1, 3]))
@settings(max_examples=30, deadline=None)
def test_categories_are_those_of_the_torch_encoder(seed: int, whole: bool, most: int | None) -> None:
    rng = np.random.default_rng(seed)
    pool = rng.integers(-5, 90, 7) if whole else np.append(rng.normal(size=6), 0)
    x = rng.choice(np.append(pool, np.nan), (50, 2))
    encoding = Encoding.fit(x, 3, (0, 1), max_categories=most)
    asked = np.concatenate([x, np.resize(NUMBERS, (40, 2)), rng.choice(pool, (30, 2)) + 0.5]).astype(np.float32)
    encoder = Categorical(most).fit(x)
    there = ~encoder.categories.isnan().flatten().numpy()
    said = said_by(encoder, asked).reshape(len(asked), -1)[:, there]
    np.testing.assert_array_equal(unpacked(encoding.packed(asked), len(asked)), said)


def test_sets_tell_all_categories_apart() -> None:
    x = np.repeat([5.0, 2.0, 9.0, 4.0, np.nan], [4, 3, 2, 1, 1])[:, None]
    plain, sets = (Encoding.fit(x, 1, (0,), sets=given) for given in (False, True))
    said = unpacked(sets.packed(np.array([[5.0], [2], [9], [4], [np.nan], [3]])), 6)
    assert said[:, len(plain) :].tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_thresholds_are_quantiles_that_tell_rows_apart() -> None:
    x = np.concatenate([np.arange(100.0), np.full(20, np.nan)])[:, None]
    assert Encoding.fit(x, 3).threshold.tolist() == [25.0, 50.0, 75.0]
    assert Encoding.fit(np.array([[1.0], [2.0], [2.0], [5.0]]), 7).threshold.tolist() == [1.0, 2.0]
    assert len(Encoding.fit(np.array([[4.0], [4.0]]), 7)) == 0
    assert len(Encoding.fit(np.full((3, 1), np.nan), 7)) == 0
    assert Encoding.fit(np.full((3, 1), np.nan), 7).packed(np.zeros((65, 1))).shape == (0, 2)


def test_pieces_threads_and_files_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, (3000, 5, 4)).astype(np.uint8)
    rows = rng.permutation(3000)[:1100]
    np.save(tmp_path / "x.npy", x)
    whole = Encoding.fit(x, 5, (3,))
    some = Encoding.fit(x[rows], 5, (3,))
    monkeypatch.setattr(module, "READ", 5000)
    monkeypatch.setattr(module, "FITTED", 3500)
    ways = (x, np.load(tmp_path / "x.npy", mmap_mode="r"), np.asfortranarray(x.reshape(3000, 20)))
    for threads, stored in enumerate(ways, start=1):
        monkeypatch.setenv("LUTSMITH_NUM_THREADS", str(threads))
        again, chosen = Encoding.fit(stored, 5, (3,)), Encoding.fit(stored, 5, (3,), rows=rows)
        for mine, other in ((again, whole), (chosen, some)):
            for name in ("feature", "count", "threshold", "inverted"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(other, name))
        np.testing.assert_array_equal(again.packed(stored), whole.packed(x))
        np.testing.assert_array_equal(again.packed(stored, rows), whole.packed(x[rows]))


def test_larger_data_are_sampled_by_the_seed() -> None:
    x = np.random.default_rng(0).random((5000, 2)).astype(np.float32)
    first, again, other = (Encoding.fit(x, 3, most_rows=1000, seed=seed).threshold for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_allclose(first, np.tile([0.25, 0.5, 0.75], 2), atol=0.06)


@pytest.mark.parametrize("samples", [0, 1, 64])
def test_what_stands_beyond_the_last_sample_is_zero(samples: int) -> None:
    encoding = Encoding.fit(np.array([[-2.0], [-2.0], [-1.0]]), 1)
    words = encoding.packed(np.ones((samples, 1), np.float32))
    assert words.shape == (1, -(-samples // 64))
    assert unpacked(words, samples).sum() == samples


def test_every_encoder_that_is_not_trained_has_its_name_here() -> None:
    assert [*KINDS, "learnable"] == sorted(ENCODERS, key=[*KINDS, "learnable"].index)
    for name, kind in KINDS.items():
        assert (kind.least, kind.most) == ENCODERS[name]._bit_limits()
        for shape in ((5,), (4, 4)):
            assert ENCODERS[name](kind.bits(None, shape)).num_bits <= 64


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"encoder": "unifrom"}, ValueError, "did you mean 'uniform'"),
        ({"encoder": "learnable"}, ValueError, "trained by gradients; .* one of uniform, "),
        ({"encoder": 3}, TypeError, "expected a name, one of uniform"),
        ({"encoder": "gray", "bits": 17}, ValueError, "from 1 to 16"),
        ({"bits": 0}, ValueError, "from 1 to"),
        ({"most_rows": 0}, ValueError, "most_rows is 0"),
        ({"x": np.array([[1.0], [np.inf]])}, ValueError, "feature 0 has infinite values"),
        ({"x": np.array([[1.0, 1e300]])}, ValueError, "feature 1 has infinite values"),
        ({"x": np.zeros((0, 3))}, ValueError, "no rows"),
        ({"x": np.zeros(3)}, ValueError, "expected \\(N, features\\)"),
        ({"x": np.array([["a"]])}, TypeError, "expected real numbers"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Encoding.fit(**{"x": np.eye(3), "bits": 3} | arguments)


def test_samples_of_another_width_and_trained_encoders_are_refused() -> None:
    with pytest.raises(ValueError, match="x has 2 features; the encoding was fitted to 3"):
        Encoding.fit(np.eye(3), 1).packed(np.eye(2))
    with pytest.raises(ValueError, match="learnable"):
        encoder_kind("learnable")
