"""Encoders: numbers to bits. A thermometer of z bits compares a feature with z ascending thresholds.

`bit = float32(x) > float32(threshold)`, strictly, in the model and in the circuit alike.

Policy for awkward data, the same everywhere:

- NaN is ignored while fitting (a feature that has nothing else raises) and encodes to all-zero bits, since `nan > t`
  is false.
- Infinite values raise while fitting; when encoding they compare as usual.
- A constant feature gets thresholds at its constant, so its bits are zero on the fitting data. With `unique=True` all
  but one of them become +inf.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.rows import SAMPLED_ROWS, FittedRange
from lutsmith.kernels import ops

if TYPE_CHECKING:
    from typing_extensions import Self

    from lutsmith.circuit.builder import CircuitBuilder

Per = Literal["feature", "channel", "global"]

# Fitting holds at most this many values at once; more rows than that are sampled.
MAX_FIT_VALUES = 1 << 28
MAX_BITS = 1 << 16


class Thermometer(nn.Module):
    """Uniform thermometer: `t_i = min + i (max - min) / (z + 1)` for i = 1..z (DWN, torch_dwn `Thermometer`).

    Args:
        num_bits: z, the thresholds of one feature, at least 1.
        per: what has thresholds of its own: each `"feature"` (each pixel of each channel), each `"channel"` (axis 1),
            or one set for all (`"global"`).
        unique: repeated thresholds of a feature carry one bit of information but cost z wires. With `True` all but the
            first become +inf: the shape stays, `usable` tells which outputs can ever be 1, `num_wasted` counts the
            rest. With `False` the thresholds are those of torch_dwn, bit for bit.
        encode_axis: the axis of the input that the bits are merged into, counted with the batch axis (BitLogic's
            argument).
        fit_axes: the axes that have thresholds of their own (BitLogic's argument); when given it takes the place of
            `per`: `(1,)` is `per="channel"`, `()` is `per="global"`.
        input_bits: the word length of one raw value in hardware (BitLogic's argument). It is recorded, in the model
            file's facts too, and leaves the thresholds alone.

    Shapes: input `(N, F)` gives `(N, F * z)`, `(N, C, H, W)` gives `(N, C * z, H, W)`; bit b of channel c is output
    channel `c * z + b`, thresholds ascending. Output: float32 of 0 and 1, stored feature-major.

    Buffers (in the state dict): `thresholds`, float32, broadcastable to `(*feature_shape, z)`; `input_min` and
    `input_max`, float32 `feature_shape`, where the fitting data lay; `fit_input_shape`, int64.
    """

    thresholds: Tensor
    input_min: Tensor
    input_max: Tensor
    fit_input_shape: Tensor

    def __init__(
        self,
        num_bits: int = 1,
        *,
        per: Per = "feature",
        unique: bool = False,
        encode_axis: int = 1,
        fit_axes: Sequence[int] | None = None,
        input_bits: int = 8,
    ) -> None:
        super().__init__()
        if not isinstance(num_bits, int) or not 1 <= num_bits <= MAX_BITS:
            raise ValueError(f"num_bits is {num_bits!r}; expected 1 to {MAX_BITS} thresholds a feature")
        if per not in ("feature", "channel", "global"):
            raise ValueError(f"per is {per!r}; expected 'feature', 'channel' or 'global'")
        if encode_axis == 0:
            raise ValueError(
                "encode_axis is 0, the batch axis; the bits of a sample need an axis of the sample, 1 or later"
            )
        self.num_bits = num_bits
        self.per: Per = per
        self.unique = unique
        self.encode_axis = encode_axis
        self.fit_axes = None if fit_axes is None else tuple(fit_axes)
        self.input_bits = input_bits
        self.register_buffer("thresholds", torch.empty(0))
        self.register_buffer("input_min", torch.empty(0))
        self.register_buffer("input_max", torch.empty(0))
        self.register_buffer("fit_input_shape", torch.empty(0, dtype=torch.int64))

    # fitting

    def fit(self, x: Any, *, seed: int = 0) -> Self:
        """Set the thresholds from data; returns self.

        Args:
            x: an array or tensor `(N, *feature_shape)` of any real dtype on any device, or an iterable of such batches.
                Quantiles are exact while the data have at most 2**28 values; beyond that a uniform sample of rows is
                drawn (without replacement, by `seed`), and batches are never held all at once.
            seed: of that sample.

        Raises:
            TypeError: `x` is not numeric.
            ValueError: no rows, ragged batches, infinite values, or a feature that is NaN throughout.
        """
        data = _gather(x, seed)
        if data.ndim < 2 or data.shape[0] == 0 or data[0].size == 0:
            raise ValueError(f"fit got data of shape {data.shape}; expected (N, features...) with N >= 1 and a feature")
        shape = data.shape[1:]
        _encode_axis(self.encode_axis, data.ndim)
        low, high = _range(data)
        own = self._own_axes(data.ndim)
        # Rows: all samples of one set of thresholds. Columns: the sets, in the order of their axes.
        order = [axis for axis in range(data.ndim) if axis not in own] + list(own)
        columns = data.transpose(order).reshape(-1, math.prod(data.shape[axis] for axis in own))
        thresholds = self._thresholds(columns)
        if self.unique:
            thresholds = _first_of_equals(thresholds)
        sizes = [shape[axis - 1] if axis in own else 1 for axis in range(1, data.ndim)] if own else []
        device = self.thresholds.device
        self.thresholds = thresholds.reshape(*sizes, self.num_bits).to(device)
        self.input_min = torch.from_numpy(low).to(device)
        self.input_max = torch.from_numpy(high).to(device)
        self.fit_input_shape = torch.tensor(shape, dtype=torch.int64, device=device)
        return self

    def _own_axes(self, ndim: int) -> tuple[int, ...]:
        if self.fit_axes is not None:
            if any(not -ndim <= axis < ndim for axis in self.fit_axes):
                raise ValueError(f"fit_axes {self.fit_axes} names an axis that data of {ndim} dimensions do not have")
            axes = tuple(sorted(axis % ndim for axis in self.fit_axes))
            if 0 in axes:
                raise ValueError(
                    f"fit_axes {self.fit_axes} names the batch axis; thresholds belong to axes of a sample"
                )
            return axes
        return {"feature": tuple(range(1, ndim)), "channel": (1,), "global": ()}[self.per]

    def _thresholds(self, columns: NDArray[Any]) -> Tensor:
        """Thresholds `(columns, z)` float32 of samples `(rows, columns)`, NaN ignored."""
        x = _floating(columns)
        missing = x.isnan()
        low = x.masked_fill(missing, math.inf).amin(0)
        high = x.masked_fill(missing, -math.inf).amax(0)
        steps = torch.arange(1, self.num_bits + 1, dtype=x.dtype)
        spacing = (high - low) / (self.num_bits + 1)
        return (low.unsqueeze(-1) + steps * spacing.unsqueeze(-1)).float()

    # use

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` was called or a fitted state was loaded."""
        return self.fit_input_shape.numel() > 0

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """The shape of one sample.

        Raises:
            RuntimeError: the encoder is not fitted.
        """
        if not self.is_fitted:
            name = type(self).__name__
            raise RuntimeError(f"{name} is not fitted: call {name}.fit(training_data) before using it")
        return tuple(int(size) for size in self.fit_input_shape)

    @property
    def usable(self) -> Tensor:
        """Bool, shape of one encoded sample: False where the threshold is +inf, so that the bit is always 0."""
        bits = self._per_feature().isfinite()
        return _merge_bits(bits.reshape(*self.feature_shape, self.num_bits), self.encode_axis)

    @property
    def num_wasted(self) -> int:
        """The outputs that are always 0 because their threshold repeats another (`unique=True` only)."""
        return int((~self.usable).sum())

    def _per_feature(self) -> Tensor:
        """Thresholds `(F, z)` of every feature of a flattened sample."""
        shape = self.feature_shape
        return self.thresholds.expand(*shape, self.num_bits).reshape(math.prod(shape), self.num_bits)

    def forward(self, x: Tensor) -> Tensor:
        """Encode `(N, *feature_shape)` of any real dtype; see the class for shapes."""
        shape = self.feature_shape
        if not isinstance(x, Tensor):
            raise TypeError(f"the encoder got a {type(x).__name__}; expected a tensor (torch.from_numpy makes one)")
        if x.is_complex():
            raise TypeError(f"the encoder got a {x.dtype} tensor; it compares real numbers")
        if tuple(x.shape[1:]) != shape or x.ndim == 0:
            raise ValueError(
                f"the encoder was fitted on samples of shape {shape} and got a batch of shape {tuple(x.shape)}"
            )
        if not self.training and not torch.compiler.is_compiling():
            self._warn_outside(x)
        axis = _encode_axis(self.encode_axis, x.ndim) - 1
        bits = ops.encode(x.reshape(x.shape[0], math.prod(shape)), self._per_feature(), math.prod(shape[axis + 1 :]))
        merged = (*shape[:axis], shape[axis] * self.num_bits, *shape[axis + 1 :])
        return bits.t().reshape(x.shape[0], *merged)

    @property
    def fitted_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and highest value of each feature of the fitting data, `(F,)` each."""
        return self.input_min.flatten().cpu().numpy(), self.input_max.flatten().cpu().numpy()

    def _warn_outside(self, x: Tensor) -> None:
        """Warn if data look as if they were scaled otherwise than the fitting data; `FittedRange` states the rule."""
        rows = x.detach()[:: max(1, len(x) // SAMPLED_ROWS)].cpu()
        values = rows.float() if rows.dtype == torch.bfloat16 else rows
        FittedRange(*self.fitted_range).warn(values.flatten(1).numpy(), stacklevel=4)

    def lower_features(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the comparators of `features` (ids, shape of one sample) and return the signals of the encoded
        sample.
        """
        if features.shape != self.feature_shape:
            raise ValueError(f"the encoder was fitted on samples of shape {self.feature_shape}, not {features.shape}")
        thresholds = self._per_feature().cpu().numpy()
        signals = builder.compare(features.reshape(-1, 1), thresholds)
        return _merge_bits(torch.from_numpy(signals).reshape(*features.shape, self.num_bits), self.encode_axis).numpy()

    def extra_repr(self) -> str:
        state = f"fitted on {self.feature_shape}" if self.is_fitted else "not fitted"
        return f"num_bits={self.num_bits}, per={self.per!r}, unique={self.unique}, {state}"

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Move with the model, but stay float32 when it changes its dtype: thresholds are compared as float32."""
        kept = {name: getattr(self, name) for name in ("thresholds", "input_min", "input_max")}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in kept.items():
            setattr(self, name, before.to(getattr(self, name).device))
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # A fitted state has shapes that a fresh encoder cannot know: make room for them first.
        for name in ("thresholds", "input_min", "input_max", "fit_input_shape"):
            if isinstance(saved := state_dict.get(prefix + name), Tensor):
                setattr(self, name, torch.empty_like(saved, device=self.thresholds.device))
        super()._load_from_state_dict(state_dict, prefix, *args)


class GaussianThermometer(Thermometer):
    """Thermometer at the quantiles of a fitted normal: `t_i = mean + std * Phi^-1(i / (z + 1))`, std unbiased (DWN)."""

    def _thresholds(self, columns: NDArray[Any]) -> Tensor:
        x = _floating(columns)
        missing = x.isnan()
        if missing.any():
            count = (~missing).sum(0)
            mean = x.nansum(0) / count
            variance = (x - mean).square().nansum(0) / (count - 1).clamp(min=1)
            std = variance.sqrt()
        else:
            mean = x.mean(0)
            std = x.std(0) if x.shape[0] > 1 else torch.zeros_like(mean)
        fractions = torch.arange(1, self.num_bits + 1) / (self.num_bits + 1)
        skews = torch.erfinv(2 * fractions - 1) * math.sqrt(2)  # Phi^-1
        return torch.stack([skew * std + mean for skew in skews], dim=-1).float()


class DistributiveThermometer(Thermometer):
    """Thermometer at the quantiles of the data: `t_i = sort(x)[floor(N i / (z + 1))]`, without interpolation (DWN)."""

    def _thresholds(self, columns: NDArray[Any]) -> Tensor:
        rows, count = columns.shape
        thresholds = np.empty((count, self.num_bits), dtype=np.float32)
        steps = np.arange(1, self.num_bits + 1)
        step = max(1, (1 << 22) // rows)  # columns sorted at once: 4 Mi values
        for start in range(0, count, step):
            ordered = np.sort(np.ascontiguousarray(columns[:, start : start + step].T), axis=1)  # NaN comes last
            present = rows - np.isnan(ordered).sum(1) if ordered.dtype.kind == "f" else np.full(len(ordered), rows)
            ranks = present[:, None] * steps // (self.num_bits + 1)
            thresholds[start : start + step] = np.take_along_axis(ordered, ranks, axis=1)
        return torch.from_numpy(thresholds)


ENCODERS: dict[str, type[Thermometer]] = {
    "uniform": Thermometer,
    "gaussian": GaussianThermometer,
    "distributive": DistributiveThermometer,
}


def _encode_axis(axis: int, ndim: int) -> int:
    resolved = axis + ndim if axis < 0 else axis
    if not 1 <= resolved < ndim:
        raise ValueError(f"encode_axis {axis} is not an axis of a sample in a batch of {ndim} dimensions")
    return resolved


def _merge_bits(bits: Tensor, encode_axis: int) -> Tensor:
    """`(*feature_shape, z)` to the shape of an encoded sample: the bits move behind the encode axis and join it."""
    axis = _encode_axis(encode_axis, bits.ndim) - 1
    return bits.movedim(-1, axis + 1).flatten(axis, axis + 1)


def _first_of_equals(thresholds: Tensor) -> Tensor:
    """+inf for every threshold that equals the one before it, moved to the end of its row."""
    ordered = thresholds.sort(-1).values
    repeated = torch.zeros_like(ordered, dtype=torch.bool)
    repeated[..., 1:] = ordered[..., 1:] == ordered[..., :-1]
    return ordered.masked_fill(repeated, math.inf).sort(-1).values


def _floating(columns: NDArray[Any]) -> Tensor:
    """A float tensor of the data: float64 stays, everything else becomes float32, as it is compared."""
    return torch.from_numpy(columns.astype(np.float64 if columns.dtype == np.float64 else np.float32, copy=False))


def _range(data: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smallest and largest value of each feature, NaN ignored; raises on infinite values and features without a
    value.
    """
    low, high = np.fmin.reduce(data, axis=0), np.fmax.reduce(data, axis=0)
    with np.errstate(over="ignore"):
        low, high = low.astype(np.float32), high.astype(np.float32)
    if np.isnan(low).any():
        where = [int(i) for i in np.argwhere(np.isnan(low))[0]]
        raise ValueError(f"feature {where} is NaN in all {len(data)} rows; drop it or fill it before fitting")
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        where = [int(i) for i in np.argwhere(~(np.isfinite(low) & np.isfinite(high)))[0]]
        raise ValueError(
            f"feature {where} has values that are infinite as float32; replace them first (NaN means 'missing')"
        )
    return low, high


def _array(batch: Any) -> NDArray[Any]:
    if isinstance(batch, Tensor):
        tensor = batch.detach().cpu()
        batch = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    array = np.asarray(batch)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"fit got values of type {array.dtype}; expected real numbers")
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _gather(x: Any, seed: int) -> NDArray[Any]:
    """The fitting data as one array of at most MAX_FIT_VALUES values."""
    if isinstance(x, (Tensor, np.ndarray, list, tuple)) or hasattr(x, "__array__"):
        data = _array(x)
        values = max(1, math.prod(data.shape[1:]))
        if data.size <= MAX_FIT_VALUES:
            return data
        rows = np.random.default_rng(seed).choice(len(data), size=max(1, MAX_FIT_VALUES // values), replace=False)
        return data[np.sort(rows)]
    if not isinstance(x, Iterable):
        raise TypeError(f"fit got a {type(x).__name__}; expected an array, a tensor, or an iterable of them")
    return _reservoir((_array(batch) for batch in x), seed)


def _reservoir(batches: Iterable[NDArray[Any]], seed: int) -> NDArray[Any]:
    """A uniform sample of rows from a stream: each row gets a random key, and the smallest keys stay."""
    rng = np.random.default_rng(seed)
    kept: list[NDArray[Any]] = []
    keys = np.empty(0)
    for batch in batches:
        if kept and batch.shape[1:] != kept[0].shape[1:]:
            raise ValueError(f"fit got batches of samples shaped {kept[0].shape[1:]} and {batch.shape[1:]}")
        kept.append(batch)
        keys = np.concatenate([keys, rng.random(len(batch))])
        limit = max(1, MAX_FIT_VALUES // max(1, math.prod(batch.shape[1:])))
        if len(keys) > 2 * limit:
            kept, keys = _smallest(kept, keys, limit)
    if not kept:
        raise ValueError("fit got no batches")
    limit = max(1, MAX_FIT_VALUES // max(1, math.prod(kept[0].shape[1:])))
    return _smallest(kept, keys, limit)[0][0]


def _smallest(
    kept: list[NDArray[Any]], keys: NDArray[np.float64], limit: int
) -> tuple[list[NDArray[Any]], NDArray[np.float64]]:
    rows = np.concatenate(kept)
    if len(rows) <= limit:
        return [rows], keys
    chosen = np.sort(np.argpartition(keys, limit)[:limit])
    return [rows[chosen]], keys[chosen]
