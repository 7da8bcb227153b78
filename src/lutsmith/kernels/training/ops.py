"""All operations of training, as torch sees them."""

from __future__ import annotations

from lutsmith.kernels.training.best.operator import best
from lutsmith.kernels.training.choose.operator import choose
from lutsmith.kernels.training.encode.operator import encode
from lutsmith.kernels.training.fold.operator import fold
from lutsmith.kernels.training.fold_logistic.operator import fold_logistic
from lutsmith.kernels.training.fold_pooled.operator import fold_pooled
from lutsmith.kernels.training.gates.operator import gates
from lutsmith.kernels.training.group_sums.operator import group_sums
from lutsmith.kernels.training.logistic.operator import logistic
from lutsmith.kernels.training.lookup.operator import lookup
from lutsmith.kernels.training.lut_sums.naive import Neurons
from lutsmith.kernels.training.lut_sums.operator import lut_sums
from lutsmith.kernels.training.mix.operator import mix
from lutsmith.kernels.training.pool.operator import pool
from lutsmith.kernels.training.read_best.operator import read_best
from lutsmith.kernels.training.reads import Reads
from lutsmith.kernels.training.to_places.operator import to_places

__all__ = [
    "Neurons",
    "Reads",
    "best",
    "choose",
    "encode",
    "fold",
    "fold_logistic",
    "fold_pooled",
    "gates",
    "group_sums",
    "logistic",
    "lookup",
    "lut_sums",
    "mix",
    "pool",
    "read_best",
    "to_places",
]
