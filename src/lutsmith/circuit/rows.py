"""The data that a user passes to `predict`, checked and turned into rows of numbers that a circuit can compare."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.ground.arrays import frozen


class OutOfRangeWarning(UserWarning):
    """The data given to a circuit are outside of the range that it was fitted on."""


SAMPLED_ROWS = 16
"""Rows, evenly spaced, that are compared with the fitted range: the check costs microseconds."""


NOT_EXACT = (
    "the circuit reads words of more than 24 bits, and tables are read as float32, which does not hold them: give an "
    "array of integers or float64, or a .npy file of one"
)
"""Why such a circuit takes no table."""


def as_rows(X: ArrayLike, input_shape: tuple[int, ...]) -> NDArray[Any]:
    """Return X as an array (N, F) of numbers in native byte order, without a copy where that is possible.

    Takes what NumPy takes: arrays, memory maps, nested lists, data frames; and torch tensors, which are detached and
    brought to this machine's memory. Booleans are the numbers 0 and 1.

    Args:
        X: (N, *input_shape), or (N, F) with F the product of `input_shape`.
        input_shape: the shape of one sample.

    Raises:
        TypeError: X holds no real numbers.
        ValueError: X has another shape, is ragged, or is a masked array with masked values.
    """
    array = as_numbers(X)
    features = math.prod(input_shape)
    if array.ndim < 2 or (array.shape[1:] != input_shape and array.shape[1:] != (features,)):
        raise ValueError(_shape_message(array.shape, input_shape, features))
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.reshape(len(array), features)


def as_streams(X: ArrayLike, input_shape: tuple[int, ...]) -> NDArray[Any]:
    """Return streams of samples as an array (N, T, F) of numbers, without a copy where that is possible.

    Args:
        X: (N, T, *input_shape), or (N, T, F): T samples, one a cycle, of each of N streams.
        input_shape: the shape of one sample.

    Raises:
        TypeError, ValueError: as of `as_rows`.
    """
    array = as_numbers(X)
    features = math.prod(input_shape)
    if array.ndim < 3 or (array.shape[2:] != input_shape and array.shape[2:] != (features,)):
        expected = f"(streams, cycles, {', '.join(map(str, input_shape))})"
        hint = ": for a single stream give X[None]" if array.shape[1:] in (input_shape, (features,)) else ""
        raise ValueError(f"X has shape {array.shape}, expected {expected}{hint}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array.reshape(*array.shape[:2], features)


def as_numbers(X: ArrayLike, name: str = "X") -> NDArray[Any]:
    """Return X as an array of real numbers of any shape; messages call it `name`, errors are as of `as_rows`."""
    values: Any = X
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked values: fill them first, for example with {name}.filled(0)")
    try:
        if hasattr(values, "detach") and hasattr(values, "cpu"):  # a torch tensor; torch itself is never imported here
            values = values.detach().cpu()
            if str(values.dtype) == "torch.bfloat16":  # NumPy has no such type; float32 holds its values exactly
                values = values.float()
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} cannot become an array ({error}): give rows of equal length") from error
    except (TypeError, RuntimeError) as error:
        raise TypeError(f"{name} is a {type(X).__name__} that cannot become an array of numbers ({error})") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} holds {array.dtype} values, expected real numbers (integers, floats or booleans): "
            f"convert it first, for example with {name}.astype('float32')"
        )
    return array


def checked_range(fitted_range: Any, features: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the low and high of a fitted range as float32 (F,) each; ValueError where they are not valid."""
    low, high = (frozen(np.reshape(bound, -1), np.float32) for bound in fitted_range)
    if low.shape != (features,) or high.shape != (features,):
        raise ValueError(f"fitted_range has {low.size} and {high.size} values, expected {features} each")
    if not (low <= high).all():
        raise ValueError("fitted_range has a low above its high, or NaN")
    return low, high


def _shape_message(given: tuple[int, ...], input_shape: tuple[int, ...], features: int) -> str:
    shaped = f"(samples, {', '.join(map(str, input_shape))})"
    flat = f" or (samples, {features})" if len(input_shape) > 1 else ""
    message = f"X has shape {given}, expected {shaped}{flat}"
    if given in (input_shape, (features,)):
        message += ": for a single sample give X[None]"
    return message


class FittedRange:
    """The lowest and highest value of each feature in the data that a circuit was fitted on.

    A value is **out of place** where it is not the feature's lowest, and either lies outside [low, high] or in the
    lowest tenth of that range. Features whose low equals their high do not count. `warn` looks at up to 16 rows, evenly
    spaced, and warns when at least 16 values in them are not their feature's lowest and at least nine tenths of those
    are out of place. Images in [0, 1] given to a circuit fitted on 0..255 (or 0..16) are the usual case; a blank image
    or a few odd values never warn.

    Args:
        low: float32 (F,), the lowest value of each feature.
        high: float32 (F,), the highest.
    """

    def __init__(self, low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
        self._features = np.flatnonzero(high > low)
        self._low = low[self._features].astype(np.float64)
        self._high = high[self._features].astype(np.float64)
        self._tenth = self._low + (self._high - self._low) / 10
        self._everything = self._features.size == low.size
        self._bounds: dict[np.dtype[Any], tuple[NDArray[Any], NDArray[Any]]] = {}
        if self._features.size and self._low.min() >= 0 and self._high.min() >= 0:  # for bytes, x > t is x > floor(t)
            floors = (np.floor(np.minimum(bound, 255)).astype(np.uint8) for bound in (self._tenth, self._high))
            self._bounds[np.dtype(np.uint8)] = next(floors), next(floors)

    def warn(self, rows: NDArray[Any], stacklevel: int) -> bool:
        """Warn with `OutOfRangeWarning` where the rows (N, F) lie outside the range, and return whether they do."""
        message = self.outside(rows)
        if message is not None:
            warnings.warn(message, OutOfRangeWarning, stacklevel=stacklevel)
        return message is not None

    def outside(self, rows: NDArray[Any]) -> str | None:
        """Return what `warn` says where the rows (N, F) lie outside the range; else None."""
        if len(rows) == 0 or self._features.size == 0:
            return None
        step = -(-len(rows) // SAMPLED_ROWS)
        values = rows[::step]
        if not self._everything:
            values = values.take(self._features, axis=1)
        tenth, high = self._bounds.get(values.dtype, (self._tenth, self._high))
        in_place = np.count_nonzero((values > tenth) & (values <= high))
        if 10 * in_place > values.size:  # however many values are telling
            return None
        telling = np.count_nonzero(values != self._low)
        if telling < 16 or 10 * in_place > telling:
            return None
        return (
            f"X does not lie in the range that the model was fitted on: sampled values are in [{values.min():g}, "
            f"{values.max():g}], fitted ones in [{self._low.min():g}, {self._high.max():g}]; "
            "give raw features on the scale of the training data"
        )
