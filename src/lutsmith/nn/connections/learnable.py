"""Learnable connections: every slot of a LUT reads the best-scored of a few candidate inputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lutsmith.kernels import ops
from lutsmith.kernels.wiring import RULES, Wiring
from lutsmith.nn.connections.balanced import candidate_pools
from lutsmith.nn.connections.base import Connections


class LearnableConnections(Connections):
    """Each slot has `num_candidates` candidate inputs with a score each, and reads the one with the highest score.

    Forward is hard, in training as in eval. Backward, with `s = softmax(scores / temperature)`, is the straight-through
    gradient of the mix `sum_k s_k x_k` (`rule="softmax"`), or `(2 x_k - 1) g` for the scores and `s_k g` for the inputs
    (`rule="dwn"`, DWN's LearnableMapping). A LUT never reads an input twice: the pools of its slots are disjoint where
    there are inputs enough, and else a later slot takes its best candidate that no earlier one has taken.

    Parameters: `scores`, float32 `(out_dim, lut_rank, num_candidates)`. Buffers: `candidates`, int32 of that shape;
    `frozen`, bool scalar.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        num_candidates: K, from 2 to all inputs; -1 means all.
        temperature: of the softmax in the backward pass.
        rule: `"softmax"` or `"dwn"`.
        usable: as for `FixedConnections`.
        generator: draws the candidates and the first scores.
    """

    candidates: Tensor
    frozen: Tensor

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int,
        *,
        num_candidates: int = 8,
        temperature: float = 1.0,
        rule: str = "softmax",
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank)
        inputs = self.usable_inputs(usable)
        available = len(inputs)
        if num_candidates == -1:
            num_candidates = available
        if not 2 <= num_candidates <= available:
            raise ValueError(
                f"num_candidates is {num_candidates}; expected 2 to {available} (the usable inputs), or -1 for all"
            )
        if not temperature > 0:
            raise ValueError(f"the connections' temperature is {temperature}; expected a positive number")
        if rule not in RULES:
            raise ValueError(f"the connections' rule is {rule!r}; expected one of {', '.join(RULES)}")
        self.num_candidates = num_candidates
        self.temperature = temperature
        self.rule = rule
        pools = candidate_pools(available, out_dim, lut_rank, num_candidates, generator)
        self.register_buffer("candidates", inputs[torch.from_numpy(pools)].int())
        self.register_buffer("frozen", torch.tensor(False))
        self.scores = nn.Parameter(torch.rand(pools.shape, generator=generator))

    def wiring(self) -> Wiring:
        inputs = ops.choose(self.scores, self.candidates)
        if self.frozen:
            return Wiring(inputs)
        return Wiring(inputs, None, self.candidates, self.scores, self.temperature, self.rule)

    def freeze(self) -> None:
        """Keep the present choice: the scores get no more gradients and the layer costs what a fixed one does."""
        self.frozen.fill_(True)
        self.scores.requires_grad_(False)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, num_candidates={self.num_candidates}, rule={self.rule!r}"
