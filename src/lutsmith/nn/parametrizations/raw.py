"""raw (difflogic, arXiv:2210.08277): a softmax over the sixteen gates of two inputs."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from lutsmith.nn.parametrizations.base import Parametrization
from lutsmith.nn.parametrizations.sampling import sample_shares, scaled

NUM_GATES = 16
PASS_INPUT_0 = 10
# Gate g is the one whose table, read as an integer, is g: row g holds the four bits of g.
GATE_TABLES = ((torch.arange(NUM_GATES).unsqueeze(1) >> torch.arange(4)) & 1).float()


class Raw(Parametrization):
    """`p = T^t softmax(theta / tau)` with T the sixteen gate tables; rank 2; hard table that of the argmax gate.

    The noise of the Gumbel samplings is drawn for each gate of each LUT, once a step.
    """

    ranks: ClassVar[range] = range(2, 3)

    @property
    def num_weights(self) -> int:
        return NUM_GATES

    def _pass_input_0(self) -> Tensor:
        # An entry equals that of gate 10 with probability pi + (1 - pi) 7/15, pi the gate's own share: solve for p.
        p = self.residual_probability
        weight = torch.zeros(NUM_GATES)
        weight[PASS_INPUT_0] = self.temperature * (math.log(15 * p - 7) - math.log(1 - p))
        return weight

    def tables(self, weight: Tensor) -> Tensor:
        share = sample_shares(weight, self.temperature, self.forward_sampling)
        return share @ GATE_TABLES.to(share)

    def probabilities(self, weight: Tensor) -> Tensor:
        return scaled(weight, self.temperature).softmax(-1) @ GATE_TABLES.to(weight)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return GATE_TABLES.to(weight.device)[weight.argmax(-1)].bool()
