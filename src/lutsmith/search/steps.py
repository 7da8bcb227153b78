"""Exact steps in one node: the entries of its table that lower the loss, and a better signal for one of its inputs.

A step counts where samples say so by more than chance: by `z` standard errors of their sum. What a table gains is
exact on the samples that there are, and would be so of noise as well.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.kernels.additive.growth import LANES, MOST, Grower
from lutsmith.search.followed import Effects, FollowedLoss, Rises


class Rewiring(NamedTuple):
    """Another signal for an input of a node, and the table that goes with it.

    Attributes:
        slot: which input.
        signal: what it reads from now on.
        table: the node's.
    """

    slot: int
    signal: int
    table: int


def better_entries(effects: Effects, z: float) -> NDArray[np.bool_]:
    """Return which entries lower the loss of all parts together, if they are inverted, by more than z standard errors.

    Args:
        effects: of the entries.
        z: at least 0.

    Returns:
        bool (2**rank,).
    """
    better: NDArray[np.bool_] = effects.sums.sum(axis=0) < -z * np.sqrt(effects.squares.sum(axis=0))
    return better


def flipped(table: int, entries: NDArray[np.bool_]) -> int:
    """Return a table with some of its entries inverted."""
    return table ^ word(entries)


def word(entries: NDArray[np.bool_]) -> int:
    """Return the entries of a table as a word, the first the least significant bit."""
    return sum(1 << entry for entry in np.flatnonzero(entries).tolist())


class Rewirer:
    """Looks for another signal for an input: one part of the samples chooses among candidates, the others accept.

    The candidates are scored in one pass (`kernels.additive.growth`), each with its own best table. A table says at an
    address what most samples say that the node was, unless their losses tell otherwise by more than z standard errors.

    Args:
        followed: the loss, on samples of two parts or more.
        z: standard errors, of entries and of what the other parts gain.
    """

    def __init__(self, followed: FollowedLoss, z: float) -> None:
        self._followed, self._z = followed, z
        self._growers: dict[tuple[int, int], Grower] = {}
        self._gains = np.empty(len(followed.evaluation.samples), np.int32)

    def better(
        self, node: int, signal: int, rises: Rises, slot: int, candidates: NDArray[np.int32], part: int
    ) -> Rewiring | None:
        """Return the best candidate in the place of an input; None where it gains nothing that counts.

        Args:
            node: of rank 1 or more.
            signal: its own.
            rises: of inverting it.
            slot: which input leaves.
            candidates: signals that it may read, none of which it does.
            part: the one that chooses.
        """
        evaluation = self._followed.evaluation
        reads = evaluation.reads(node)
        keep = np.delete(reads, slot)
        if len(np.unique(reads)) < len(reads) or not len(candidates):
            return None
        chosen = self._chosen(np.concatenate([keep, reads[[slot]], candidates]), len(reads), rises, signal, part)
        if chosen == reads[slot]:
            return None
        reads[slot] = chosen
        effects = self._followed.sums(np.append(reads, np.int32(signal)), rises)  # the node's own value on top
        said = self._followed.mostly(reads, signal)
        others = np.arange(self._followed.num_parts) != part
        rise, error = _risen(effects, self._table(effects, said, ~others), others)
        everywhere = others | True
        table = self._table(effects, said, everywhere)
        if rise >= -self._z * error or _risen(effects, table, everywhere)[0] >= 0:
            return None
        return Rewiring(slot, int(chosen), word(table))

    def _chosen(self, signals: NDArray[np.int32], rank: int, rises: Rises, own: int, part: int) -> int:
        """The signal that leads to the best table beside the first ones, which stay."""
        padded = -(-len(signals) // LANES) * LANES
        grower = self._growers.get((padded, rank))
        if grower is None:
            grower = self._growers[padded, rank] = Grower(len(self._gains), padded, rank)
        self._followed.gains(rises, own, part, MOST / 2, self._gains)
        places = np.arange(padded, dtype=np.int32)
        places[len(signals) :] = 0
        rows = self._followed.evaluation.rows(signals)
        return int(signals[grower.grow(rows, self._gains, places, known=rank - 1).inputs[-1]])

    def _table(self, effects: Effects, said: NDArray[np.bool_], parts: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The best table by some parts, bool (2**rank,): `effects` are by what the node said, and then by address."""
        zeros, ones = np.split(effects.sums[parts].sum(axis=0), 2)
        error = np.sqrt(sum(np.split(effects.squares[parts].sum(axis=0), 2)))
        gain = ones - zeros  # of being 1: what is lost where ones become 0, and won where zeros become 1
        return np.where(np.abs(gain) > self._z * error, gain > 0, said)


def _risen(effects: Effects, table: NDArray[np.bool_], parts: NDArray[np.bool_]) -> tuple[float, float]:
    """By how much the loss of some parts rises with a table, and the standard error of that."""
    changed = np.concatenate([table, ~table])  # where the node said 0, and where it said 1
    squares = float(effects.squares[parts][:, changed].sum())
    return float(effects.sums[parts][:, changed].sum()), squares**0.5
