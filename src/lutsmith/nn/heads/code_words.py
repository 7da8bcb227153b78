"""Code words for classes: bit strings that are far from each other."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.encodings import code_words as words_without_torch


def code_words(k: int, length: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw k distinct code words of `length` bits, bool `(k, length)`: `encodings.code_words.drawn_words` says how.

    Raises:
        ValueError: words too short to distinguish k classes.
    """

    def permutation(count: int) -> NDArray[np.int64]:
        drawn: NDArray[np.int64] = torch.randperm(count, generator=generator).numpy()
        return drawn

    return torch.from_numpy(words_without_torch.drawn_words(k, length, permutation))


def min_distance(words: Tensor) -> int:
    """The least number of bits in which two of the words, bool `(k, length)`, differ; the length where k is 1."""
    return words_without_torch.min_distance(words.cpu().numpy())
