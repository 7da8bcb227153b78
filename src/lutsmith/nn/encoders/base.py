"""What all encoders share: fitting, axes, buffers, and the policy for awkward data.

An encoder is **ascending thresholds for each feature and a code table**. The level of x is the number of thresholds
below it, `float32(x) > float32(threshold)`, strictly, in the model and in the circuit alike; the code of a level is its
bits.

Policy for awkward data, the same everywhere:

- NaN is ignored while fitting (a feature that has nothing else raises) and is level 0 when encoding, since `nan > t` is
  false. A thermometer's bits are zero there.
- Infinite values raise while fitting; when encoding they compare as usual.
- A constant feature gets thresholds at its constant, so it is level 0 on the fitting data. With `unique=True` all but
  one of them become +inf.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.circuit.grid import checked_word
from lutsmith.circuit.rows import SAMPLED_ROWS, FittedRange
from lutsmith.circuit.word_length import snap
from lutsmith.encodings import thresholds as places
from lutsmith.encodings.codes import MAX_BITS
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.nn.encoders.gathering import gather, value_range

if TYPE_CHECKING:
    from typing import Self

    from lutsmith.circuit.circuit_builder import CircuitBuilder

Per = Literal["feature", "channel", "global"]


class EncoderOptions(TypedDict, total=False):
    """The arguments that every encoder of numbers takes besides `num_bits`; `Encoder` explains them, with defaults."""

    per: Per
    unique: bool
    encode_axis: int
    fit_axes: Sequence[int] | None
    input_bits: int | None


class Encoder(nn.Module, ABC):
    """Numbers to bits: thresholds that are fitted to data, and a code.

    Args:
        num_bits: z, the output bits of one feature, at least 1.
        per: what has its own thresholds: each `"feature"` (each pixel of each channel), each `"channel"` (axis 1), or
            one set for all (`"global"`).
        unique: repeated thresholds of a feature add no information, but cost comparators and wires. With `True` all but
            the first become +inf: the shape stays, `usable` shows which outputs can ever change, and `num_wasted`
            counts the rest. With `False` the thresholds are those of torch_dwn, bit for bit.
        encode_axis: the axis of the input that the bits are merged into, counted with the batch axis (BitLogic's
            argument).
        fit_axes: the axes that have thresholds of their own (BitLogic's argument); when given it replaces `per`: `(1,)`
            is `per="channel"`, `()` is `per="global"`.
        input_bits: the word length of one raw value in hardware (BitLogic's argument): `fit` moves the thresholds down
            to the grid of 2^input_bits values in the range of the data that share them (`circuit.word_length`), so that
            comparing the word gives the same bit as comparing the number. Integers whose range fits the word encode as
            before. `None` leaves the thresholds alone.

    Shapes: input `(N, F)` gives `(N, F * z)`, `(N, C, H, W)` gives `(N, C * z, H, W)`; bit b of channel c is output
    channel `c * z + b`. Output: float32 of 0 and 1, stored feature-major.

    Buffers (in the state dict): `thresholds`, float32, broadcastable to `(*feature_shape, num_thresholds)`, ascending;
    `input_min` and `input_max`, float32 `feature_shape`, the range of the fitting data; `fit_input_shape`, int64.

    Raises:
        TypeError, ValueError: an invalid argument.
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
        input_bits: int | None = None,
    ) -> None:
        super().__init__()
        least, most = self._bit_limits()
        num_bits = whole_number("num_bits", num_bits, least, most, f"the bits of a feature of {type(self).__name__}")
        one_of("per", per, get_args(Per))
        if encode_axis == 0:
            raise ValueError(
                "encode_axis is 0, the batch axis; the bits of a sample need an axis of the sample, 1 or later"
            )
        self.num_bits = num_bits
        self.per: Per = per
        self.unique = unique
        self.encode_axis = encode_axis
        self.fit_axes = None if fit_axes is None else tuple(fit_axes)
        self.input_bits = None if input_bits is None else checked_word(input_bits, "input_bits")
        for name in ("thresholds", "input_min", "input_max"):
            self.register_buffer(name, torch.empty(0))
        self.register_buffer("fit_input_shape", torch.empty(0, dtype=torch.int64))

    @classmethod
    def _bit_limits(cls) -> tuple[int, int]:
        """The smallest and the largest `num_bits`."""
        return 1, MAX_BITS

    @property
    @abstractmethod
    def num_thresholds(self) -> int:
        """L, the thresholds of one feature."""

    @abstractmethod
    def code(self) -> Tensor:
        """The code table, bool `(L + 1, z)`: the bits of each level."""

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
        data = gather(x, seed)
        shape = data.shape[1:]
        resolved_axis(self.encode_axis, data.ndim)
        low, high = value_range(data)
        own = self._own_axes(data.ndim)
        # Rows: all samples of one set of thresholds. Columns: the sets, in the order of their axes.
        order = [axis for axis in range(data.ndim) if axis not in own] + list(own)
        columns = data.transpose(order).reshape(-1, math.prod(data.shape[axis] for axis in own))
        thresholds = self._fitted_thresholds(columns)
        if self.input_bits is not None:
            shared = tuple(axis - 1 for axis in range(1, data.ndim) if axis not in own)
            bounds = low.min(axis=shared).reshape(-1, 1), high.max(axis=shared).reshape(-1, 1)
            thresholds = torch.from_numpy(snap(thresholds.numpy(), *bounds, self.input_bits))
        if self.unique:
            thresholds = first_of_equals(thresholds)
        sizes = [shape[axis - 1] if axis in own else 1 for axis in range(1, data.ndim)] if own else []
        device = self.thresholds.device
        self.thresholds = thresholds.reshape(*sizes, thresholds.shape[-1]).to(device)
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

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        """Ascending thresholds `(columns, L)` float32 of samples `(rows, columns)`, NaN ignored: by default uniform,
        `t_i = min + i (max - min) / (L + 1)` for i = 1..L.
        """
        return torch.from_numpy(places.uniform(columns, self.num_thresholds))

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
        return tuple(self.input_min.shape)

    @property
    def usable(self) -> Tensor:
        """Bool, shape of one encoded sample: False where the bit is always 0, whatever the number."""
        shape = self.feature_shape
        bits = self._usable_bits().expand(*shape, self.num_bits)
        return _merge_bits(bits, self.encode_axis)

    @property
    def num_wasted(self) -> int:
        """The number of outputs that are always 0, such as those of thresholds that repeat another (`unique=True`)."""
        return int((~self.usable).sum())

    @property
    def fitted_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and highest value of each feature of the fitting data, `(F,)` each."""
        return self.input_min.flatten().cpu().numpy(), self.input_max.flatten().cpu().numpy()

    def forward(self, x: Tensor) -> Tensor:
        """Encode `(N, *feature_shape)` of any real dtype; see the class for shapes.

        Raises:
            RuntimeError: the encoder is not fitted.
            TypeError, ValueError: not a tensor of real numbers, or a wrong shape.
        """
        shape = self.feature_shape
        check_batch(x, shape)
        if not self.training and type(x) is Tensor and not x.is_meta and not torch.compiler.is_compiling():
            self._warn_outside(x)  # fake and meta tensors have no values to look at
        axis = resolved_axis(self.encode_axis, x.ndim) - 1
        bits = self._encode(x.reshape(x.shape[0], math.prod(shape)), math.prod(shape[axis + 1 :]))
        merged = (*shape[:axis], shape[axis] * self.num_bits, *shape[axis + 1 :])
        return bits.t().reshape(x.shape[0], *merged)

    def lower_features(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """Emit the comparators of `features` (ids, shape of one sample), and the LUTs of the code where it needs any;
        return the signals of the encoded sample.

        Raises:
            ValueError: features of another shape than the encoder was fitted on.
        """
        if features.shape != self.feature_shape:
            raise ValueError(f"the encoder was fitted on samples of shape {self.feature_shape}, not {features.shape}")
        signals = self._lower(builder, features.reshape(-1))
        return _merge_bits(torch.from_numpy(signals).reshape(*features.shape, self.num_bits), self.encode_axis).numpy()

    @abstractmethod
    def _encode(self, x: Tensor, inner: int) -> Tensor:
        """Bits `(F * z, N)` float32 of numbers `(N, F)`, in the order of rows that `ops.encode` has."""

    @abstractmethod
    def _lower(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """Signals `(F, z)` of features `(F,)`."""

    @abstractmethod
    def _usable_bits(self) -> Tensor:
        """Bool `(..., z)`, broadcastable to `(*feature_shape, z)`: False where a bit is always 0."""

    def _per_feature(self) -> Tensor:
        """Thresholds `(F, L)` of every feature of a flattened sample."""
        return self._spread(self.thresholds)

    def _spread(self, thresholds: Tensor) -> Tensor:
        shape, count = self.feature_shape, thresholds.shape[-1]
        return thresholds.expand(*shape, count).reshape(math.prod(shape), count)

    def _warn_outside(self, x: Tensor) -> None:
        """Warn if data look as if they were scaled otherwise than the fitting data; `FittedRange` states the rule."""
        rows = x.detach()[:: max(1, len(x) // SAMPLED_ROWS)].cpu()
        values = rows.float() if rows.dtype == torch.bfloat16 else rows
        FittedRange(*self.fitted_range).warn(values.flatten(1).numpy(), stacklevel=4)

    def extra_repr(self) -> str:
        state = f"fitted on {self.feature_shape}" if self.is_fitted else "not fitted"
        word = "" if self.input_bits is None else f", input_bits={self.input_bits}"
        return f"num_bits={self.num_bits}, per={self.per!r}, unique={self.unique}{word}, {state}"

    # state

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Move with the model, but stay float32 when it changes its dtype: thresholds are compared as float32."""
        buffers = dict(self.named_buffers())
        parameters = {name: (p.data, None if p.grad is None else p.grad.data) for name, p in self.named_parameters()}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in buffers.items():
            setattr(self, name, before.to(getattr(self, name).device))
        for name, (before, grad) in parameters.items():
            parameter = getattr(self, name)
            parameter.data = before.to(parameter.device)
            parameter.grad = None if grad is None else grad.to(parameter.device)
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # A fitted state has shapes that a fresh encoder cannot know: make room for them first.
        saved = state_dict.get(prefix + "thresholds")
        if isinstance(saved, Tensor) and saved.numel() and (problem := self._misfit(saved)):
            args[-1].append(problem)  # torch's list of errors, which load_state_dict raises together
            return
        for name, buffer in list(self.named_buffers()):
            if isinstance(saved := state_dict.get(prefix + name), Tensor):
                setattr(self, name, torch.empty_like(saved, device=buffer.device))
        for name, parameter in self.named_parameters():  # which an optimizer may hold already
            saved = state_dict.get(prefix + name)
            if isinstance(saved, Tensor) and saved.shape != parameter.shape:
                parameter.data = torch.empty_like(saved, device=parameter.device)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _misfit(self, thresholds: Tensor) -> str | None:
        """Why saved thresholds are not those of such an encoder, if they are not."""
        if thresholds.shape[-1] == self.num_thresholds:
            return None
        return (
            f"the saved encoder has {thresholds.shape[-1]} thresholds a feature and this {type(self).__name__} with "
            f"num_bits={self.num_bits} has {self.num_thresholds}: make it with the num_bits that was saved"
        )


def resolved_axis(axis: int, ndim: int) -> int:
    """Return `encode_axis` counted from the front; ValueError where a batch of `ndim` dimensions has no such axis."""
    resolved = axis + ndim if axis < 0 else axis
    if not 1 <= resolved < ndim:
        raise ValueError(f"encode_axis {axis} is not an axis of a sample in a batch of {ndim} dimensions")
    return resolved


def _merge_bits(bits: Tensor, encode_axis: int) -> Tensor:
    """`(*feature_shape, z)` to the shape of an encoded sample: the bits move behind the encode axis and join it."""
    axis = resolved_axis(encode_axis, bits.ndim) - 1
    return bits.movedim(-1, axis + 1).flatten(axis, axis + 1)


def first_of_equals(thresholds: Tensor) -> Tensor:
    """+inf for every threshold that equals the one before it, moved to the end of its row."""
    ordered = thresholds.sort(-1).values
    repeated = torch.zeros_like(ordered, dtype=torch.bool)
    repeated[..., 1:] = ordered[..., 1:] == ordered[..., :-1]
    return ordered.masked_fill(repeated, math.inf).sort(-1).values


def check_batch(x: Any, shape: tuple[int, ...]) -> None:
    """Raise TypeError or ValueError if `x` is not a tensor of real numbers `(N, *shape)`."""
    if not isinstance(x, Tensor):
        raise TypeError(f"the encoder got a {type(x).__name__}; expected a tensor (torch.from_numpy makes one)")
    if x.is_complex():
        raise TypeError(f"the encoder got a {x.dtype} tensor; it compares real numbers")
    if tuple(x.shape[1:]) != shape or x.ndim == 0:
        raise ValueError(
            f"the encoder was fitted on samples of shape {shape} and got a batch of shape {tuple(x.shape)}"
        )
