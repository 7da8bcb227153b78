"""The settings of additive learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lutsmith.additive.encoding import MISSING
from lutsmith.data.augmentation.images import Augmentation
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.encodings.kinds import encoder_kind
from lutsmith.ground.arguments import as_python, check_options, number, one_of, whole_number

CATEGORY_CODES = ("one-hot", "target")
"""How names of categories become bits."""

CHOSEN_BY = ("score", "loss")
"""What of the validation rows chooses how many LUTs are kept."""

HEAVIEST = 1 << 15
"""What a vote counts at the most: all that are cast together fit int32."""

FEW = 2000
"""Rows of a table: of fewer, validation rows tell too little."""


@dataclass(frozen=True, kw_only=True)
class AdditiveSettings:
    """Settings of `AdditiveTrainer`. `for_data` replaces None by values that suit the data; `missing` is chosen after
    that.

    Attributes:
        max_luts: LUTs at most; every class, label or target gets as many as any other, and at least one.
        ensemble: how many networks are grown, each with its own seed and an equal share of max_luts and max_seconds.
            They become one circuit that adds up their votes; for regression it returns the mean.
        rank: inputs of a LUT, 1 to 8; if several are given, one is drawn for each LUT. None: 6 for images; 2, 4 and 6
            for tables, where LUTs of few inputs follow what many rows have in common.
        encoder: a name of `encodings.kinds.KINDS`; None: "distributive" for images, "balanced" for tables.
        bits: thresholds of a feature; None: the usual number for the encoder, 3 for images and 63 for tables.
        missing: how a missing value is treated. "below": it is below all thresholds of its column. "indicator": the
            same, and each column with missing values has one more bit, which says that the value is missing. "learned":
            for each such column of numbers it is below or above all thresholds, whichever says more about the targets;
            above takes a LUT2 for each threshold that is read. None or "auto": of the ways that differ for the data,
            the one with the lowest loss on validation rows in a short trial (`missing.choose`).
        category_code: how names of categories become bits: "one-hot", a bit each; "target", in the order of the mean
            target of their training rows, so that a threshold is a set of names (`categories.target_order`). None or
            "auto": the order for columns of more than 255 names, a bit each for others. Columns that come with an
            order keep it.
        loss: a name of `losses.LOSSES`; None: cross entropy of classes, logistic loss of labels, squared of numbers.
        quantile: for the loss "quantile", the share of targets that should lie below the score.
        tau: how many votes are worth a factor e of probability, once all LUTs are grown: larger values learn more
            slowly and fit the training rows less closely. For classes and labels. None: the root of the LUTs of a
            score, times 0.4 for images and 0.67 for tables.
        tau_start: the share of tau that is used at the beginning: it rises with the root of the LUTs.
        step: for regression, by how much a vote changes the score: so many standard deviations of the targets, divided
            by the root of the LUTs of a target.
        teacher_weight: for a trainer with a teacher, the share of the loss that comes from the teacher's opinions, 0 to
            1; the rest comes from the targets.
        plus: how many scores get a vote where a LUT is 1.
        minus: how many scores lose one.
        num_codes: where a LUT votes for more than one score, how many different choices of them there are: groups of
            the circuit's head.
        weights: the weights that a vote may have: each LUT gets the one that lowers the loss most.
        z: an entry of a table is 1 where its rows gain more than so many standard deviations of what chance gives;
            None: 0 for images, 1 for tables.
        candidates: inputs that are tried for a LUT, a multiple of 64; None: 512 for images, 64 for tables.
        pairs: so many of them are tried as the first input together with every second input. This finds inputs that are
            of no use alone, and makes the choice of one input so many times slower.
        exchanges: how often one input of a finished LUT is exchanged for the best candidate; None: 6 for images, 0 for
            tables.
        past: the share of candidates that is drawn from features in proportion to what they have gained so far.
        window: for images, how far from a random place candidates lie, in pixels; None: 6.
        depth: the largest number of levels of LUTs: above 1, LUTs read the outputs of earlier ones too.
        deep: where depth is above 1, the share of candidates that are outputs of earlier LUTs.
        row_share: the share of rows that chooses the inputs of a LUT: rows with much to gain, and some that represent
            the others, drawn again for each LUT. The table counts all rows. None: 0.1 for images, 1 for tables.
        sweeps: how often each LUT is taken out and fitted again (backfitting).
        augmentation: for images, how copies of them are changed: a mapping of fields of
            `data.augmentation.ImageAugmentation`, such as `{"shift": 1, "rotate": 8}`; None: no copies.
        copies: how many copies of each image, where there is an augmentation.
        redraws: how often copies or blocks are drawn again while the network grows; with blocks and 0, so often that
            each block is used. Every sweep draws them again.
        block_rows: how many rows are used at a time; None: all. For data larger than memory.
        validation: the share of each class that is held out and chooses how many LUTs are kept; 0: all of them.
        chosen_by: what this choice is based on: the "score" of the validation rows, or their "loss", which says more
            where there are few rows; None: "score" for images, "loss" for tables.
        folds: for data with a test part, so many networks are grown first, at most one for each row. Each is grown
            without a part of the rows, and these parts show how many LUTs are best; then one network of that size is
            grown on all rows. None: 5 for tables of fewer than 2,000 rows, else 0, and validation rows choose.
        patience: growing ends after so many steps (of one LUT for each score) without a better prefix on the validation
            rows; None: it goes on to max_luts, and then the best prefix is taken.
        monotonic_cst: constraints as in scikit-learn: 1 where the prediction never falls as a feature grows, all else
            equal, and -1 where it never rises. A mapping from features, by name or place, or a sequence of -1, 0 and 1
            for each feature. With two classes it concerns the probability of the second, with several labels or targets
            the score of each. Constrained features must be numbers, with the bits of a thermometer. None: no
            constraint.
        max_seconds: no LUT is begun after so many seconds of training; None: no limit. With a limit, the result depends
            on the machine.
        seed: of all that is random.
        split_seed: the seed of what is held out: the validation rows, and the test rows of a table without any; None:
            `seed`. It also draws the rows that thresholds lie between. With one for all seeds, runs of several seeds
            are compared on the same rows.
    """

    max_luts: int = 1000
    ensemble: int = 1
    rank: int | tuple[int, ...] | None = None
    encoder: str | None = None
    bits: int | None = None
    missing: str | None = None
    category_code: str | None = None
    loss: str | None = None
    quantile: float = 0.5
    tau: float | None = None
    tau_start: float = 0.4
    step: float = 0.5
    teacher_weight: float = 0.5
    plus: int = 1
    minus: int = 0
    num_codes: int = 60
    weights: tuple[int, ...] = (1,)
    z: float | None = None
    candidates: int | None = None
    pairs: int = 0
    exchanges: int | None = None
    past: float = 0.0
    window: int | None = None
    depth: int = 1
    deep: float = 0.25
    row_share: float | None = None
    sweeps: int = 0
    augmentation: Mapping[str, Any] | None = None
    copies: int = 4
    redraws: int = 0
    block_rows: int | None = None
    validation: float = 0.1
    chosen_by: str | None = None
    folds: int | None = None
    patience: int | None = None
    monotonic_cst: Mapping[str | int, int] | Sequence[int] | None = None
    max_seconds: float | None = None
    seed: int = 0
    split_seed: int | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, as_python(getattr(self, item.name)))
        if self.encoder is not None:
            encoder_kind(self.encoder).bits(self.bits, ())
        least = {"max_luts": 1, "plus": 1, "num_codes": 2, "copies": 1, "depth": 1, "minus": 0, "pairs": 0}
        least |= {
            "exchanges": 0,
            "sweeps": 0,
            "redraws": 0,
            "seed": 0,
            "folds": 0,
            "bits": 1,
            "window": 1,
            "split_seed": 0,
        }
        least |= {"block_rows": 1, "candidates": 64, "patience": 1, "ensemble": 1}
        may_be_none = {item.name for item in fields(self) if item.default is None}
        for name, low in least.items():
            if name not in may_be_none or getattr(self, name) is not None:
                whole_number(name, getattr(self, name), low)
        given: Any = self.rank
        if isinstance(given, list):
            object.__setattr__(self, "rank", tuple(given))
        if self.rank == ():
            raise ValueError("rank is empty; expected a number of inputs, or several")
        for rank in self.ranks:
            if not 1 <= whole_number("rank", rank, 1) <= 8:
                raise ValueError(f"rank is {rank}; expected 1 to 8")
        if self.candidates is not None and self.candidates % 64:
            raise ValueError(f"candidates is {self.candidates}; expected a multiple of 64")
        if self.folds == 1:
            raise ValueError("folds is 1; expected 0, or 2 and more")
        for name, known in (("missing", MISSING), ("category_code", CATEGORY_CODES)):
            if getattr(self, name) not in (None, "auto"):
                one_of(f"{name} of the settings", getattr(self, name), (*known, "auto"))
            elif getattr(self, name) == "auto":
                object.__setattr__(self, name, None)
        if self.chosen_by is not None:
            one_of("chosen_by", self.chosen_by, CHOSEN_BY)
        if not isinstance(self.weights, (tuple, list)) or not self.weights:
            raise TypeError(f"weights is {self.weights!r}; expected whole numbers such as (1, 2, 4)")
        object.__setattr__(
            self, "weights", tuple(whole_number("a weight", value, 1, HEAVIEST) for value in self.weights)
        )
        checks: dict[str, tuple[Callable[[Any], bool], str]] = {
            "tau": (lambda x: 1e-3 <= x < float("inf"), "a number of at least 0.001"),
            "step": (lambda x: 0 < x < float("inf"), "a number above 0"),
            **dict.fromkeys(("tau_start", "row_share"), (lambda x: 0 < x <= 1, "a share above 0, at most 1")),
            "z": (lambda x: 0 <= x < float("inf"), "a number of at least 0"),
        }
        for name, (right, wanted) in checks.items():
            if getattr(self, name) is not None:
                number(name, getattr(self, name), right, wanted)
        for name in ("past", "deep", "teacher_weight"):
            number(name, getattr(self, name), lambda x: 0 <= x <= 1, "a share, 0 to 1")
        number("validation", self.validation, lambda x: 0 <= x < 1, "a share, 0 or above, below 1")
        number("quantile", self.quantile, lambda x: 0 < x < 1, "a share above 0, below 1")
        if self.monotonic_cst is not None:
            object.__setattr__(self, "monotonic_cst", _checked_constraints(self.monotonic_cst))
        if self.augmentation is not None:
            object.__setattr__(self, "augmentation", ImageAugmentation.from_json(self.augmentation).to_json())
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, lambda x: 0 < x < float("inf"), "a number above 0, or None")

    @property
    def rows_seed(self) -> int:
        """The seed of what is held out: `split_seed`, or `seed` where it is None."""
        return self.seed if self.split_seed is None else self.split_seed

    @property
    def ranks(self) -> tuple[int, ...]:
        """The inputs that LUTs may have; none where rank is None."""
        return self.rank if isinstance(self.rank, tuple) else () if self.rank is None else (self.rank,)

    def luts_of_score(self, scores: int) -> int:
        """Return the largest number of LUTs of a network that vote for each of so many scores."""
        return max(1, self.max_luts // self.ensemble // scores)

    def for_data(self, input_shape: tuple[int, ...], rows: int, scores: int) -> AdditiveSettings:
        """Return the settings with values in place of None.

        Args:
            input_shape: of a sample; of more than one size it is an image.
            rows: of training.
            scores: classes, labels or targets.
        """
        image = len(input_shape) > 1
        per_score = self.luts_of_score(scores)
        usual: dict[str, Any] = {
            "rank": 6 if image else (2, 4, 6),
            "encoder": "distributive" if image else "balanced",
            "tau": round((0.4 if image else 0.67) * per_score**0.5, 3),
            "z": 0.0 if image else 1.0,
            "candidates": 512 if image else 64,
            "exchanges": 6 if image else 0,
            "row_share": 0.1 if image else 1.0,
            "chosen_by": "score" if image else "loss",
            "folds": 5 if not image and rows < FEW else 0,
            "window": 6,
        }
        found = {name: value for name, value in usual.items() if getattr(self, name) is None}
        if self.block_rows is not None and self.redraws == 0:  # every block is looked at
            found["redraws"] = max(1, -(-rows // self.block_rows) - 1)
        return replace(self, **found)

    def augment(self) -> Augmentation | None:
        """Return what changes copies of images; None where nothing does."""
        changes = ImageAugmentation.from_json(self.augmentation or {})
        return changes if changes.parts else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields, ready for JSON."""
        rank = list(self.rank) if isinstance(self.rank, tuple) else self.rank
        found = {**asdict(self), "rank": rank, "weights": list(self.weights)}
        if self.monotonic_cst is not None:  # places are not keys in JSON
            given = self.monotonic_cst
            found["monotonic_cst"] = list(map(list, given.items())) if isinstance(given, Mapping) else list(given)
        return found

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> AdditiveSettings:
        """Return settings from such fields; ValueError for an unknown name."""
        check_options("additive learning", values, [field.name for field in fields(cls)])
        return cls(**values)


def _checked_constraints(given: Any) -> dict[str | int, int] | tuple[int, ...] | None:
    """Constraints as a mapping or a tuple, from what may be of JSON: there a mapping is a list of pairs. None without
    any.
    """
    if given in ({}, [], ()):
        return None
    if isinstance(given, list) and given and all(isinstance(item, list) and len(item) == 2 for item in given):
        given = dict(given)
    if isinstance(given, Mapping):
        for key, value in given.items():
            whole_number(f"monotonic_cst of {key!r}", value, -1, 1)
            if not isinstance(key, str):
                whole_number("a feature of monotonic_cst", key, 0)
        return dict(given)
    if isinstance(given, (list, tuple)):
        return tuple(whole_number("monotonic_cst of a feature", value, -1, 1) for value in given)
    raise TypeError(f"monotonic_cst is {given!r}; expected a mapping of features to 1 or -1, or a number for each")
