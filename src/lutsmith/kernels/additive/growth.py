"""Growing a LUT on packed rows: 64 candidates at a time, by one masked addition of vectors a sample.

Bits are uint64 (F, W), bit b of word w of a row is that of sample 64 w + b. The bits of 64 candidates are transposed,
64 samples at a time, so that a sample has them side by side in one word. That word is the mask under which the sample's
gain is added to 64 sums, one a candidate, at the address that the sample has so far (256 bytes an address, all of them
in the first-level cache). So a slot of 64 candidates costs four vector additions a sample, where counting one candidate
after the other costs 64 scattered ones. Samples without a gain are left out; later in training these are most.

The work is cut into parts of PART samples; sums are integers, which any order adds up alike: neither the number of
threads nor the cut changes a result.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numpy.typing import NDArray

from lutsmith.kernels import threads
from lutsmith.kernels.additive.naive import Grown
from lutsmith.kernels.compiler import callback, kernel, say
from lutsmith.kernels.vectors import i32, i64, u8, u64

LANES = 64
"""Candidates of a word."""

PART = 1 << 13
"""Samples of a part: their words fit the second-level cache."""

MOST = 2**31 - 1
"""What the gains of all samples may add up to, without their signs: sums are int32."""

MAX_RANK = 8

_FIELDS = 16
(_BITS, _STRIDE, _SAMPLES, _CANDIDATES, _GROUPS, _SLOT, _RANK, _PICK, _GAINS, _WORDS, _KEPT, _PLACES, _COUNTS, _SUMS,
 _TOTALS, _WIDE) = range(_FIELDS)  # fmt: skip

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


def _part(address: Any, part: Any) -> None:
    """One slot of one part: find the samples' words (slot 0) or add the picked input to their addresses; then add up
    their gains by address and candidate, or for the last time by address alone.
    """
    fields = i64(address)
    groups, slot, rank = fields[_GROUPS], fields[_SLOT], fields[_RANK]
    first = part * PART
    samples = min(fields[_SAMPLES] - first, PART)
    kept, places, counts = i32(fields[_KEPT] + 4 * first), u8(fields[_PLACES] + first), i32(fields[_COUNTS])
    every = fields[_SAMPLES]
    if slot == 0:
        bits, stride, candidates = u64(fields[_BITS]), fields[_STRIDE], i32(fields[_CANDIDATES])
        gains = i32(fields[_GAINS] + 4 * first)
        count, square = 0, np.empty(64, np.uint64)
        for sample in range(samples):
            places[sample] = 0
        for begin in range(0, samples, 64):
            word = (first + begin) >> 6
            wanted = np.uint64(0)
            most = min(64, samples - begin)
            here = count
            for bit in range(most):
                if gains[begin + bit] != 0:
                    wanted |= np.uint64(1) << np.uint64(bit)
                    kept[count] = gains[begin + bit]
                    count += 1
            if wanted == np.uint64(0):
                continue
            for group in range(groups):
                for lane in range(64):
                    square[lane] = bits[np.int64(candidates[64 * group + lane]) * stride + word]
                step, mask = 32, np.uint64(0x00000000FFFFFFFF)
                while step:
                    lane = 0
                    while lane < 64:
                        swap = ((square[lane] >> np.uint64(step)) ^ square[lane + step]) & mask
                        square[lane] ^= swap << np.uint64(step)
                        square[lane + step] ^= swap
                        lane = (lane + step + 1) & ~step
                    step >>= 1
                    mask ^= mask << np.uint64(step)
                words = u64(fields[_WORDS] + 8 * (group * every + first))
                place = here
                for bit in range(most):
                    if wanted >> np.uint64(bit) & np.uint64(1):
                        words[place] = square[bit]
                        place += 1
        counts[part] = count
    else:
        count = counts[part]
        group, picked = fields[_PICK] >> 6, np.uint64(fields[_PICK] & 63)
        words = u64(fields[_WORDS] + 8 * (group * every + first))
        shift = np.uint64(slot - 1)
        for sample in range(count):
            places[sample] |= np.uint8((words[sample] >> picked & np.uint64(1)) << shift)
    totals = i64(fields[_TOTALS] + 8 * part * 256)
    for place in range(1 << slot):
        totals[place] = 0
    for sample in range(count):
        totals[places[sample]] += kept[sample]
    if slot == rank:
        return
    size = np.int64(256) << slot
    for group in range(groups):
        words = u64(fields[_WORDS] + 8 * (group * every + first))
        base = fields[_SUMS] + part * fields[_WIDE] + group * size
        sums = i32(base)
        for entry in range(size >> 2):
            sums[entry] = 0
        for sample in range(count):
            _add_masked(base + (np.int64(places[sample]) << 8), words[sample], kept[sample])


@kernel()
def _pick(sums: Any, totals: Any, free: Any, slot: int, parts: int, groups: int) -> int:
    """The free candidate with the largest gain, the first of equals; sums are int32 (parts, groups 2**slot 64 ..)."""
    best, pick = np.int64(-1), -1
    gains = np.zeros(64, np.int64)
    for group in range(groups):
        gains[:] = 0
        for place in range(1 << slot):
            total = np.int64(0)
            for part in range(parts):
                total += totals[part, place]
            at = (group << slot | place) * 64
            for lane in range(64):
                high = np.int64(0)
                for part in range(parts):
                    high += sums[part, at + lane]
                low = total - high
                gains[lane] += (high if high > 0 else 0) + (low if low > 0 else 0)
        for lane in range(64):
            if free[group * 64 + lane] and gains[lane] > best:
                best, pick = gains[lane], group * 64 + lane
    return pick


@functools.cache
def _address() -> int:
    """The compiled `_part`."""
    told: list[None] = []

    def announce() -> None:
        if not told:
            told.append(None)
            say("compiling the kernels of additive learning, once per machine, about 3 s")

    return callback(_part, types.void(types.int64, types.int64), announce, error_model="numpy")


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
        if not 1 <= rank <= min(MAX_RANK, candidates):
            raise ValueError(f"rank is {rank}; expected 1 to {MAX_RANK}")
        self.samples, self.candidates, self.rank = samples, candidates, rank
        self._groups, self._parts = candidates // LANES, -(-samples // PART)
        self._wide = self._groups * 256 << rank - 1
        self._words = np.empty((self._groups, samples), np.uint64)
        self._kept, self._places = np.empty(samples, np.int32), np.empty(samples, np.uint8)
        self._counts = np.zeros(self._parts, np.int32)
        self._totals = np.zeros((self._parts, 256), np.int64)
        room = np.empty(self._parts * self._wide + 64, np.uint8)  # kept by the view
        start = -room.ctypes.data % 64
        self._sums = room[start : start + self._parts * self._wide].view(np.int32).reshape(self._parts, -1)
        self._fields = np.zeros(_FIELDS, np.int64)
        self._fields[[_SAMPLES, _GROUPS, _RANK, _WIDE]] = samples, self._groups, rank, self._wide
        for field, array in (
            (_WORDS, self._words),
            (_KEPT, self._kept),
            (_PLACES, self._places),
            (_COUNTS, self._counts),
            (_SUMS, self._sums),
            (_TOTALS, self._totals),
        ):
            self._fields[field] = array.ctypes.data

    def grow(self, bits: NDArray[np.uint64], gains: NDArray[np.int32], candidates: NDArray[np.int32]) -> Grown:
        """Return what `naive.grow` returns.

        Args:
            bits: (F, W), C-contiguous, W words for N samples or more; what stands beyond sample N is not read.
            gains: (N,); the sum of their absolute values is at most `MOST`.
            candidates: (K,), rows of `bits`; repeated ones are one.

        Raises:
            TypeError, ValueError: arrays that are none of these, or fewer than `rank` different candidates.
        """
        self._check(bits, gains, candidates)
        free = np.zeros(self.candidates, np.bool_)
        free[np.unique(candidates, return_index=True)[1]] = True
        if np.count_nonzero(free) < self.rank:
            raise ValueError(f"{np.count_nonzero(free)} different candidates; expected at least the rank, {self.rank}")
        fields, chosen = self._fields, np.empty(self.rank, np.int32)
        fields[[_BITS, _STRIDE, _GAINS, _CANDIDATES]] = (
            bits.ctypes.data, bits.shape[1], gains.ctypes.data, candidates.ctypes.data,
        )  # fmt: skip
        for slot in range(self.rank + 1):
            fields[_SLOT] = slot
            threads.run(_address(), fields.ctypes.data, self._parts)
            if slot < self.rank:
                pick = _pick(self._sums, self._totals, free, slot, self._parts, self._groups)
                fields[_PICK], free[pick], chosen[slot] = pick, False, candidates[pick]
        return Grown(chosen, self._totals[:, : 1 << self.rank].sum(axis=0))

    def _check(self, bits: NDArray[Any], gains: NDArray[Any], candidates: NDArray[Any]) -> None:
        for name, array, dtype in (("bits", bits, np.uint64), ("gains", gains, np.int32),
                                   ("candidates", candidates, np.int32)):  # fmt: skip
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
