"""light (Light DLGN, arXiv:2510.03250; the probabilistic node of BitLogic): one logit for each table entry."""

from __future__ import annotations

from lutsmith.nn.parametrizations.base import EntryLogits


class Light(EntryLogits):
    """`p = s(theta / tau)`, output the multilinear extension of p; hard bit `theta > 0`.

    With `forward_sampling="hard"` the fold reads `1[theta > 0]` and the gradient is that of `s(theta / tau)`. The noise
    of the Gumbel samplings is drawn for each table entry, once a step.
    """
