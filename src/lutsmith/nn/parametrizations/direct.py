"""Reading inputs for forms that the kernels do not know: gather with the gradients of learned connections."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads, of_slots, passing, table_of


def read_rows(x: Tensor, reads: Reads) -> Tensor:
    """The inputs of every instance, `(W, n, B)`, from `x` `(F, B)`.

    They are the fold of one shared table of rank 1, "pass input 0", with a LUT for each slot: learned connections get
    gradients by the rules that they have in every layer.
    """
    rows = ops.fold(x, passing(x), of_slots(reads))
    return rows.reshape(*reads.inputs.shape, -1)


def of_instances(weight: Tensor, reads: Reads) -> Tensor:
    """The weights `(W, num_weights)` of every instance, from those of every table."""
    return weight if reads.table_ptr is None else ops.to_places(weight, table_of(reads).int())
