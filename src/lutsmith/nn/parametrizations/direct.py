"""Reading inputs for forms that the kernels do not know: gather with the gradients of learned connections."""

from __future__ import annotations

from torch import Tensor

from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads, of_slots, passing, table_of


def read_rows(x: Tensor, reads: Reads) -> Tensor:
    """The inputs of every instance, `(W, n, B)`, from `x` `(F, B)`.

    They are the fold of one shared table of rank 1, "pass input 0", with a LUT for each slot: learned connections get
    their gradients by the same rules as in every layer.
    """
    rows = ops.fold(x, passing(x), of_slots(reads))
    rows = rows.reshape(*reads.inputs.shape, reads.num_places, x.shape[1])
    return rows.transpose(1, 2).flatten(0, 1)


def of_instances(weight: Tensor, reads: Reads) -> Tensor:
    """The weights `(W, num_weights)` of every instance, from those of every table."""
    shared = reads.table_ptr is not None or reads.places is not None
    return ops.to_places(weight, table_of(reads).int()) if shared else weight
