"""A thermometer that learns where its thresholds lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import torch
from torch import Tensor, nn

from lutsmith.circuit.word_length import snap
from lutsmith.ground.arguments import number, one_of
from lutsmith.kernels.training import ops
from lutsmith.nn.encoders.base import EncoderOptions
from lutsmith.nn.encoders.thermometers import (
    DistributiveThermometer,
    GaussianThermometer,
    LogarithmicThermometer,
    Thermometer,
)

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

SAMPLINGS = ("hard", "soft")
STARTS: dict[str, type[Thermometer]] = {
    "uniform": Thermometer,
    "gaussian": GaussianThermometer,
    "distributive": DistributiveThermometer,
    "logarithmic": LogarithmicThermometer,
}
CHUNK = 1 << 22
"""Values that the soft bits and the gradient take at a time."""

SMALLEST_SPAN = 1e-30


class LearnableThermometer(Thermometer):
    """Thermometer whose thresholds are trained: `t = thresholds + range * shift`, the same in training and in eval.

    `fit` sets `thresholds` (a buffer) where another thermometer would, and `shift` (the parameter, zero there) moves
    them, counted in ranges of the feature: a learning rate means the same for bytes and for fractions, and weight decay
    pulls back to where they began. Thresholds may pass each other; each bit stays a comparator of its own.

    In training, with `forward_sampling="hard"`, the bits are those of eval and the gradient is that of `s((x - t) / T)`
    (straight-through), s the logistic function and T = temperature * range; with `"soft"` that value itself is the
    output. Gradients go to `shift`, and to x if it requires one. Memory: the bits, and at most 4 Mi values besides.

    Args:
        num_bits: z, the thresholds of one feature.
        start: where `fit` puts them: `"distributive"`, `"uniform"`, `"gaussian"` or `"logarithmic"`.
        forward_sampling: `"hard"` or `"soft"`.
        temperature: of the gradient and of soft bits, above 0, in ranges of the feature; may be changed during
            training.
        per, encode_axis, fit_axes: see `Encoder`.
        unique: with `True`, thresholds that repeat another are +inf and stay there; with `False` they share a place at
            first, and their gradients may part them.
        input_bits: with a word length, t is moved down to the word's grid before it is compared, in training too.
    """

    shift: nn.Parameter

    def __init__(
        self,
        num_bits: int = 1,
        *,
        start: str = "distributive",
        forward_sampling: str = "hard",
        temperature: float = 0.1,
        **options: Unpack[EncoderOptions],
    ) -> None:
        super().__init__(num_bits, **options)
        one_of("start", start, STARTS)
        one_of("forward_sampling", forward_sampling, SAMPLINGS)
        self.start = start
        self.forward_sampling = forward_sampling
        self.temperature = temperature
        self.shift = nn.Parameter(torch.empty(0))

    @property
    def temperature(self) -> float:
        """T in ranges of the feature."""
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        self._temperature = number("temperature", value, lambda t: 0 < t < float("inf"), "a finite number above 0")

    def fit(self, x: Any, *, seed: int = 0) -> Self:
        super().fit(x, seed=seed)
        self.shift.data = torch.zeros_like(self.thresholds)
        self.shift.grad = None
        return self

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        return STARTS[self.start](self.num_bits)._fitted_thresholds(columns)

    def learned_thresholds(self) -> Tensor:
        """What is compared now: float32, of the shape of `thresholds`, differentiable in `shift`."""
        moved = self._span() * self.shift
        learned = self.thresholds + moved
        if self.input_bits is None:
            return learned
        low, high = (bound.cpu().numpy() for bound in self._bounds())
        on_grid = torch.from_numpy(snap(learned.detach().cpu().numpy(), low, high, self.input_bits))
        return on_grid.to(learned.device) + (moved - moved.detach())  # straight through: the difference is 0

    def _bounds(self) -> tuple[Tensor, Tensor]:
        """Lowest and highest value of the data that share thresholds, broadcastable to `thresholds`."""
        sizes = self.thresholds.shape[:-1]
        low, high = self.input_min, self.input_max
        for axis in range(low.ndim):
            if not sizes or sizes[axis] == 1:
                low, high = low.amin(axis, keepdim=True), high.amax(axis, keepdim=True)
        return low.reshape(*sizes, 1), high.reshape(*sizes, 1)

    def _span(self) -> Tensor:
        """The range of the data that share thresholds, 1 where they are constant, broadcastable to `thresholds`.

        Ranges that float32 cannot divide by, or hold, count as the nearest that it can.
        """
        low, high = self._bounds()
        span = (high - low).clamp(SMALLEST_SPAN, torch.finfo(torch.float32).max)
        return torch.where(high > low, span, torch.ones_like(low))

    def _per_feature(self) -> Tensor:
        return self._spread(self.learned_thresholds())

    def _encode(self, x: Tensor, inner: int) -> Tensor:
        thresholds = self._per_feature()
        if not self.training or (self.forward_sampling == "hard" and not torch.is_grad_enabled()):
            return ops.encode(x, thresholds, inner)
        scale = self._spread(self._span().expand_as(self.thresholds))[:, 0] * self.temperature
        bits: Tensor = _Sampled.apply(x, thresholds, scale, inner, self.forward_sampling)  # type: ignore[no-untyped-call]
        return bits

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, forward_sampling={self.forward_sampling!r}, temperature={self.temperature:g}"


class _Sampled(torch.autograd.Function):
    """Bits x > t, or s((x - t) / T), of numbers (N, F), thresholds (F, z) and scales T (F,); the latter's gradient.

    Output rows are those of `ops.encode`. Only numbers and thresholds are kept for the backward pass, which computes
    the slopes again.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, thresholds: Tensor, scale: Tensor, inner: int, sampling: str) -> Tensor:
        ctx.save_for_backward(x, thresholds, scale)
        ctx.inner = inner
        if sampling == "hard":
            return ops.encode(x, thresholds, inner)
        features, bits = thresholds.shape
        out = torch.empty((features // inner, bits, inner, len(x)), dtype=torch.float32, device=x.device)
        for chunk in _chunks(x, bits):
            out[:, chunk] = _soft(x, thresholds[:, chunk], scale, inner)
        return out.view(features * bits, len(x))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, thresholds, scale = ctx.saved_tensors
        inner: int = ctx.inner
        features, bits = thresholds.shape
        grad = grads[0].reshape(features // inner, bits, inner, len(x))
        to_thresholds = torch.empty_like(thresholds) if ctx.needs_input_grad[1] else None
        to_x = torch.zeros((features // inner, inner, len(x)), device=x.device) if ctx.needs_input_grad[0] else None
        slope = 1 / scale.view(features // inner, 1, inner, 1)
        for chunk in _chunks(x, bits):
            soft = _soft(x, thresholds[:, chunk], scale, inner)
            flow = grad[:, chunk] * soft * (1 - soft) * slope  # toward x; its negative goes to the thresholds
            if to_thresholds is not None:
                to_thresholds[:, chunk] = -flow.sum(-1).transpose(1, 2).reshape(features, -1)
            if to_x is not None:
                to_x += flow.sum(1)
        back = None if to_x is None else to_x.view(features, len(x)).t().to(x.dtype)
        return back, to_thresholds, None, None, None


def _soft(x: Tensor, thresholds: Tensor, scale: Tensor, inner: int) -> Tensor:
    """s((x - t) / T) of `(N, F)`, `(F, z)` and `(F,)`: `(F / inner, z, inner, N)`, 0 for NaN."""
    features, bits = thresholds.shape
    numbers = x.to(torch.float32).t().reshape(features // inner, 1, inner, len(x))
    at = thresholds.view(features // inner, inner, bits).transpose(1, 2).unsqueeze(-1)
    soft = torch.sigmoid((numbers - at) / scale.view(features // inner, 1, inner, 1))
    return soft.nan_to_num_(nan=0.0)


def _chunks(x: Tensor, bits: int) -> list[slice]:
    """The bits, as many at a time as `CHUNK` values hold."""
    step = max(1, CHUNK // max(1, x.numel()))
    return [slice(start, min(bits, start + step)) for start in range(0, bits, step)]
