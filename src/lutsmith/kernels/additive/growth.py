"""Growing a LUT on packed rows: 64 candidates at a time, by one masked addition of vectors a sample.

Bits are uint64 (F, W), bit b of word w of a row is that of sample 64 w + b. The bits of 64 candidates are transposed,
64 samples at a time, so that a sample has them side by side in one word. That word is the mask under which the sample's
gain is added to 64 sums, one a candidate, at the address that the sample has so far (256 bytes an address, all of them
in the first-level cache). So a slot of 64 candidates costs four vector additions a sample, where counting one candidate
after the other costs 64 scattered ones. Samples without a gain are left out; later in training these are most.

A LUT is grown by one call, outside of Python's lock: threads grow LUTs of different votes beside each other, each with
a `Grower` of its own, and wait for nobody. Sums are integers, which any order adds up alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from lutsmith.kernels.additive.closure import best_unate
from lutsmith.kernels.additive.naive import Grown
from lutsmith.kernels.compiler import kernel

LANES = 64
"""Candidates of a word."""

MOST = 2**31 - 1
"""What the gains of all samples may add up to, without their signs: sums are int32."""

MAX_RANK = 8
COMPILING = "compiling the kernels of additive learning, once per machine, about 3 s"

_SOURCES = (str(Path(__file__).with_name("closure.py")),)
"""Whose code is compiled into what picks."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_SIXTEEN = ir.VectorType(_I32, 16)
_MASK = ir.VectorType(ir.IntType(1), 16)


@extending.intrinsic
def _add_masked(typing_context: Any, address: Any, mask: Any, gain: Any) -> Any:
    """Add `gain` to those of the 64 int32 at an address (a multiple of 64) whose bits of the mask are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, mask, gain = arguments
        single = builder.insert_element(ir.Constant(_SIXTEEN, ir.Undefined), gain, _I32(0))
        gains = builder.shuffle_vector(single, single, ir.Constant(_SIXTEEN, [0] * 16))
        for part in range(4):
            place = builder.inttoptr(builder.add(address, _I64(64 * part)), _SIXTEEN.as_pointer())
            before = builder.load(place, align=64)
            wanted = builder.bitcast(builder.trunc(builder.lshr(mask, _I64(16 * part)), ir.IntType(16)), _MASK)
            builder.store(builder.select(wanted, builder.add(before, gains), before), place, align=64)
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64, types.int32), generate


@kernel()
def _gather(bits: Any, gains: Any, candidates: Any, words: Any, kept: Any) -> int:
    """Write the gains that are not 0 to `kept` and their samples' words to `words` (groups, N); return how many."""
    square = np.empty(64, np.uint64)
    one, count = np.uint64(1), 0
    for begin in range(0, gains.size, 64):
        wanted, here = np.uint64(0), count
        most = min(64, gains.size - begin)
        for bit in range(most):
            if gains[begin + bit] != 0:
                wanted |= one << np.uint64(bit)
                kept[count] = gains[begin + bit]
                count += 1
        if wanted == np.uint64(0):
            continue
        for group in range(len(words)):
            for lane in range(64):
                square[lane] = bits[candidates[64 * group + lane], begin >> 6]
            step, mask = 32, np.uint64(0x00000000FFFFFFFF)
            while step:  # swaps ever smaller squares across the diagonal
                lane = 0
                while lane < 64:
                    swap = ((square[lane] >> np.uint64(step)) ^ square[lane + step]) & mask
                    square[lane] ^= swap << np.uint64(step)
                    square[lane + step] ^= swap
                    lane = (lane + step + 1) & ~step
                step >>= 1
                mask ^= mask << np.uint64(step)
            place = here
            for bit in range(most):
                if wanted >> np.uint64(bit) & one:
                    words[group, place] = square[bit]
                    place += 1
    return count


@kernel()
def _count(words: Any, kept: Any, places: Any, count: int, slot: int, address: int, sums: Any, totals: Any) -> None:
    """Fill in the sums of all candidates at the 2**slot addresses that samples have so far, and the totals there."""
    totals[: 1 << slot] = 0
    for sample in range(count):
        totals[places[sample]] += kept[sample]
    for group in range(len(words)):
        sums[group, : 1 << slot] = 0
        base = address + np.int64(group) * sums[0].size * 4
        for sample in range(count):
            _add_masked(base + (np.int64(places[sample]) << 8), words[group, sample], kept[sample])


