"""The head of a circuit: from output bits to scores, and from scores to predictions.

`circuit.results` has the others: integers made of output bits, and several heads of one network.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.ground.arrays import checked_shape, frozen, integers

OBJECTIVES = ("classification", "multilabel", "regression")
"""What scores can mean; `Head.decide` says what each makes of them."""

_INT32 = np.iinfo(np.int32)

PART = 1 << 20
"""Weights whose reach is computed at a time."""


class Head:
    """Popcounts of groups, an integer affine map, and for regression a scale. Immutable.

    The outputs fall into `num_groups` equal, contiguous groups. With n_g the number of ones in group g, score c is
    `sum_g weights[c, g] n_g + bias[c]`: an integer that always fits int32, whatever the bits are. With a `shape`, there
    is a decision for each of its places: the outputs of the first place (in C order), those of the second, and so on.

    Args:
        num_groups: G.
        weights: integers (C, G) within int32; None is the identity, C = G.
        bias: integers (C,) within int32; None is zero.
        scale: real numbers (C,), for regression: float64 value c is `score[c] * scale[c] + offset[c]`, rounded after
            the product and after the sum. None is 1.
        offset: real numbers (C,), for regression; None is 0.
        shape: the shape of the places that have a decision of their own, such as the pixels of an image; () is one
            decision.

    Raises:
        TypeError, ValueError: num_groups is not a positive int, arrays of other types or shapes, or a scale and offset
            that take an int32 beyond float64.
    """

    num_groups: int
    weights: NDArray[np.int32] | None
    bias: NDArray[np.int32] | None
    scale: NDArray[np.float64] | None
    offset: NDArray[np.float64] | None
    shape: tuple[int, ...]

    def __init__(
        self,
        num_groups: int,
        weights: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        shape: tuple[int, ...] = (),
    ) -> None:
        if isinstance(num_groups, bool) or not isinstance(num_groups, (int, np.integer)):
            raise TypeError(f"num_groups must be an int, not {type(num_groups).__name__}")
        if num_groups < 1:
            raise ValueError(f"num_groups is {num_groups}, expected at least 1")
        matrix = None if weights is None else _int32("weights", weights)
        if matrix is not None and (matrix.ndim != 2 or matrix.shape[1] != num_groups or not len(matrix)):
            raise ValueError(f"weights has shape {matrix.shape}, expected (scores, {num_groups})")
        width = int(num_groups) if matrix is None else len(matrix)
        self.__dict__.update(
            num_groups=int(num_groups),
            weights=matrix,
            bias=None if bias is None else _one_each("bias", _int32("bias", bias), width),
            scale=None if scale is None else _one_each("scale", _float64("scale", scale), width),
            offset=None if offset is None else _one_each("offset", _float64("offset", offset), width),
            shape=checked_places(shape),
        )
        with np.errstate(over="ignore"):
            reach = np.abs(0.0 if self.scale is None else self.scale) * 2.0**31
            highest = reach + np.abs(0.0 if self.offset is None else self.offset)
        if not np.isfinite(highest).all():
            raise ValueError("scale and offset take scores beyond what float64 holds")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a head cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.num_groups, self.weights, self.bias, self.scale, self.offset, self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Head) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        parts = [name for name in ("weights", "bias", "scale", "offset") if getattr(self, name) is not None]
        parts += [f"{self.shape} places"] if self.shape else []
        return f"Head({self.num_groups} groups, {self.num_classes} scores{''.join(f', {part}' for part in parts)})"

    @property
    def num_classes(self) -> int:
        """C, the number of scores of a sample: one for each class, label or target."""
        return self.num_groups if self.weights is None else len(self.weights)

    @property
    def places(self) -> int:
        """How many decisions there are: the product of `shape`."""
        return math.prod(self.shape)

    @property
    def is_plain(self) -> bool:
        """Whether the scores are the popcounts."""
        return self.weights is None and self.bias is None

    def check(self, num_outputs: int) -> None:
        """Raise ValueError where `num_outputs` bits do not fall into equal groups of at least one bit, or where a score
        of theirs could leave int32.
        """
        groups = self.places * self.num_groups
        if num_outputs == 0 or num_outputs % groups:
            raise ValueError(
                f"{num_outputs} outputs do not fall into {groups} equal groups: "
                f"make their number a positive multiple of {groups}"
            )
        if self.is_plain:
            return
        lowest, highest = self.reach(self.group_size(num_outputs))
        if lowest < _INT32.min or highest > _INT32.max:
            raise ValueError(
                f"scores could be {lowest} to {highest}, beyond int32: take smaller weights or fewer outputs"
            )

    def group_size(self, num_outputs: int) -> int:
        """Return the number of outputs in a group, for so many outputs in all."""
        return num_outputs // (self.places * self.num_groups)

    def counts(self, outputs: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return int32 (N, *shape, G): the ones in each group of the output bits (N, O)."""
        self.check(outputs.shape[1])
        groups = outputs.reshape(len(outputs), *self.shape, self.num_groups, self.group_size(outputs.shape[1]))
        counts: NDArray[np.int32] = groups.sum(axis=-1, dtype=np.int32)
        return counts

    def scores(self, outputs: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return int32 (N, *shape, C) scores of output bits (N, O), by plain integer arithmetic: the specification."""
        scores = self.counts(outputs).astype(np.int64)
        if self.weights is not None:
            scores = scores @ self.weights.T.astype(np.int64)
        if self.bias is not None:
            scores = scores + self.bias
        return scores.astype(np.int32)

    def affine(self, counts: NDArray[Any]) -> NDArray[np.int32]:
        """Return int32 (..., C), the scores of popcounts (..., G), integers or bits, of outputs that pass `check`.

        A product of matrices of float64 is exact here: where no score leaves int32, no partial sum reaches 2**33.
        """
        values = counts.astype(np.float64)
        if self._columns is not None:
            values = values @ self._columns
        if self.bias is not None:
            values += self.bias
        return values.astype(np.int32)

    def labels(self, scores: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return int64 (...), the class of the highest of scores (..., C); the lowest class wins a tie."""
        labels: NDArray[np.int64] = scores.argmax(axis=-1).astype(np.int64, copy=False)
        return labels

    def decide(self, scores: NDArray[np.int32], objective: str | None) -> NDArray[Any]:
        """Return what scores (N, *shape, C) mean for an objective.

        Returns:
            classification, or None: `labels`, int64 (N, *shape).
            multilabel: bool (N, *shape, C), whether each label is set: its score is above 0.
            regression: float64 (N, *shape, C), or (N, *shape) where C is 1: scores times scale plus offset.
        """
        if objective == "multilabel":
            return scores > 0
        if objective != "regression":
            return self.labels(scores)
        values = scores.astype(np.float64)
        if self.scale is not None:
            values *= self.scale
        if self.offset is not None:
            values += self.offset
        return values[..., 0] if self.num_classes == 1 else values

    def reach(self, size: int) -> tuple[int, int]:
        """Return the lowest and the highest score that groups of `size` bits could have, in bounded memory."""
        step = max(1, PART // self.num_groups)
        bounds = []
        for start in range(0, self.num_classes, step):
            bias = np.int64(0) if self.bias is None else self.bias[start : start + step].astype(np.int64)
            if self.weights is None:
                low, high = bias, size + bias
            else:  # below 2**31 groups of size bits in all, so that int64 holds 2**31 times their number
                part = self.weights[start : start + step]
                low = size * np.minimum(part, 0).sum(axis=1, dtype=np.int64) + bias
                high = size * np.maximum(part, 0).sum(axis=1, dtype=np.int64) + bias
            bounds.append((int(low.min()), int(high.max())))
        return min(low for low, _ in bounds), max(high for _, high in bounds)

    @cached_property
    def _columns(self) -> NDArray[np.float64] | None:
        return None if self.weights is None else np.ascontiguousarray(self.weights.T, np.float64)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        arrays = (self.weights, self.bias, self.scale, self.offset)
        return (
            self.num_groups,
            self.shape,
            *(None if array is None else (array.shape, array.tobytes()) for array in arrays),
        )


def checked_places(shape: Any) -> tuple[int, ...]:
    """Return the shape of places as a tuple; () is a single one. TypeError or ValueError where it is not a shape."""
    return checked_shape(shape, "shape", "places") if np.shape(shape) != (0,) else ()


def _int32(name: str, values: ArrayLike) -> NDArray[np.int32]:
    return frozen(integers(name, values, low=_INT32.min, high=_INT32.max + 1), np.int32)


def _float64(name: str, values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, not {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return frozen(array + 0.0, np.float64)  # -0.0 becomes 0.0: equal heads have equal bytes


def _one_each(name: str, array: NDArray[Any], width: int) -> NDArray[Any]:
    if array.shape != (width,):
        raise ValueError(f"{name} has shape {array.shape}, expected ({width},): one number a score")
    return array
