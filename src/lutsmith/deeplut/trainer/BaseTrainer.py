# ruff: noqa: N999 - the path is DeepLUT's
"""The base of trainers: the tables of a layer as weights, and the values that they stand for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.deeplut.initializer.Memorize import Memorize
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.kernels.training.reads import MAX_RANK
from lutsmith.nn.neurons.lut_sum import ZEROS


class BaseTrainer(nn.Module):
    """Tables as weights. A trainer of your own is a subclass with a `forward`, from `(..., tables_count * k)` inputs to
    `(N, tables_count)` values of the LUTs.

    Args:
        tables_count: LUTs.
        k: inputs of a LUT, 1 to 8.
        binarization_level: above 0, weights and inputs are signs; else real numbers. (DeepLUT's documentation has
            levels 1 to 3; its code does what is said here.)
        input_expanded: whether LUTs read all their inputs; else a LUT is its first input times entry 0.
        device: of the parameters.
        zeros: `"exact"`, DeepLUT's third symbol, or `"bit"`: a zero is -1.

    Parameters: `weight`, float32 `(tables_count, 2**k)`, drawn like those of `nn.Linear`; input 0 is the most
    significant bit of an entry's number.

    Raises:
        TypeError, ValueError: impossible sizes.
    """

    def __init__(
        self,
        tables_count: int,
        k: int,
        binarization_level: int = 1,
        input_expanded: bool = True,
        device: Any = None,
        *,
        zeros: str = "exact",
    ) -> None:
        super().__init__()
        self.tables_count = whole_number("tables_count", tables_count, 1)
        self.k = whole_number("k", k, 1, MAX_RANK, what="the inputs of a LUT")
        self.kk = 1 << k
        self.zeros = one_of("zeros", zeros, ZEROS)
        self.binarization_level, self.input_expanded = binarization_level, bool(input_expanded)
        self.initializer: Any = None
        self.weight = nn.Parameter(torch.empty(tables_count, self.kk, device=device))
        nn.init.uniform_(self.weight, -(2.0 ** (-k / 2)), 2.0 ** (-k / 2))
        self._mark()

    def _mark(self) -> None:
        self.weight.latent = True  # type: ignore[attr-defined] # OptimWrapper keeps these from -1 to 1

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._mark()  # copies of a parameter have no attributes

    @property
    def binary(self) -> bool:
        """Whether weights and inputs are signs."""
        return self.binarization_level > 0

    def set_binarization_level(self, level: int) -> None:
        """Train with signs (above 0) or real numbers from now on."""
        self.binarization_level = level

    def set_input_expanded(self, expanded: bool) -> None:
        """Read all inputs from now on, or only the first one.

        When a trainer that read only the first input is expanded, its tables are set to the function that it had
        learned, so that nothing is lost.
        """
        self.input_expanded = bool(expanded)

    def set_initializer(self, initializer: Any) -> None:
        """Use a `Memorize` or the like as initialiser."""
        self.initializer = initializer

    def set_memorize_as_initializer(self) -> None:
        """Use a `Memorize` as initialiser."""
        self.initializer = Memorize(self.tables_count, self.k, self.kk, self.weight.device)

    def clear_initializion(self) -> None:
        """Start counting anew, with a `Memorize` if no initialiser was chosen."""
        if self.initializer is None:
            self.set_memorize_as_initializer()
        self.initializer.clear()

    def update_initialized_weights(self) -> None:
        """Take over the weights that follow from the initialiser's counts.

        Raises:
            RuntimeError: nothing was counted.
        """
        if self.initializer is None:
            raise RuntimeError(
                "no initialiser has counted: call pre_initialize() and forward(..., initalize=True) first"
            )
        with torch.no_grad():
            self.weight.copy_(self.initializer.update_luts_weights())

    def update_counter(self, x: Tensor, targets: Any) -> None:
        """Count a batch of what the LUTs read, `(..., tables_count * k)`."""
        if self.initializer is None:
            self.clear_initializion()
        self.initializer.update_counter(x.reshape(-1, self.tables_count * self.k), targets)

    def extra_repr(self) -> str:
        return f"tables_count={self.tables_count}, k={self.k}, binarization_level={self.binarization_level}"
