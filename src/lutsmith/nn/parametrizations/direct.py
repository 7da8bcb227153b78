"""Reading inputs for forms that the kernels do not know: gather with the gradients of any wiring."""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.ops import Wiring
from lutsmith.kernels.training.wiring import table_of


def read_rows(x: Tensor, wiring: Wiring) -> Tensor:
    """The inputs of every instance, `(W, n, B)`, from `x` `(F, B)`.

    They are the fold of one shared table of rank 1, "pass input 0", with a LUT for each slot: learned wiring gets its
    gradients by the rules that it has in every layer.
    """
    instances, rank = wiring.inputs.shape
    slots = instances * rank
    alone = Wiring(
        wiring.inputs.reshape(slots, 1),
        torch.tensor([0, slots], dtype=torch.int32, device=x.device),
        None if wiring.candidates is None else wiring.candidates.reshape(slots, 1, -1),
        None if wiring.scores is None else wiring.scores.reshape(slots, 1, -1),
        wiring.temperature,
        wiring.rule,
    )
    identity = torch.tensor([[0.0, 1.0]], dtype=x.dtype, device=x.device)
    return ops.fold(x, identity, alone).reshape(instances, rank, -1)


def of_instances(weight: Tensor, wiring: Wiring) -> Tensor:
    """The weights `(W, num_weights)` of every instance, from those of every table."""
    return weight if wiring.table_ptr is None else weight[table_of(wiring)]
