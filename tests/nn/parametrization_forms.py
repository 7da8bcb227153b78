"""Every parametrization at every rank, sampling and form, and what tests of them share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from lutsmith.kernels.training.ops import Reads
from lutsmith.nn.parametrizations import Parametrization, list_parametrizations, setup_parametrization


class Form(NamedTuple):
    name: str
    rank: int
    sampling: str
    form: str

    def make(self, **settings) -> Parametrization:
        return setup_parametrization(self.name, self.rank, forward_sampling=self.sampling, form=self.form, **settings)

    @property
    def samplings(self) -> tuple[str, ...]:
        return type(self.make()).samplings

    @property
    def on_the_output(self) -> bool:
        """Whether sampling takes place on the output and not on the table's entries."""
        return self.name in ("linear", "neural", "poly", "warp") or self.form == "direct"


def every_form():
    for name in list_parametrizations():
        kind = type(setup_parametrization(name, 2))
        for rank in kind.ranks:
            for sampling in kind.samplings:
                for form in kind.forms:
                    yield Form(name, rank, sampling, form)


EVERY_FORM = list(every_form())

# The samplings in turn over the ranks: for what no sampling changes.
EVERY_RANK = [f for f in EVERY_FORM if f.sampling == f.samplings[f.rank % len(f.samplings)]]

# Noise and rank have nothing to do with each other: the noisy samplings at two ranks, the others at all of them.
EVERY_GRADIENT = [f for f in EVERY_FORM if f.rank in (2, 5) or not f.sampling.startswith("gumbel")]


def address_rows(rank: int) -> Tensor:
    """All addresses as input rows `(rank, 2**rank)`."""
    return ((torch.arange(1 << rank) >> torch.arange(rank).unsqueeze(1)) & 1).float()


def own_inputs(rank: int, luts: int) -> Reads:
    """`luts` LUTs that read rows 0, 1, ... in this order."""
    return Reads(torch.arange(rank).int().expand(luts, -1).contiguous())
