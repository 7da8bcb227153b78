# ruff: noqa: N999 - the path is DeepLUT's
"""First tables: each entry is the bit that the target had more often when the entry was read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.nn.neurons.memorised import Counts, target_bits


class Memorize:
    """Exact counts of targets at each entry, over batches of any size; ties are broken at random.

    Source: S. Chatterjee, "Learning and Memorization", ICML 2018.

    Args:
        table_count: LUTs.
        k: inputs of a LUT.
        kk: entries of a table, 2**k.
        device: of the weights that `update_luts_weights` gives.

    Attributes:
        counter: int64 `(table_count, kk)`, how often the target was 1 minus how often it was 0; input 0 is the most
            significant bit of an entry's number.

    Raises:
        ValueError: kk is not 2**k.
    """

    def __init__(self, table_count: int, k: int, kk: int | None = None, device: Any = None) -> None:
        if kk is not None and kk != 1 << k:
            raise ValueError(f"kk is {kk} and k is {k}; expected 2**k = {1 << k} entries of a table")
        self.table_count, self.k, self.kk, self.device = table_count, k, 1 << k, device
        self.clear()

    def clear(self) -> None:
        """Start counting anew."""
        self._counts = Counts(self.table_count, self.k)

    @property
    def counter(self) -> Tensor:
        return torch.from_numpy(self._counts.counts[:, 1] - self._counts.counts[:, 0])

    def update_counter(self, x: Tensor, target: Any) -> None:
        """Count a batch.

        Args:
            x: what the LUTs read, `(B, table_count * k)` or `(B, table_count, k)`; a bit is 1 where x > 0.
            target: 0 and 1, `(B,)` for all LUTs, or `(B, m)` for runs of table_count / m LUTs each.

        Raises:
            ValueError: shapes that do not fit; targets that are not 0 and 1, such as class numbers (`memorise_sums` of
                `lutsmith.nn.neurons` takes those).
        """
        if x.numel() != len(x) * self.table_count * self.k:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (B, {self.table_count} * {self.k})")
        rows = np.arange(self.table_count * self.k, dtype=np.int32).reshape(self.table_count, self.k)
        self.count((x.detach().reshape(len(x), rows.size) > 0).cpu().numpy().T, rows[:, ::-1], target)

    def count(self, bits: NDArray[np.bool_], inputs: NDArray[np.int32], target: Any) -> None:
        """Count a batch of rows of bits `(F, B)`, where LUTs read the rows `inputs` `(table_count, k)`, the last one
        most significant.
        """
        asked = target_bits(target, bits.shape[1])
        if self.table_count % len(asked):
            raise ValueError(f"target is for {len(asked)} outputs; expected a divisor of {self.table_count} LUTs")
        runs = np.repeat(np.arange(len(asked)), self.table_count // len(asked))
        self._counts.add(bits, inputs, asked, runs)

    def update_luts_weights(self) -> Tensor:
        """The weights that follow from the counts, float32 -1 and 1 `(table_count, kk)`."""
        counter = self.counter
        drawn = 2 * torch.randint(2, counter.shape) - 1
        return torch.where(counter == 0, drawn, counter.sign()).float().to(self.device)