@kernel(sources=_SOURCES)
def _unate_gain(high: Any, totals: Any, slot: int, unate: Any, picks: Any, pick: int) -> Any:
    """What a LUT gains that reads the picks before a slot and a candidate there, with sums `high` where it is 1."""
    weights, masks = np.empty(2 << slot, np.int64), np.empty(slot + 1, np.uint8)
    for place in range(1 << slot):
        weights[place] = totals[place] - high[place]
        weights[place + (1 << slot)] = high[place]
    for before in range(slot):
        masks[before] = unate[picks[before]]
    masks[slot] = unate[pick]
    return best_unate(weights, masks, np.empty(2 << slot, np.bool_))


@kernel(sources=_SOURCES)
def _pick(sums: Any, totals: Any, free: Any, slot: int, unate: Any, picks: Any) -> Any:
    """The free candidate with the largest gain, the first of equals, and its gain. `unate` has a mask for each, or is
    empty: what a table gains that may be anything is no less, so that few of the others are computed.
    """
    best, pick = np.int64(-1), -1
    gains = np.empty(64, np.int64)
    for group in range(len(sums)):
        gains[:] = 0
        for place in range(1 << slot):
            for lane in range(64):
                high = np.int64(sums[group, place, lane])
                low = totals[place] - high
                gains[lane] += (high if high > 0 else 0) + (low if low > 0 else 0)
        for lane in range(64):
            candidate = group * 64 + lane
            if free[candidate] and gains[lane] > best:
                if unate.size:
                    gains[lane] = _unate_gain(sums[group, :, lane], totals, slot, unate, picks, candidate)
                if gains[lane] > best:
                    best, pick = gains[lane], candidate
    return pick, best


@kernel()
def _read(words: Any, pick: int, count: int, slot: int, places: Any) -> None:
    """Let the addresses have a candidate's bit at a slot where they have none yet."""
    row = words[pick >> 6]
    for sample in range(count):
        bit = row[sample] >> np.uint64(pick & 63) & np.uint64(1)
        places[sample] |= np.uint8(bit << np.uint64(slot))


@kernel(COMPILING, sources=_SOURCES)
def _grow(bits: Any, gains: Any, candidates: Any, free: Any, room: Any, address: int, sums: Any, totals: Any,
          picks: Any, known: int, pairs: int, exchanges: int, unate: Any) -> None:  # fmt: skip
    """Fill in `picks`, of which the first `known` are there, and `totals`; `address` is that of `sums`, `room` is
    memory for words, gains and places.
    """
    words, kept, places = room
    count = _gather(bits, gains, candidates, words, kept)
    places[:count] = 0
    for slot in range(known):
        free[picks[slot]] = False
        _read(words, picks[slot], count, slot, places)
    rank, most, tried = picks.size, np.int64(-1), np.empty(1, np.int64)
    if known == 0 and rank > 1:
        for first in range(min(pairs, free.size)):
            if free[first]:
                places[:count] = 0
                _read(words, first, count, 0, places)
                _count(words, kept, places, count, 1, address, sums, totals)
                free[first] = False
                tried[0] = first
                second, gain = _pick(sums, totals, free, 1, unate, tried)
                free[first] = True
                if gain > most:
                    most, picks[0], picks[1] = gain, first, second
        if most >= 0:
            known = 2
            places[:count] = 0
            for slot in range(2):
                free[picks[slot]] = False
                _read(words, picks[slot], count, slot, places)
    for step in range(known, rank + exchanges):
        slot = min(step, rank - 1)
        if step >= rank:  # the first input leaves, and may come again as the last
            free[picks[0]] = True
            for sample in range(count):
                places[sample] >>= 1
            for before in range(rank - 1):
                picks[before] = picks[before + 1]
        _count(words, kept, places, count, slot, address, sums, totals)
        pick = _pick(sums, totals, free, slot, unate, picks)[0]
        free[pick] = False
        picks[slot] = pick
        _read(words, pick, count, slot, places)
    totals[:] = 0
    for sample in range(count):
        totals[places[sample]] += kept[sample]


