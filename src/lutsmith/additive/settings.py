"""How additive learning goes about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from lutsmith.ground.arguments import check_options, number, whole_number


@dataclass(frozen=True, kw_only=True)
class AdditiveSettings:
    """Settings of `AdditiveTrainer`.

    Attributes:
        max_luts: LUTs at most; every class, label or target gets as many as any other, and at least one.
        rank: inputs of a LUT, 1 to 8.
        bits: thresholds of a feature, at its quantiles; None: 3 for images, 63 for tables.
        loss: a name of `losses.LOSSES`; None: cross entropy of classes, logistic loss of labels, squared of numbers.
        quantile: of the loss "quantile", the share of targets that are to lie below the score.
        tau: votes that are worth a factor e of probability, once all LUTs are there: larger values learn more slowly
            and fit the training rows less closely. Of classes and labels.
        tau_start: the share of tau that is in force at the beginning: it rises with the root of the LUTs.
        step: of numbers, by how much a vote changes the score: so many standard deviations of the targets, over the
            root of the LUTs of a target.
        candidates: inputs that are tried for a LUT, a multiple of 64.
        window: of images, how far from a random place candidates lie, in pixels; None: 6.
        sweeps: how often each LUT is taken out and fitted anew (backfitting).
        validation: the share of each class that is held out and chooses how many LUTs are kept; 0: all of them.
        max_seconds: no LUT is begun after so many seconds of training; None: no limit. What comes out then depends on
            the machine.
        seed: of all that is random.
    """

    max_luts: int = 1000
    rank: int = 6
    bits: int | None = None
    loss: str | None = None
    quantile: float = 0.5
    tau: float = 6.0
    tau_start: float = 0.4
    step: float = 3.0
    candidates: int = 64
    window: int | None = None
    sweeps: int = 0
    validation: float = 0.1
    max_seconds: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number("max_luts", self.max_luts, 1)
        whole_number("sweeps", self.sweeps, 0)
        whole_number("seed", self.seed, 0)
        if not 1 <= whole_number("rank", self.rank, 1) <= 8:
            raise ValueError(f"rank is {self.rank}; expected 1 to 8")
        if whole_number("candidates", self.candidates, 64) % 64:
            raise ValueError(f"candidates is {self.candidates}; expected a multiple of 64")
        for name, value in (("bits", self.bits), ("window", self.window)):
            if value is not None:
                whole_number(name, value, 1)
        number("tau", self.tau, lambda x: 0 < x < float("inf"), "a number above 0")
        number("tau_start", self.tau_start, lambda x: 0 < x <= 1, "a share above 0, at most 1")
        number("validation", self.validation, lambda x: 0 <= x < 1, "a share, 0 or above, below 1")
        number("step", self.step, lambda x: 0 < x < float("inf"), "a number above 0")
        number("quantile", self.quantile, lambda x: 0 < x < 1, "a share above 0, below 1")
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, lambda x: x > 0, "a number above 0")

    def to_json(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> AdditiveSettings:
        """Return settings of such fields; ValueError for a name that is none."""
        check_options("additive learning", values, [field.name for field in fields(cls)])
        return cls(**values)
