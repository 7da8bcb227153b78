"""OutputCode: the class whose code word is nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from lutsmith.ground.arguments import whole_number
from lutsmith.nn.heads.base import ScoredHead, Tau, as_scores
from lutsmith.nn.heads.code_words import code_words as drawn
from lutsmith.nn.heads.code_words import min_distance
from lutsmith.nn.precision import without_autocast

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder


class OutputCode(ScoredHead):
    """Class scores as minus the Hamming distance of the inputs from the class's code word.

    The nearest word wins; if several tie, the lowest class of them. If there are g inputs for each bit of the words,
    every bit counts g times. In training the score is minus the sum of the distances |x - bit|, divided by tau.

    Args:
        k: classes.
        tau: see `GroupSum`; for `"auto"`, g is the number of all inputs.
        code_words: bits `(k, length)`, all words different; drawn by `code_words.code_words` where not given.
        length: bits of words to draw; default `in_dim`.
        in_dim: inputs, a multiple of the length.
        generator: source of the words and the permutation; None is torch's global one.
        **groups: `permute`, as for `GroupSum`.

    Buffers: `code_words`, bool `(k, length)`.

    Shapes: `(..., length * g)` to `(..., k)`, float32.

    Raises:
        ValueError: impossible sizes, words that are not bits or not different, or no length to draw words of.
    """

    code_words: Tensor

    def __init__(
        self,
        k: int,
        tau: Tau = "auto",
        code_words: Tensor | ArrayLike | None = None,
        *,
        length: int | None = None,
        in_dim: int | None = None,
        generator: torch.Generator | None = None,
        **groups: Any,
    ) -> None:
        k = whole_number("k", k, 1, what="the number of classes")
        if code_words is not None:
            words = _checked(code_words, k, length)
        else:
            size = in_dim if length is None else length
            if size is None:
                raise ValueError("code words are drawn for a length: pass length= or in_dim=, or the code_words")
            words = drawn(k, whole_number("length", size, 1, what="the bits of a code word"), generator)
        super().__init__(k, tau, words.shape[1], in_dim=in_dim, generator=generator, **groups)
        self.register_buffer("code_words", words)

    @property
    def min_distance(self) -> int:
        """The least number of bits in which two words differ; half as many wrong bits, less one, never matter."""
        return min_distance(self.code_words)

    def forward(self, x: Tensor) -> Tensor:
        counts = self.counts(x)
        width = x.shape[-1]
        dtype = counts.dtype if self.training else torch.float64
        weights, bias = self._affine(width // self.num_groups, dtype)
        with without_autocast(x):  # bfloat16 cannot count
            scores = functional.linear(counts.to(dtype), weights, bias)
        return self.divided(scores, width) if self.training else as_scores(scores, counts, width)

    def lower_head(self, builder: CircuitBuilder, signals: NDArray[np.int32]) -> None:
        """Make the groups of `signals` and the distances from the words the circuit's head."""
        weights, bias = self._affine(max(1, signals.shape[-1] // self.num_groups), torch.float64)
        self.lower_groups(builder, signals, weights=weights, bias=bias)

    def _affine(self, size: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """+-1 for each bit, and minus `size` for each one: a sum over them is minus the distance."""
        words = self.code_words.to(dtype)
        return words * 2 - 1, -size * words.sum(1)


def _checked(code_words: Tensor | ArrayLike, k: int, length: int | None) -> Tensor:
    words = torch.as_tensor(code_words)
    if words.ndim != 2 or len(words) != k or not words.shape[1] or length not in (None, words.shape[1]):
        wanted = "length" if length is None else length
        raise ValueError(f"code_words has shape {tuple(words.shape)}; expected ({k}, {wanted}), one word a class")
    if not ((words == 0) | (words == 1)).all():
        raise ValueError("code_words holds other values than 0 and 1")
    words = words.bool()
    if len(torch.unique(words, dim=0)) < k:
        raise ValueError("two classes have the same code word: only the lower one would ever be predicted")
    return words
