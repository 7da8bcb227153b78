"""Categories: a wire for each value seen, and none for what was never seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lutsmith.encodings import codes
from lutsmith.encodings.codes import MAX_ONE_HOT_BITS
from lutsmith.encodings.thresholds import category_edges, most_frequent
from lutsmith.nn.encoders.codes import CodeEncoder
from lutsmith.nn.encoders.gathering import gather, value_range

if TYPE_CHECKING:
    from typing import Self


class Categorical(CodeEncoder):
    """One-hot of the values seen: bit k is 1 where the feature has its k-th smallest. NaN and other values are all 0.

    Values are compared for equality. Where all values of a feature are integers (codes of categories), a number counts
    as the nearest one, halves as the lower: neighbouring codes then share a comparator, so that V values take V + 1
    comparators instead of 2 V.

    Categories have no scale. `fitted_range` therefore says that low equals high: there is no warning about values
    outside, and word lengths (`circuit.word_length`) leave the thresholds alone.

    Args:
        num_bits: the wires of a feature, 1 to 1,024. A feature with more values keeps the most frequent ones, and of
            equally frequent ones the lower. In a feature with fewer, the last wires are always 0. Default: the largest
            number of values that any feature has.
        encode_axis: see `Encoder`.

    Buffers: besides those of `Encoder`, `categories`, float32 `(*feature_shape, z)`: the values, ascending, then NaN.
    """

    categories: Tensor

    def __init__(self, num_bits: int | None = None, *, encode_axis: int = 1) -> None:
        super().__init__(1 if num_bits is None else num_bits, encode_axis=encode_axis)
        self.limit = num_bits
        self.register_buffer("categories", torch.empty(0))

    @classmethod
    def _bit_limits(cls) -> tuple[int, int]:
        return 1, MAX_ONE_HOT_BITS

    def _table(self) -> Tensor:
        return torch.from_numpy(codes.categories(codes.one_hot(self.num_bits)))

    def fit(self, x: Any, *, seed: int = 0) -> Self:
        """Set the categories from data, as `Encoder.fit`; returns self.

        Raises:
            TypeError, ValueError: as there, or a feature with more than 1,024 values and `num_bits` not given.
        """
        data = gather(x, seed)
        value_range(data)  # refuses infinite values and features without any
        values = [most_frequent(column, self.limit) for column in data.reshape(len(data), -1).T]
        most = max(len(column) for column in values)
        if most > MAX_ONE_HOT_BITS:
            raise ValueError(
                f"a feature has {most} values, more than {MAX_ONE_HOT_BITS} categories: encode it as a number, or give "
                "num_bits to keep the most frequent"
            )
        self._resize(most if self.limit is None else self.limit)
        table = np.full((len(values), self.num_bits), np.nan, np.float32)
        for row, column in zip(table, values, strict=True):
            row[: len(column)] = column
        self.categories = torch.from_numpy(table).reshape(*data.shape[1:], self.num_bits).to(self.thresholds.device)
        return super().fit(data, seed=seed)

    def _fitted_thresholds(self, columns: NDArray[Any]) -> Tensor:
        values = self.categories.reshape(columns.shape[1], self.num_bits).cpu().numpy()
        return torch.from_numpy(category_edges(values))

    def _resize(self, num_bits: int) -> None:
        self.num_bits = num_bits
        self._set_code(self._table())

    @property
    def fitted_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest category of each feature, twice: categories have no range."""
        low, _ = super().fitted_range
        return low, low

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "categories")
        if self.limit is None and isinstance(saved, Tensor) and saved.numel():
            self._resize(saved.shape[-1])
        super()._load_from_state_dict(state_dict, prefix, *args)
