"""A network of LUTs on samples, 64 a word: the value of each signal, a fingerprint of it, and the addresses seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.kernels.compiler import kernel

COMPILING = "compiling the watcher of data, once per machine, about 3 s"


@kernel(COMPILING)
def watch(values: Any, valid: Any, reads: Any, words: Any, first: int, seen: Any, prints: Any, flips: Any) -> None:
    """Evaluate the nodes on a block of samples, and add what it shows to `seen` and `prints`.

    Args:
        values: uint64 (signals + 1, W), bit b of word w of a row is sample 64 w + b; the rows of inputs and the last
            row, the constant 0, are given, those of nodes are written.
        valid: uint64 (W,), the samples that count; other bits of `values` may be anything.
        reads: int32 (N, 6), the signals that nodes read, -1 where none; nodes in topological order.
        words: uint64 (N,), tables of six inputs that do not depend on unused ones.
        first: the signal of node 0.
        seen: uint64 (N,), bit a is set where a sample has address a; unused inputs are 0.
        prints: uint64 (signals + 1, 2), a fingerprint of 128 bits of all samples so far.
        flips: uint64 (signals + 1,), what values are XORed with before they enter a fingerprint: all ones or 0.
    """
    here = np.empty(64, np.uint64)
    zero, one = np.uint64(0), np.uint64(1)
    for node in range(len(reads)):
        table = words[node]
        rank = 0
        for j in range(6):
            if reads[node, j] >= 0:
                rank = j + 1
        for w in range(valid.size):
            here[0] = valid[w]
            for j in range(rank):
                half = 1 << j
                x = values[reads[node, j], w] if reads[node, j] >= 0 else zero
                for a in range(half):
                    here[half + a] = here[a] & x
                    here[a] &= ~x
            value = zero
            addresses = zero
            for a in range(1 << rank):
                bit = one << np.uint64(a)
                if here[a] != zero:
                    addresses |= bit
                    if table & bit:
                        value |= here[a]
            values[first + node, w] = value
            seen[node] |= addresses
    for signal in range(len(values)):
        low, high = prints[signal, 0], prints[signal, 1]
        for w in range(valid.size):
            word = (values[signal, w] ^ flips[signal]) & valid[w]
            low = (low ^ word) * np.uint64(0x9E3779B97F4A7C15)
            low ^= low >> np.uint64(32)
            high = (high ^ word ^ (word >> np.uint64(31))) * np.uint64(0xC2B2AE3D27D4EB4F)
            high ^= high >> np.uint64(29)
        prints[signal, 0], prints[signal, 1] = low, high
