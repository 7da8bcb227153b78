"""What samples show of a network of LUTs: the addresses that they read, and a fingerprint of each signal.

Values are rows of bits, 64 samples a word, 1,024 samples a block.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the watcher of data, once per machine, about 3 s"


@kernel(COMPILING)
def watch(values: Any, samples: int, fanin: Any, fanin_ptr: Any, seen: Any) -> None:
    """Add the addresses at which samples read each table to `seen`.

    Args:
        values: uint64 (signals + 1, W), bit b of word w of a row is sample 64 w + b.
        samples: how many there are, at most 64 W.
        fanin: int32, the signals that nodes read, node after node.
        fanin_ptr: int64 (N+1,), node i reads fanin[fanin_ptr[i]:fanin_ptr[i+1]].
        seen: uint64 (N,), bit a is set where a sample has address a.
    """
    here, found = np.empty(64, np.uint64), np.empty(64, np.uint64)
    zero, one = np.uint64(0), np.uint64(1)
    words = (samples + 63) // 64
    last = ~zero if samples % 64 == 0 else (one << np.uint64(samples % 64)) - one
    for node in range(len(seen)):
        start = fanin_ptr[node]
        rank = fanin_ptr[node + 1] - start
        size = 1 << rank
        if seen[node] == ~zero >> np.uint64(64 - size):
            continue
        found[:size] = zero
        for w in range(words):
            here[0] = ~zero if w < words - 1 else last
            for j in range(rank):
                x, half = values[fanin[start + j], w], 1 << j
                for a in range(half):
                    here[half + a] = here[a] & x
                    here[a] &= ~x
            for a in range(size):
                found[a] |= here[a]
        addresses = zero
        for a in range(size):
            addresses |= np.uint64(found[a] != zero) << np.uint64(a)
        seen[node] |= addresses


@kernel(COMPILING)
def fingerprint(values: Any, samples: int, flips: Any, prints: Any) -> None:
    """Add samples to the fingerprint of each signal.

    Args:
        values: uint64 (signals + 1, W), as for `watch`.
        samples: how many there are.
        flips: uint64 (signals + 1,), what values are XORed with: all ones or 0.
        prints: uint64 (signals + 1, 2), a fingerprint of 128 bits of all samples so far.
    """
    words = (samples + 63) // 64
    last = ~np.uint64(0) if samples % 64 == 0 else (np.uint64(1) << np.uint64(samples % 64)) - np.uint64(1)
    for signal in range(len(values)):
        low, high = prints[signal, 0], prints[signal, 1]
        for w in range(words):
            word = values[signal, w] ^ flips[signal]
            if w == words - 1:
                word &= last
            low = (low ^ word) * np.uint64(0x9E3779B97F4A7C15)
            low ^= low >> np.uint64(32)
            high = (high ^ word ^ (word >> np.uint64(31))) * np.uint64(0xC2B2AE3D27D4EB4F)
            high ^= high >> np.uint64(29)
        prints[signal, 0], prints[signal, 1] = low, high
