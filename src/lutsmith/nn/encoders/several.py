"""Several encoders of the same samples, their bits one after the other: thresholds of pixels, and edges of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.ground.arguments import instance_of, one_of
from lutsmith.nn.encoders.base import Encoder
from lutsmith.nn.encoders.edges import PLACEMENTS, EdgeThermometer
from lutsmith.nn.encoders.gathering import gather

if TYPE_CHECKING:
    from lutsmith.circuit.circuit_builder import CircuitBuilder

Edges = int | Mapping[str, Any] | None
"""Thresholds of each difference, or further arguments of `EdgeThermometer`; None: there are none."""


class Several(nn.Module):
    """The bits of several encoders of the same samples, one encoder after the other along axis 1.

    Args:
        encoders: one at least, with `encode_axis` 1; fitted on samples of one shape, or to be fitted.

    Raises:
        TypeError, ValueError: something that is not an encoder, no encoders, or encoders that do not fit together.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        super().__init__()
        for each in encoders:
            instance_of("one of the encoders", each, Encoder)
        fitted = {each.feature_shape if each.is_fitted else None for each in encoders}
        if len(fitted) != 1 or any(each.encode_axis != 1 for each in encoders):
            raise ValueError(
                "expected encoders with encode_axis=1 that were fitted on samples of one shape, or not yet"
            )
        self.encoders = nn.ModuleList(encoders)

    def fit(self, x: Any, *, seed: int = 0) -> Self:
        """Fit all of them; arguments and errors are those of `Encoder.fit`. Returns self."""
        data = gather(x, seed)
        for each in self.parts:
            each.fit(data, seed=seed)
        return self

    @property
    def parts(self) -> list[Encoder]:
        """The encoders."""
        return [each for each in self.encoders if isinstance(each, Encoder)]

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` was called or a fitted state was loaded."""
        return all(each.is_fitted for each in self.parts)

    @property
    def num_bits(self) -> int:
        """The bits of a feature, of encoders that give each feature bits of its own."""
        return sum(each.num_bits for each in self.parts)

    @property
    def feature_shape(self) -> tuple[int, ...]:
        """The shape of one sample; RuntimeError if the encoders are not fitted."""
        return self.parts[0].feature_shape

    @property
    def fitted_range(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The lowest and highest value of each feature of the fitting data, `(F,)` each."""
        return self.parts[0].fitted_range

    @property
    def usable(self) -> Tensor:
        """Bool, shape of one encoded sample: False where a bit is always the same."""
        return torch.cat([each.usable for each in self.parts])

    @property
    def num_wasted(self) -> int:
        """The outputs that are always the same."""
        return sum(each.num_wasted for each in self.parts)

    def forward(self, x: Tensor) -> Tensor:
        """Encode `(N, *feature_shape)` of any real dtype; errors are those of `Encoder`."""
        return torch.cat([each(x).movedim(0, -1) for each in self.parts]).movedim(-1, 0)  # samples last, as they lie

    def lower_features(self, builder: CircuitBuilder, features: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the signals of the encoded sample; arguments and errors are those of `Encoder`."""
        return np.concatenate([each.lower_features(builder, features) for each in self.parts])


class ImageThermometer(Several):
    """Thresholds of pixels, and behind them those of edges and of curvature, for images `(N, C, H, W)`.

    Args:
        num_bits: z, the thresholds of a pixel.
        per: what has its own thresholds: each "channel", each "feature" (pixel), or "global". Those of differences are
            per channel, unless this is "global".
        placement: where thresholds lie, of pixels and differences; see `EdgeThermometer`.
        edges: thresholds of each difference of neighbours, or arguments of `EdgeThermometer` such as
            `{"num_bits": 2, "step": 8}`; None: there are none.
        curvature: the same of second differences (`order=2`).
        unique: see `Encoder`.

    Shapes: input `(N, C, H, W)`; output `(N, C * z + edges + curvature, H, W)`, each part as its encoder has it.

    Raises:
        TypeError, ValueError: an invalid argument of an encoder.
    """

    def __init__(
        self,
        num_bits: int = 3,
        *,
        per: Literal["feature", "channel", "global"] = "channel",
        placement: str = "distributive",
        edges: Edges = None,
        curvature: Edges = None,
        unique: bool = False,
    ) -> None:
        own = PLACEMENTS[one_of("placement", placement, PLACEMENTS)](num_bits, per=per, unique=unique)
        shared = {"per": "global" if per == "global" else "channel", "placement": placement, "unique": unique}
        parts: list[Encoder] = [own]
        for order, wanted in ((1, edges), (2, curvature)):
            if wanted is not None:
                options = dict(wanted) if isinstance(wanted, Mapping) else {"num_bits": wanted}
                parts.append(EdgeThermometer(**{**shared, "order": order, **options}))
        super().__init__(parts)
