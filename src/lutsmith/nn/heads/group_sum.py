"""GroupSum: the count of each class's bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.ground.arguments import number
from lutsmith.nn.heads.base import ScoredHead, Tau

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class GroupSum(ScoredHead):
    """Class scores as sums over k contiguous groups of the inputs; while training `(sum + beta) / tau`.

    In eval mode the scores are the hardware's popcounts: exact integers (as float32), undivided. If classes tie,
    `argmax` takes the lowest of them, as the circuit does.

    Args:
        k: classes.
        tau: the divisor in training mode: a number, `"auto"`, which is `sqrt(g / 3)` for g inputs per class, or
            `"learned"`, which is that times a factor between 1/2 and 2, `exp(L tanh(log_tau / L))` with L = log 2.
        beta: added to the sums in training mode; popcounts have no use for it.
        permute: whether a permutation of the inputs, saved as the buffer `permutation`, comes before the groups.
        in_dim: inputs; needed to permute.
        generator: source of the permutation; None is torch's global one.

    Shapes: `(..., k * g)` to `(..., k)`. Sums are float32 whatever the input's dtype (bfloat16 cannot count past 256),
    except that float64 inputs stay float64.

    Raises:
        ValueError: an impossible size or tau; later, an input width that k does not divide.
    """

    def __init__(self, k: int, tau: Tau = "auto", beta: float = 0.0, **groups: Any) -> None:
        super().__init__(k, tau, **groups)
        self.beta = finite("beta", beta)

    def forward(self, x: Tensor) -> Tensor:
        sums = self.counts(x)
        if not self.training:
            return sums
        return self.divided(sums + self.beta if self.beta else sums, self.group_size(x.shape[-1]))

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals` `(k * g,)` the circuit's popcounts."""
        self.lower_groups(builder, signals)


def finite(name: str, value: float) -> float:
    """`value`, where it is a finite number; TypeError or ValueError otherwise."""
    return number(name, value, math.isfinite, "a finite number")
