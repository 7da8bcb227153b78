"""Code words for classes: bit strings that are far from each other."""

from __future__ import annotations

import torch
from torch import Tensor

DRAWS = 64
"""Sets of columns that are tried for the bits that do not fill a Hadamard matrix."""


def code_words(k: int, length: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw k distinct code words of `length` bits, bool `(k, length)`, with a large minimum distance.

    Class c has a number of m = ceil(log2 k) bits, and each bit of its word is the parity of some of them: a row of
    Sylvester's Hadamard matrix of order 2**m without its constant column. Any two rows of it differ in exactly half of
    the order. Whole matrices are laid side by side; for the columns left over the best of 64 draws is taken. Words of
    length below 2**m hold the number itself, so that they differ.

    Raises:
        ValueError: words too short to tell k classes apart.
    """
    num_bits = max(1, (k - 1).bit_length())
    if length < num_bits:
        raise ValueError(f"{k} classes need code words of at least {num_bits} bits; got length={length}")
    order = 1 << num_bits
    numbers = torch.randperm(order, generator=generator)[:k]
    whole, rest = divmod(length, order - 1)
    every = torch.arange(1, order)
    tail = every[:0]
    if rest:
        units = 1 << torch.arange(num_bits) if not whole else every[:0]
        others = every[~torch.isin(every, units)]
        best = -1
        for _ in range(max(1, min(DRAWS, (1 << 25) // (order * rest)))):
            drawn = torch.randperm(len(others), generator=generator)[: rest - len(units)]
            columns = torch.cat([units, others[drawn]])
            distance = int(_parities(every, columns).sum(1).min())  # of any two words: that of their sum from zero
            if distance > best:
                best, tail = distance, columns
    columns = torch.cat([every] * whole + [tail])
    return _parities(numbers, columns[torch.randperm(length, generator=generator)])


def min_distance(words: Tensor) -> int:
    """The least number of bits in which two of the words, bool `(k, length)`, differ; the length where k is 1."""
    signs = words.float() * 2 - 1
    length = words.shape[1]
    distances = (length - signs @ signs.t()) / 2
    return int(distances.fill_diagonal_(length).min())


def _parities(numbers: Tensor, columns: Tensor) -> Tensor:
    """Whether each number and each column have an odd number of bits in common, bool `(numbers, columns)`."""
    common = numbers.unsqueeze(1) & columns
    for shift in (32, 16, 8, 4, 2, 1):
        common = common ^ (common >> shift)
    return (common & 1).bool()
