"""fourier (BitLogic, arXiv:2602.07400): a sum of waves, clipped to [0, 1]."""

from __future__ import annotations

import itertools
import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.ground.arguments import whole_number
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.base import Parametrization
from lutsmith.nn.parametrizations.direct import of_instances, read_rows
from lutsmith.nn.parametrizations.sampling import straight_through


class Fourier(Parametrization):
    """`p(x) = clip(1/2 + sum_w A_w cos(2 pi <w, x> + phi_w), 0, 1)`, `w` in {0, 1/2}^n; hard bit `p > 1/2` at a corner.

    The weights are not amplitude and phase, whose gradient dies where the amplitude is 0, but `a = A cos(phi)` and `s =
    A sin(phi)`: a wave is `a cos(2 pi <w, x>) - s sin(2 pi <w, x>)`. At the corners all sines are 0, so the multilinear
    form, the fold of the clipped corners, has only the weights a; the direct form has a, and then s of every wave
    except the constant one. Its cosines are flat at bits, so the layer below a direct form learns only where inputs are
    soft. The gradient of the clip is 1 inside of [0, 1], and also outside where a descent leads back inside, so that no
    LUT is lost.

    Args:
        rank: see `Parametrization`, as all further arguments.
        num_frequencies: waves of a LUT, the constant one included, 2 to `2**rank` (None: all): those with the fewest
            inputs first.
    """

    samplings: ClassVar[tuple[str, ...]] = ("soft", "hard")
    forms: ClassVar[tuple[str, ...]] = ("multilinear", "direct")

    def __init__(self, rank: int, *, num_frequencies: int | None = None, **settings: Any) -> None:
        super().__init__(rank, **settings)
        count = 1 << rank if num_frequencies is None else num_frequencies
        whole_number("num_frequencies", count, 2, 1 << rank, f"the waves of a LUT of rank {rank}")
        self.num_frequencies = count
        by_degree = itertools.chain(*(itertools.combinations(range(rank), degree) for degree in range(rank + 1)))
        masks = [sum(1 << j for j in inputs) for inputs in itertools.islice(by_degree, count)]
        self._masks = torch.tensor(masks)  # bit j: w_j = 1/2
        common = self._masks.unsqueeze(1) & torch.arange(1 << rank)
        odd = ((common.unsqueeze(2) >> torch.arange(rank)) & 1).sum(2) % 2
        self._cosines = (1 - 2 * odd).float()

    @property
    def num_weights(self) -> int:
        return self.num_frequencies if self.form == "multilinear" else 2 * self.num_frequencies - 1

    def _pass_input_0(self) -> Tensor:
        weight = torch.zeros(self.num_weights)
        weight[1] = 0.5 - self.residual_probability  # cos(pi x_0) = 1 - 2 x_0
        return weight

    def _random(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        return torch.randn(shape, generator=generator) * (0.5 / math.sqrt(self.num_frequencies))

    def tables(self, weight: Tensor) -> Tensor:
        p = self.probabilities(weight)
        return p if self.forward_sampling == "soft" else straight_through(p > 0.5, p)

    def probabilities(self, weight: Tensor) -> Tensor:
        return clip(0.5 + weight[:, : self.num_frequencies] @ self._cosines.to(weight))

    def hard_tables(self, weight: Tensor) -> Tensor:
        return self.probabilities(weight) > 0.5

    @property
    def folds(self) -> bool:
        return type(self).evaluate is Fourier.evaluate and self.form == "multilinear"

    def evaluate(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        if self.form == "multilinear":
            return super().evaluate(x, weight, reads)
        angles = math.pi * read_rows(x, reads).to(weight.dtype)
        p = clip(0.5 + self._waves(angles, of_instances(weight, reads)))
        y = p if self.forward_sampling == "soft" else straight_through(p > 0.5, p)
        return y.to(x.dtype)

    def _waves(self, angles: Tensor, weight: Tensor) -> Tensor:
        """The sums of waves `(W, B)` at angles `(W, n, B)`.

        They are the real part of `sum_w (a_w + i s_w) prod_{j in w} exp(i angle_j)`: Horner's rule, input by input.
        """
        cosine, sine = torch.split(weight, [self.num_frequencies, self.num_frequencies - 1], dim=1)
        sine = torch.nn.functional.pad(sine, (1, 0))
        every = weight.new_zeros((len(weight), 1 << self.rank))
        masks = self._masks.to(weight.device)
        real: Tensor = every.index_copy(1, masks, cosine).unsqueeze(2)
        imaginary: Tensor = every.index_copy(1, masks, sine).unsqueeze(2)
        turn_real, turn_imaginary = angles.cos(), angles.sin()
        for j in reversed(range(self.rank)):
            low_real, high_real = torch.chunk(real, 2, dim=1)
            low_imaginary, high_imaginary = torch.chunk(imaginary, 2, dim=1)
            c, s = turn_real[:, j : j + 1], turn_imaginary[:, j : j + 1]
            real = low_real + c * high_real - s * high_imaginary
            imaginary = low_imaginary + c * high_imaginary + s * high_real
        return real.squeeze(1)


class _Clip(torch.autograd.Function):
    """`clamp(q, 0, 1)`; the gradient stops only where a descent would lead further out."""

    @staticmethod
    def forward(ctx: Any, q: Tensor) -> Tensor:
        ctx.save_for_backward(q)
        return q.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (q,), (gradient,) = ctx.saved_tensors, gradients
        outward = ((q > 1) & (gradient < 0)) | ((q < 0) & (gradient > 0))
        return gradient.masked_fill(outward, 0)


def clip(q: Tensor) -> Tensor:
    """`clamp(q, 0, 1)`, with a gradient outside of [0, 1] too, if a descent leads the number back inside."""
    result: Tensor = _Clip.apply(q)  # type: ignore[no-untyped-call]
    return result
