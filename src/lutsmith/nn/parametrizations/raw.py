"""raw (difflogic, arXiv:2210.08277): a softmax over the sixteen gates of two inputs."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.gates.naive import gate_tables
from lutsmith.nn.parametrizations.base import Parametrization
from lutsmith.nn.parametrizations.sampling import gumbel, straight_through

NUM_GATES = 16
PASS_INPUT_0 = 10


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

    def weights_of(self, tables: Tensor) -> Tensor:
        gate = (tables.unsqueeze(1) == gate_tables().bool()).all(-1).int().argmax(-1)
        return torch.nn.functional.one_hot(gate, NUM_GATES) * self._pass_input_0()[PASS_INPUT_0]

    def tables(self, weight: Tensor) -> Tensor:
        logits = gumbel(weight) if self.forward_sampling.startswith("gumbel") else weight
        soft = ops.gates(logits, self.temperature)
        if not self.forward_sampling.endswith("hard"):
            return soft
        return straight_through(gate_tables(device=logits.device)[logits.argmax(-1)], soft)

    def probabilities(self, weight: Tensor) -> Tensor:
        return ops.gates(weight, self.temperature)

    def hard_tables(self, weight: Tensor) -> Tensor:
        return gate_tables(device=weight.device)[weight.argmax(-1)].bool()
