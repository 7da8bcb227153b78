"""How additive learning goes about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lutsmith.data.augmentation.images import Augmentation
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.encodings.kinds import encoder_kind
from lutsmith.ground.arguments import check_options, number, whole_number


@dataclass(frozen=True, kw_only=True)
class AdditiveSettings:
    """Settings of `AdditiveTrainer`.

    Attributes:
        max_luts: LUTs at most; every class, label or target gets as many as any other, and at least one.
        rank: inputs of a LUT, 1 to 8.
        encoder: a name of `encodings.kinds.KINDS`.
        bits: thresholds of a feature; None: what is usual for the encoder, 3 for images and 63 for tables.
        loss: a name of `losses.LOSSES`; None: cross entropy of classes, logistic loss of labels, squared of numbers.
        quantile: of the loss "quantile", the share of targets that are to lie below the score.
        tau: votes that are worth a factor e of probability, once all LUTs are there: larger values learn more slowly
            and fit the training rows less closely. Of classes and labels.
        tau_start: the share of tau that is in force at the beginning: it rises with the root of the LUTs.
        step: of numbers, by how much a vote changes the score: so many standard deviations of the targets, over the
            root of the LUTs of a target.
        plus: scores that get a vote where a LUT is 1.
        minus: scores that lose one.
        num_codes: where a LUT votes for more than one score, how many different choices of them there are: groups of
            the circuit's head.
        weights: votes that count so much: of each LUT, the one that lowers the loss most.
        candidates: inputs that are tried for a LUT, a multiple of 64.
        pairs: so many of them are tried as first input together with every second one: finds inputs that tell nothing
            alone, and takes as many times longer for one of the inputs.
        exchanges: how often, once a LUT is there, one of its inputs leaves for the best candidate.
        past: the share of candidates that is drawn from features by what they have gained so far.
        window: of images, how far from a random place candidates lie, in pixels; None: 6.
        depth: how many levels of LUTs there are at most: beyond 1, LUTs read the outputs of earlier ones too.
        deep: where depth is above 1, the share of candidates that are outputs of earlier LUTs.
        row_share: the share of rows that chooses the inputs of a LUT: those with much to gain, and some that stand for
            the others, drawn anew for each LUT. Its table counts all rows.
        sweeps: how often each LUT is taken out and fitted anew (backfitting).
        augmentation: of images, how copies of them are changed: a mapping of fields of
            `data.augmentation.ImageAugmentation`, such as `{"shift": 1, "rotate": 8}`; None: no copies.
        copies: of each image, where there is an augmentation.
        redraws: how often, while the network grows, copies or blocks are drawn anew. Every sweep draws them anew.
        block_rows: rows that are looked at, at a time; None: all. For data larger than memory.
        validation: the share of each class that is held out and chooses how many LUTs are kept; 0: all of them.
        max_seconds: no LUT is begun after so many seconds of training; None: no limit. What comes out then depends on
            the machine.
        seed: of all that is random.
    """

    max_luts: int = 1000
    rank: int = 6
    encoder: str = "distributive"
    bits: int | None = None
    loss: str | None = None
    quantile: float = 0.5
    tau: float = 6.0
    tau_start: float = 0.4
    step: float = 3.0
    plus: int = 1
    minus: int = 0
    num_codes: int = 60
    weights: tuple[int, ...] = (1,)
    candidates: int = 64
    pairs: int = 0
    exchanges: int = 0
    past: float = 0.0
    window: int | None = None
    depth: int = 1
    deep: float = 0.25
    row_share: float = 1.0
    sweeps: int = 0
    augmentation: Mapping[str, Any] | None = None
    copies: int = 4
    redraws: int = 0
    block_rows: int | None = None
    validation: float = 0.1
    max_seconds: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        encoder_kind(self.encoder).bits(self.bits, ())
        least = {"max_luts": 1, "plus": 1, "num_codes": 2, "copies": 1, "depth": 1, "minus": 0, "pairs": 0}
        least |= {"exchanges": 0, "sweeps": 0, "redraws": 0, "seed": 0}
        for name, low in least.items():
            whole_number(name, getattr(self, name), low)
        if not 1 <= whole_number("rank", self.rank, 1) <= 8:
            raise ValueError(f"rank is {self.rank}; expected 1 to 8")
        if whole_number("candidates", self.candidates, 64) % 64:
            raise ValueError(f"candidates is {self.candidates}; expected a multiple of 64")
        for name in ("bits", "window", "block_rows"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), 1)
        if not isinstance(self.weights, (tuple, list)) or not self.weights:
            raise TypeError(f"weights is {self.weights!r}; expected whole numbers such as (1, 2, 4)")
        object.__setattr__(self, "weights", tuple(whole_number("a weight", value, 1) for value in self.weights))
        for name in ("tau", "step"):
            number(name, getattr(self, name), lambda x: 0 < x < float("inf"), "a number above 0")
        for name in ("tau_start", "row_share"):
            number(name, getattr(self, name), lambda x: 0 < x <= 1, "a share above 0, at most 1")
        for name in ("past", "deep"):
            number(name, getattr(self, name), lambda x: 0 <= x <= 1, "a share, 0 to 1")
        number("validation", self.validation, lambda x: 0 <= x < 1, "a share, 0 or above, below 1")
        number("quantile", self.quantile, lambda x: 0 < x < 1, "a share above 0, below 1")
        if self.augmentation is not None:
            object.__setattr__(self, "augmentation", ImageAugmentation.from_json(self.augmentation).to_json())
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, lambda x: x > 0, "a number above 0")

    def augment(self) -> Augmentation | None:
        """Return what changes copies of images; None where nothing does."""
        changes = ImageAugmentation.from_json(self.augmentation or {})
        return changes if changes.parts else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        return {**asdict(self), "weights": list(self.weights)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> AdditiveSettings:
        """Return settings of such fields; ValueError for a name that is none."""
        check_options("additive learning", values, [field.name for field in fields(cls)])
        return cls(**values)
