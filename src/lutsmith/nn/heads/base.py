"""What heads share: contiguous groups of the inputs, counted, and the divisor of the scores in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.dtypes import FLOATS
from lutsmith.nn.precision import EXACT

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

Tau = float | Literal["auto", "learned"]

LOG_LIMIT = math.log(2)
"""How far the logarithm of a learned tau may go from that of `"auto"`."""


class GroupHead(nn.Module):
    """A head that counts the ones in equal, contiguous groups of its inputs.

    In training mode a group counts the sum of its inputs, in eval mode the number of those above 1/2: an exact integer.

    Args:
        k: scores: of classes, labels or targets.
        num_groups: groups; default k.
        permute: whether the inputs are shuffled before they are grouped, by a permutation that is drawn once and is
            the buffer `permutation`.
        in_dim: the number of inputs, if it is to be checked when the head is made; a permutation needs it.
        generator: source of the permutation; None is torch's global one.

    Raises:
        TypeError: a size that is not an integer.
        ValueError: impossible sizes, or a permutation of an unknown number of inputs.
    """

    objective: ClassVar[str] = "classification"
    """What the circuit does with the scores: see `lutsmith.circuit.heads.OBJECTIVES`."""

    permutation: Tensor | None

    def __init__(
        self,
        k: int,
        num_groups: int | None = None,
        *,
        permute: bool = False,
        in_dim: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.k = whole_number("k", k, 1, what="the number of classes, labels or targets")
        self.num_groups = self.k if num_groups is None else whole_number("num_groups", num_groups, 1, what="the groups")
        self.in_dim = None if in_dim is None else whole_number("in_dim", in_dim, 1, what="the width of the last layer")
        if self.in_dim is not None:
            self.group_size(self.in_dim)
        if permute and in_dim is None:
            raise ValueError("a permutation needs the number of inputs: pass in_dim=, the width of the last layer")
        self.register_buffer("permutation", torch.randperm(in_dim or 0, generator=generator) if permute else None)

    def group_size(self, width: int) -> int:
        """Inputs of one group among `width`; ValueError if they cannot be shared equally."""
        name = f"{type(self).__name__}(k={self.k})"
        if self.in_dim is not None and width != self.in_dim:
            raise ValueError(f"{name} was made for in_dim={self.in_dim} inputs and got {width}")
        if width == 0 or width % self.num_groups:
            what = "classes" if self.num_groups == self.k else "groups"
            fitting = max(1, round(width / self.num_groups)) * self.num_groups
            raise ValueError(
                f"{name} got {width} inputs, which {self.num_groups} {what} cannot share equally; make the last "
                f"layer a multiple of {self.num_groups} wide, such as {fitting}"
            )
        return width // self.num_groups

    def counts(self, x: Tensor) -> Tensor:
        """The sums of the groups, `(..., num_groups)`, of inputs `(..., num_groups * g)`.

        They are float32 whatever the inputs' dtype (bfloat16 cannot count past 256), except that float64 inputs stay
        float64. In eval mode they are the hardware's popcounts.
        """
        return self.summed(self.rows(x))

    def rows(self, x: Tensor) -> Tensor:
        """The inputs `(..., inputs)`, checked and permuted, features first `(inputs, ...)`, as they are stored."""
        if not isinstance(x, Tensor):
            raise TypeError(f"{type(self).__name__} got a {type(x).__name__}; expected a tensor")
        if x.ndim == 0:
            raise ValueError(f"{type(self).__name__} got a single number; expected (..., inputs)")
        if x.is_complex():
            raise TypeError(f"{type(self).__name__} got a {x.dtype} tensor; it reads real numbers")
        self.group_size(x.shape[-1])
        rows = x.movedim(-1, 0)
        return rows if self.permutation is None else rows.index_select(0, self.permutation)

    def summed(self, rows: Tensor) -> Tensor:
        """The sums of the groups of rows `(num_groups * g, ...)`, as `counts` gives them."""
        wide = torch.float64 if rows.dtype == torch.float64 else torch.float32
        if not self.training:
            rows = rows > 0.5
        elif rows.ndim == 2 and rows.dtype in FLOATS:
            return ops.group_sums(rows, self.num_groups).t()
        groups = rows.reshape(self.num_groups, len(rows) // self.num_groups, *rows.shape[1:])
        return groups.sum(1, dtype=wide).movedim(0, -1)

    def signals(self, signals: NDArray[np.int32]) -> NDArray[np.int32]:
        """The signals of one sample `(inputs,)`, checked and permuted: the same as `rows`, for a circuit.

        Raises:
            ValueError: signals of another shape or number, or an invalid permutation.
        """
        name = type(self).__name__
        if signals.ndim != 1:
            raise ValueError(f"{name} lowers one row of signals, not shape {signals.shape}; put nn.Flatten() before it")
        self.group_size(len(signals))
        if self.permutation is not None:
            order = self.permutation.cpu().numpy()
            if not np.array_equal(np.sort(order), np.arange(len(signals))):
                raise ValueError(f"its permutation is none of {len(signals)} inputs")
            signals = signals[order]
        return signals

    def lower_groups(self, builder: CircuitBuilder, signals: NDArray[np.int32], **affine: Tensor) -> None:
        """Make the groups of `signals` the circuit's, with the tensors of its `Head`.

        Raises:
            ValueError: as for `signals`, or parameters that are NaN or infinite.
        """
        arrays = {name: _array(name, values) for name, values in affine.items()}
        builder.popcount(self.signals(signals), self.num_groups, **arrays)


class ScoredHead(GroupHead):
    """A `GroupHead` whose scores are divided by tau while training.

    Args:
        tau: the divisor; `"auto"` is `sqrt(g / 3)` for g inputs per score, which DWN's published values follow.
            `"learned"` multiplies that by `exp(L tanh(log_tau / L))` with L = log 2, which stays between 1/2 and 2;
            `log_tau` is a parameter that starts as 0. Without this bound, tau falls to a tenth where that lowers the
            loss of soft tables, and the hardened tables then score worse than the soft ones did in training.
        **groups: arguments of `GroupHead`.
    """

    def __init__(self, k: int, tau: Tau, num_groups: int | None = None, **groups: Any) -> None:
        super().__init__(k, num_groups, **groups)
        if isinstance(tau, str):
            one_of("tau, where it is not a number,", tau, ("auto", "learned"))
        else:
            number("tau", tau, lambda value: 0 < value < math.inf, "a positive number, 'auto' or 'learned'")
        self.tau = tau
        if tau == "learned":
            self.log_tau = nn.Parameter(torch.zeros(()))

    def divided(self, scores: Tensor, size: int) -> Tensor:
        """Scores over tau; `size` is the g of `"auto"`."""
        if self.tau == "learned":
            factor = (LOG_LIMIT * (self.log_tau / LOG_LIMIT).tanh()).exp()
            return scores / (math.sqrt(size / 3) * factor)
        tau = math.sqrt(size / 3) if isinstance(self.tau, str) else self.tau
        return scores if tau == 1 else scores / tau

    def extra_repr(self) -> str:
        groups = "" if self.num_groups == self.k else f", num_groups={self.num_groups}"
        return f"k={self.k}{groups}, tau={self.tau!r}" + (", permuted" if self.permutation is not None else "")


def rounded(values: Tensor, limit: float) -> Tensor:
    """The nearest integers within -limit to limit, exactly, with the gradient of `values` itself."""
    return values.detach().round().clamp(-limit, limit) + (values - values.detach())


def as_scores(values: Tensor, counts: Tensor, bound: float) -> Tensor:
    """Integers of float64 in the dtype of `counts`; they stay float64 if they may reach `bound`, which is too much for
    it.
    """
    return values if bound > EXACT else values.to(counts.dtype)


def _array(name: str, values: Tensor) -> NDArray[Any]:
    """Scale and offset as they are, weights and bias, which are whole numbers, as int64."""
    array = values.detach().cpu().numpy()
    if not np.isfinite(array).all():
        raise ValueError(f"its {name} are NaN or infinite; was the training unstable?")
    return array if name in ("scale", "offset") else array.astype(np.int64)
