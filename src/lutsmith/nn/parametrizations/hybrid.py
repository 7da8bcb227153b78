"""hybrid (BitLogic, arXiv:2602.07400): forward by address as DWN, backward as the probabilistic node."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.parametrizations.base import EntryLogits
from lutsmith.nn.parametrizations.sampling import straight_through


class Hybrid(EntryLogits):
    """`p = s(theta / tau)`; output `p_a`, the entry at the address of the inputs (1 where x > 1/2); hard bit `theta >
    0`.

    The gradient is that of the multilinear extension of p at the inputs as they are, soft or not. It is the exact one,
    `f(x_j = 1) - f(x_j = 0)`, and does not vanish at binary inputs.
    """

    def evaluate(self, x: Tensor, weight: Tensor, reads: Reads) -> Tensor:
        tables = self.tables(weight)
        fixed = reads._replace(candidates=None, scores=None)
        entry = ops.lookup(x.detach(), tables.detach(), fixed)
        return straight_through(entry, ops.fold(x, tables, reads))
