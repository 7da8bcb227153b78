"""How a circuit is polished."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.ground.arguments import check_options, number, whole_number


@dataclass(frozen=True, kw_only=True)
class PolishSettings:
    """How a circuit is polished.

    Attributes:
        sweeps: how often each node is visited; 0: never.
        z: an entry is inverted, and a wire moved, where the loss falls by more than so many standard errors.
        candidates: signals that are tried for an input of each node in a sweep; 0: no wire is moved.
        window: for images, the largest distance of a candidate in pixels; None: any distance.
        tau: for the loss of classes and labels; None: the one at which the circuit loses least on the rows that choose.
        validation: share of the training rows that is held out; 0: the last network is kept.
        augmentation: changes to images, fields of `data.augmentation.ImageAugmentation`; None: none.
        copies: changed copies beside each image, made anew for each sweep.
        max_seconds: no node is begun after so many seconds; None: there is no limit.
        seed: of the held-out rows, the copies, the order of nodes and the candidates.
    """

    sweeps: int = 8
    z: float = 2.0
    candidates: int = 0
    window: int | None = 6
    tau: float | None = None
    validation: float = 0.1
    augmentation: Mapping[str, Any] | None = None
    copies: int = 2
    max_seconds: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            TypeError: a field of another type.
            ValueError: a field out of its range, which the message names.
        """
        for name, least in (("sweeps", 0), ("candidates", 0), ("copies", 0), ("seed", 0)):
            whole_number(name, getattr(self, name), least)
        if self.window is not None:
            whole_number("window", self.window, 1, what="pixels")
        number("z", self.z, lambda value: 0 <= value < math.inf, "a number of at least 0")
        number("validation", self.validation, lambda value: 0 <= value < 1, "a share in [0, 1)")
        if self.tau is not None:
            number("tau", self.tau, lambda value: 1e-9 <= value < math.inf, "a number of at least 1e-9, or None")
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, lambda value: 0 < value < math.inf, "a number above 0, or None")
        if self.augmentation is not None:
            object.__setattr__(self, "augmentation", ImageAugmentation.from_json(self.augmentation).to_json() or None)

    def to_json(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PolishSettings:
        """Return settings of such fields; ValueError for a name that is none."""
        check_options("polishing", values, [field.name for field in fields(cls)])
        return cls(**values)
