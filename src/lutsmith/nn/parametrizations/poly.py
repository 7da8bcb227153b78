"""linear and poly (PolyLUT, arXiv:2309.02334): a polynomial of the inputs as the logit."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import torch
from torch import Tensor

from lutsmith.ground.arguments import whole_number
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.base import OutputLogits, corners
from lutsmith.nn.parametrizations.direct import of_instances, read_rows

MAX_DEGREE = 8


class Poly(OutputLogits):
    """`z(x)` = the sum of weighted monomials of degree <= d, output `s(z(x) / tau)`; hard bit `z > 0` at the corner.

    In the multilinear form the monomials are the products of up to d different inputs: at binary inputs there are no
    others, and their sum is the fold of its own corners. In the direct form they are all monomials of degree <= d,
    powers of one input included, as PolyLUT and difflut have them. Their order is by degree, then by inputs: 1, x_0,
    x_1, ..., then x_0 x_1 (direct: x_0 x_0), ...

    Args:
        rank: see `Parametrization`, as all further arguments.
        degree: d, 1 to 8. In the multilinear form a degree above the rank counts as the rank.
    """

    forms: ClassVar[tuple[str, ...]] = ("multilinear", "direct")

    def __init__(self, rank: int, *, degree: int = 2, **settings: Any) -> None:
        super().__init__(rank, **settings)
        whole_number("degree", degree, 1, MAX_DEGREE)
        self.degree = degree
        choose = itertools.combinations_with_replacement if self.form == "direct" else itertools.combinations
        # The inputs multiplied in the monomials of each degree.
        self._factors = [list(choose(range(rank), power)) for power in range(degree + 1)]
        inputs = corners(rank)
        monomials = [inputs[:, list(factors)].prod(1) for factors in itertools.chain(*self._factors)]
        self._at_corners = torch.stack(monomials)
        self._steps = [self._step(power) for power in range(1, degree + 1)]

    def _step(self, power: int) -> tuple[Tensor, Tensor]:
        """Monomials of a degree as products of one of the degree below and an input: the numbers of both."""
        places = {factors: place for place, factors in enumerate(self._factors[power - 1])}
        before = [places[factors[:-1]] for factors in self._factors[power]]
        return torch.tensor(before), torch.tensor([factors[-1] for factors in self._factors[power]])

    @property
    def num_weights(self) -> int:
        return len(self._at_corners)

    def _pass_input_0(self) -> Tensor:
        weight = torch.zeros(self.num_weights)
        weight[0], weight[1] = -self.logit, 2 * self.logit
        return weight

    def tables(self, weight: Tensor) -> Tensor:
        return weight @ self._at_corners.to(weight)

    def logits(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        rows = read_rows(x, reads).to(weight.dtype)
        by_degree = torch.split(of_instances(weight, reads), [len(factors) for factors in self._factors], dim=1)
        monomials = torch.ones_like(rows[:, :1])
        logits = by_degree[0].expand(-1, rows.shape[2])
        for coefficients, (before, last) in zip(by_degree[1:], self._steps, strict=True):
            monomials = monomials[:, before.to(x.device)] * rows[:, last.to(x.device)]
            logits = logits + torch.einsum("wm,wmb->wb", coefficients, monomials)
        return logits.to(x.dtype)


class Linear(Poly):
    """`z(x) = b + sum_j w_j x_j`, output `s(z(x) / tau)`: threshold gates. The weights of a LUT are b, w_0, w_1, ..."""

    forms: ClassVar[tuple[str, ...]] = ("multilinear",)

    def __init__(self, rank: int, **settings: Any) -> None:
        super().__init__(rank, degree=1, **settings)
