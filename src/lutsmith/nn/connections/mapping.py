"""Dense connections: every slot of a LUT scores all inputs and reads the best (DWN's LearnableMapping)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.kernels import memory, ops
from lutsmith.kernels.wiring import Wiring
from lutsmith.nn.connections.base import LearnedConnections

CHUNK = 1 << 21  # scores whose softmax is in memory at a time


class DenseConnections(LearnedConnections):
    """Every slot has a score for every input and reads the one with the highest.

    Forward is hard, in training as in eval. Backward, with x in [0, 1] and G the gradient of what the slots read
    (Bacellar et al., 2024): scores get `(2 X - 1)^T G` and inputs `softmax(scores / temperature)^T G`; or, with
    `rule="softmax"`, scores get the straight-through gradient of the mix. The softmax is never in memory as a whole:
    training needs the scores, their gradient and the optimizer's moments. (Learning over all inputs collapses in
    deeper layers; 8 to 16 candidates learn better and cost a fraction.)

    Parameters: `scores`, float32 `(out_dim, lut_rank, usable inputs)`. Buffers: `chosen`, int32 `(out_dim, lut_rank)`,
    what is read once frozen; `frozen`, bool scalar; `usable`. `temperature` may be set at any time.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        temperature: of the softmax in the backward pass; DWN's tau.
        rule: `"dwn"` or `"softmax"`.
        unique: no LUT reads an input twice: a later slot takes its best input that no earlier one has taken. False is
            DWN's plain argmax.
        usable: as for `FixedConnections`.
        generator: draws the first scores, uniform in [0, 1).
    """

    chosen: Tensor

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int,
        *,
        temperature: float = 0.001,
        rule: str = "dwn",
        unique: bool = True,
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank, temperature=temperature, rule=rule, usable=usable)
        available = len(self.usable_inputs(distinct=unique))
        self.unique = unique
        self.register_buffer("chosen", torch.zeros(out_dim, lut_rank, dtype=torch.int32))
        scores = torch.rand(out_dim, lut_rank, available, generator=generator, dtype=torch.float32)
        self.scores = nn.Parameter(scores)

    def wiring(self) -> Wiring:
        if self.frozen:
            return Wiring(self.chosen)
        best = ops.best(self.scores, unique=self.unique)
        return Wiring(self.usable.nonzero().flatten()[best.long()].int())

    def route(self, x: Tensor) -> tuple[Tensor, Wiring]:
        wiring = self.wiring()
        if self.frozen:
            return x, wiring
        usable = self.usable.nonzero().flatten()
        rows = read_best(x, self.scores, usable, wiring.inputs, self.temperature, self.rule)
        slots = torch.arange(rows.shape[0], dtype=torch.int32, device=rows.device)
        return rows, Wiring(slots.view(self.out_dim, self.lut_rank))

    def freeze(self) -> None:
        self.chosen.copy_(self.inputs())
        super().freeze()

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, rule={self.rule!r}, unique={self.unique}"


def _empty(shape: tuple[int, ...], dtype: torch.dtype, like: Tensor) -> Tensor:
    """Memory on the device of `like`; on the CPU that of an earlier step: fresh pages cost more than the arithmetic."""
    return memory.empty(shape, dtype) if like.device.type == "cpu" else like.new_empty(shape, dtype=dtype)


class _ReadBest(torch.autograd.Function):
    """Rows of x, and the gradients that DWN or the softmax gives to x and to the scores of all inputs."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scores: Tensor, usable: Tensor, inputs: Tensor, temperature: float, rule: str
    ) -> Tensor:
        ctx.save_for_backward(x, scores, usable)
        ctx.temperature, ctx.rule = temperature, rule
        return x.index_select(0, inputs.flatten())

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, scores, usable = ctx.saved_tensors
        need_dx, need_scores = ctx.needs_input_grad[:2]
        dtype = torch.float64 if torch.float64 in (x.dtype, scores.dtype) else torch.float32
        grad = grads[0].to(dtype)
        flat = scores.view(-1, scores.shape[2])
        values = (x if len(usable) == x.shape[0] else x[usable]).to(dtype)
        by_softmax = ctx.rule == "softmax"
        dscores = _empty(flat.shape, flat.dtype, x) if need_scores else None
        dvalues = torch.zeros_like(values) if need_dx else None
        factors = (values if by_softmax else 2 * values - 1).t().to(flat.dtype)
        rows = max(1, min(flat.shape[0], CHUNK // flat.shape[1]))
        chunk = _empty((rows, flat.shape[1]), dtype, x)
        for begin in range(0, flat.shape[0], rows):
            part = slice(begin, begin + rows)
            slopes, shares = grad[part], chunk[: len(flat[part])]
            if need_dx or by_softmax:
                torch.softmax(torch.div(flat[part], ctx.temperature, out=shares), dim=1, out=shares)
            if dvalues is not None:
                dvalues.addmm_(shares.t(), slopes)
            if dscores is not None:
                dots = torch.mm(slopes.to(flat.dtype), factors, out=dscores[part])
                if by_softmax:
                    dots.sub_((shares * dots).sum(1, keepdim=True)).mul_(shares).div_(ctx.temperature)
        dx = None
        if dvalues is not None:
            dx = torch.zeros_like(x).index_copy_(0, usable, dvalues.to(x.dtype))
        return dx, None if dscores is None else dscores.view_as(scores), None, None, None, None


read_best: Callable[..., Tensor] = _ReadBest.apply
