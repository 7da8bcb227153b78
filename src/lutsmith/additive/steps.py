"""One step of additive learning: LUTs are chosen beside each other, and filled in one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.fill import fill
from lutsmith.additive.monotone import Unate
from lutsmith.additive.network import VotingLut
from lutsmith.additive.rows import Rows
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.circuit.engine.workers import num_threads, share
from lutsmith.kernels.additive.growth import Grower
from lutsmith.kernels.additive.thinning import thin

Stream = tuple[int, ...]
"""What tells a step's random numbers from those of others."""


class Steps:
    """Steps on some rows: each LUT's inputs are chosen for the votes that there are, and its table with them.

    Args:
        settings: how to go about it.
        candidates: gives the inputs to choose from.
        unate: says which way tables may depend on them; None: anyhow.
    """

    def __init__(self, settings: AdditiveSettings, candidates: Candidates, unate: Unate | None = None) -> None:
        self.settings, self.candidates, self.unate = settings, candidates, unate
        self.exchanges, self.z = settings.exchanges or 0, settings.z or 0.0

    def grow(
        self,
        train: Rows,
        codes: Sequence[NDArray[np.int32]],
        stream: Stream,
        olds: Sequence[VotingLut | None] | None = None,
        readable: Sequence[NDArray[np.int64]] | None = None,
    ) -> list[VotingLut]:
        """Return LUTs for these codes and cast their votes.

        Their inputs are chosen beside each other, from the votes that there are now. Then each gets the table, and of
        several weights the one, that lowers the loss most with the votes of those before it: no LUT raises the loss.

        Args:
            train: the rows.
            codes: int32 (K,) each, of weight 1.
            stream: of random numbers.
            olds: LUTs that were there before: their inputs are exchanged one by one for better ones, after further
                ones where they have fewer than `rank`; or None: new.
            readable: for each, the LUTs that it may read.
        """
        before = [None] * len(codes) if olds is None else olds
        inputs: list[Any] = [None] * len(codes)
        settings = self.settings

        def work(take: Any) -> None:
            growers: dict[int, Grower] = {}
            while (place := take()) is not None:
                rng = np.random.default_rng([settings.seed, *stream, place])
                drawn = self.candidates.draw(rng, () if readable is None else readable[place])
                gains = train.votes.gains(codes[place])[0]
                thin(gains, settings.row_share or 1.0, int(rng.integers(2**62)))
                old = before[place]
                rank = int(rng.choice(settings.ranks)) if old is None else old.inputs.size
                if old is not None and len(settings.ranks) == 1:
                    rank = max(rank, settings.ranks[0])
                if rank not in growers:
                    growers[rank] = Grower(len(train), self.candidates.count, rank)
                inputs[place] = self._chosen(growers[rank], train, codes[place], gains, drawn, old)

        share(len(codes), min(num_threads(), len(codes)), work)
        found = []
        for code, chosen in zip(codes, inputs, strict=True):
            found.append(self._filled(train, code, chosen))
            train.cast(found[-1])
        return found

    def _chosen(
        self, grower: Grower, train: Rows, code: NDArray[np.int32], gains: NDArray[np.int32],
        drawn: NDArray[np.int32], old: VotingLut | None,
    ) -> NDArray[np.int32]:  # fmt: skip
        settings = self.settings
        if old is not None:
            drawn[: old.inputs.size] = old.inputs
        if np.unique(drawn).size < grower.rank:  # few bits: every one of them
            drawn = np.resize(np.arange(self.candidates.bits, dtype=np.int32), self.candidates.count)
            old = None
        how: dict[str, Any] = {"pairs": settings.pairs, "exchanges": self.exchanges}
        if old is not None:
            how = {"known": old.inputs.size, "exchanges": max(self.exchanges, grower.rank)}
        unate = None if self.unate is None else self.unate.of(code, drawn)
        return grower.grow(train.bits, gains, drawn, unate=unate, **how).inputs

    def _filled(self, train: Rows, code: NDArray[np.int32], inputs: NDArray[np.int32]) -> VotingLut:
        best, chosen = -1.0, None
        for weight in self.settings.weights:
            weighted = code * np.int32(weight)
            gains, unit = train.votes.gains(weighted)
            unate = None if self.unate is None else self.unate.of(weighted, inputs)
            table, gain = fill(train.bits, inputs, gains, self.z, unate)
            if gain / unit > best:
                best, chosen = gain / unit, VotingLut(weighted, inputs, table)
        assert chosen is not None
        return chosen