class Grower:
    """Grows LUTs on samples of one number, with memory that is taken once. One thread may call it at a time.

    Args:
        samples: N, 1 to 2**31 - 1.
        candidates: K, how many are given each time, a multiple of 64.
        rank: n, the inputs of a LUT, 1 to 8.

    Raises:
        ValueError: no such number.
    """

    def __init__(self, samples: int, candidates: int, rank: int) -> None:
        if not 1 <= samples <= MOST:
            raise ValueError(f"samples is {samples}; expected 1 to {MOST}")
        if candidates < LANES or candidates % LANES:
            raise ValueError(f"candidates is {candidates}; expected a multiple of {LANES}")
        if not 1 <= rank <= MAX_RANK:
            raise ValueError(f"rank is {rank}; expected 1 to {MAX_RANK}")
        self.samples, self.candidates, self.rank = samples, candidates, rank
        groups = candidates // LANES
        words = np.empty((groups, samples), np.uint64)
        self._room = words, np.empty(samples, np.int32), np.empty(samples, np.uint8)
        size = groups * LANES * 4 << rank - 1
        memory = np.empty(size + 64, np.uint8)  # the view keeps it
        start = -memory.ctypes.data % 64
        self._sums = memory[start : start + size].view(np.int32).reshape(groups, -1, LANES)
        self._totals = np.zeros(1 << rank, np.int64)

    def grow(
        self,
        bits: NDArray[np.uint64],
        gains: NDArray[np.int32],
        candidates: NDArray[np.int32],
        *,
        known: int = 0,
        pairs: int = 0,
        exchanges: int = 0,
        unate: NDArray[np.uint8] | None = None,
    ) -> Grown:
        """Return what `naive.grow` returns.

        Args:
            bits: (F, W), C-contiguous, W words for N samples or more; what stands beyond sample N is not read.
            gains: (N,); the sum of their absolute values is at most `MOST`.
            candidates: (K,), rows of `bits`; repeated ones are one.
            known: so many inputs there are already: the first candidates, all different.
            pairs: so many of the candidates are tried as first input with each second one.
            exchanges: how often, once the LUT is there, its first input leaves for the best candidate.
            unate: (K,), how the table may depend on each candidate, alike for repeated ones; None: anyhow.

        Raises:
            TypeError, ValueError: arrays that are none of these, or fewer than `rank` different candidates.
        """
        self._check(bits, gains, candidates)
        free = np.zeros(self.candidates, np.bool_)
        free[np.unique(candidates, return_index=True)[1]] = True
        if np.count_nonzero(free) < self.rank:
            raise ValueError(f"{np.count_nonzero(free)} different candidates; expected at least the rank, {self.rank}")
        if not 0 <= known <= self.rank or not free[:known].all():
            raise ValueError(f"known is {known}; expected 0 to {self.rank} different candidates at the front")
        masks = np.zeros(0, np.uint8) if unate is None else unate
        if masks.dtype != np.uint8 or masks.shape not in ((0,), candidates.shape):
            raise ValueError(f"unate is {masks.dtype} {masks.shape}; expected uint8 {candidates.shape}")
        picks = np.arange(self.rank)
        address = self._sums.ctypes.data
        _grow(bits, gains, candidates, free, self._room, address, self._sums, self._totals, picks, known, pairs,
              exchanges, masks)  # fmt: skip
        return Grown(candidates[picks], self._totals.copy())

    def _check(self, bits: NDArray[Any], gains: NDArray[Any], candidates: NDArray[Any]) -> None:
        wanted = (("bits", bits, np.uint64), ("gains", gains, np.int32), ("candidates", candidates, np.int32))
        for name, array, dtype in wanted:
            if array.dtype != dtype or not array.flags.c_contiguous:
                raise TypeError(f"{name} is {array.dtype}; expected {np.dtype(dtype)}, C-contiguous")
        if bits.ndim != 2 or 64 * bits.shape[1] < self.samples:
            raise ValueError(f"bits has shape {bits.shape}; expected (F, {-(-self.samples // 64)}) or more words")
        if gains.shape != (self.samples,):
            raise ValueError(f"gains has shape {gains.shape}; expected ({self.samples},)")
        if candidates.shape != (self.candidates,):
            raise ValueError(f"candidates has shape {candidates.shape}; expected ({self.candidates},)")
        if candidates.min() < 0 or candidates.max() >= len(bits):
            raise ValueError(
                f"candidates are {candidates.min()} to {candidates.max()}; expected rows 0 to {len(bits) - 1}"
            )
        if np.abs(gains, dtype=np.int64).sum() > MOST:
            raise ValueError(f"the gains add up to more than {MOST} without their signs: scale them down")
