"""light (Light DLGN, arXiv:2510.03250; the probabilistic node of BitLogic): one logit for each table entry."""

from __future__ import annotations

from torch import Tensor

from lutsmith.nn.parametrizations.base import Parametrization, pass_input_0, straight_through


class Light(Parametrization):
    """`p = s(theta / tau)`, output the multilinear extension of p; hard bit `theta > 0`.

    With `forward_sampling="hard"` the fold reads `1[theta > 0]` and the gradient is that of `s(theta / tau)`.
    """

    def _residual(self) -> Tensor:
        return self.logit * pass_input_0(self.rank)

    def tables(self, weight: Tensor) -> Tensor:
        soft = (weight if self.temperature == 1 else weight / self.temperature).sigmoid()
        return soft if self.forward_sampling == "soft" else straight_through(weight > 0, soft)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return weight > 0
