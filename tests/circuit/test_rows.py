"""What may be given to predict, what is refused, and when the range is warned about."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import OutOfRangeWarning
from lutsmith.circuit.rows import FittedRange, as_rows
from tests.tools import module

VALUES = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize("X", [VALUES, VALUES.reshape(2, 12), VALUES.tolist(), np.asfortranarray(VALUES)])
def test_samples_may_be_shaped_or_flat(X) -> None:
    np.testing.assert_array_equal(as_rows(X, (3, 4)), VALUES.reshape(2, 12))


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "u8", "f2", "f4", "f8", "g", ">f4", ">i8"])
def test_all_real_numbers_are_taken_in_native_order(dtype: str) -> None:
    rows = as_rows((VALUES > 3).astype(dtype), (3, 4))
    assert rows.dtype.isnative
    np.testing.assert_array_equal(rows, (VALUES > 3).reshape(2, 12))


def test_arrays_and_memory_maps_are_not_copied(tmp_path: Path) -> None:
    array = np.zeros((5, 3), np.uint8)
    assert np.shares_memory(as_rows(array, (3,)), array)
    np.save(tmp_path / "rows.npy", array)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert np.shares_memory(as_rows(mapped, (3,)), mapped)


def test_no_samples_are_samples() -> None:
    assert as_rows(np.zeros((0, 2, 3)), (2, 3)).shape == (0, 6)
    assert as_rows(np.zeros((0, 6)), (2, 3)).shape == (0, 6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "uint8", "int64", "bool"])
def test_torch_tensors_are_taken(dtype: str) -> None:
    torch = module("torch")
    rows = as_rows(torch.arange(6).reshape(2, 3).to(getattr(torch, dtype)), (3,))
    assert isinstance(rows, np.ndarray)
    assert rows.astype(np.float32).tolist() == ([[0, 1, 1], [1, 1, 1]] if dtype == "bool" else [[0, 1, 2], [3, 4, 5]])


def test_torch_tensors_with_a_gradient_are_detached() -> None:
    torch = module("torch")
    assert as_rows(torch.ones(2, 3, requires_grad=True) * 2, (3,)).tolist() == [[2, 2, 2], [2, 2, 2]]


def test_torch_tensors_without_data_are_refused() -> None:
    torch = module("torch")
    with pytest.raises(TypeError, match="X is a Tensor that cannot become an array of numbers"):
        as_rows(torch.ones(2, 3, device="meta"), (3,))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 5)), r"X has shape \(2, 5\), expected \(samples, 3, 4\) or \(samples, 12\)$"),
        (np.zeros((3, 4)), r"X has shape \(3, 4\), .*: for a single sample give X\[None\]"),
        (np.zeros(12), r"X has shape \(12,\), .*: for a single sample give X\[None\]"),
        (np.zeros((2, 4, 3)), r"X has shape \(2, 4, 3\)"),
        (np.zeros((2, 1, 3, 4)), r"X has shape \(2, 1, 3, 4\)"),
        (np.zeros(()), r"X has shape \(\)"),
        ([], r"X has shape \(0,\)"),
        ([[1, 2], [3]], "X cannot become an array .*: give rows of equal length"),
        (np.ma.masked_greater(VALUES, 3), "X has masked values: fill them first"),
    ],
)
def test_other_shapes_are_refused(X, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_rows(X, (3, 4))


@pytest.mark.parametrize(
    "X",
    [
        VALUES * 1j,
        VALUES.astype(str),
        VALUES.astype(object),
        VALUES.astype("M8[s]"),
        VALUES.astype("m8[s]"),
        np.zeros((2, 12), "f4,f4"),
        None,
        "digits",
        [["1", "2"]],
        {"a": 1},
        [[None, 2.0]],
    ],
)
def test_what_is_no_real_number_is_refused(X) -> None:
    with pytest.raises(TypeError, match=r"X holds .* values, expected real numbers"):
        as_rows(X, (3, 4))


LOW, HIGH = np.zeros(64, np.float32), np.full(64, 16, np.float32)
LOW[:2], HIGH[:2] = 3, 3  # constant in the training data: they say nothing


def warned(rows: np.ndarray) -> bool:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        FittedRange(LOW, HIGH).warn(rows, stacklevel=1)
    assert len(caught) <= 1
    return bool(caught)


def digits(samples: int, dtype: type = np.uint8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.integers(0, 17, (samples, 64)) * (rng.random((samples, 64)) < 0.4)).astype(dtype)


@pytest.mark.parametrize("samples", [1, 2, 16, 17, 1000])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64])
def test_data_like_those_fitted_do_not_warn(samples: int, dtype: type) -> None:
    assert not warned(digits(samples, dtype))


@pytest.mark.parametrize("samples", [1, 17, 1000])
def test_data_on_another_scale_warn(samples: int) -> None:
    X = digits(samples, np.float32)
    assert warned(X / 16)
    assert warned(X * 100)
    assert warned(X / 16 - 0.5)
    assert warned(X + 1000)
    assert warned(np.full_like(X, np.nan))


def test_blank_samples_few_values_and_no_samples_do_not_warn() -> None:
    assert not warned(np.zeros((5, 64), np.uint8))
    assert not warned(np.zeros((0, 64), np.uint8))
    few = np.zeros((1, 64))
    few[0, 10:20] = 1000
    assert not warned(few)


def test_a_few_odd_values_among_many_do_not_warn() -> None:
    X = digits(1000, np.float32)
    X[::2, ::4] = 1e9
    assert not warned(X)


def test_the_warning_names_both_ranges() -> None:
    with pytest.warns(OutOfRangeWarning, match=r"sampled values are in \[0, 1\], fitted ones in \[0, 16\]; give raw"):
        FittedRange(LOW, HIGH).warn(digits(100) / 16, stacklevel=1)


def test_a_range_without_width_never_warns() -> None:
    FittedRange(HIGH, HIGH).warn(digits(100) / 16, stacklevel=1)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_warning_follows_its_stated_rule(seed: int, samples: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.choice([0, 0, 1, 1.6, 2, 16, 17, -1, np.nan], (samples, 64), p=rng.dirichlet(np.ones(9) / 4))
    seen = X[:: -(-samples // 16), 2:]
    telling = (seen != 0).sum()
    out_of_place = ((seen != 0) & ~((seen > np.float64(1.6)) & (seen <= 16))).sum()
    assert len(seen) <= 16
    assert warned(X) == (telling >= 16 and 10 * out_of_place >= 9 * telling)
