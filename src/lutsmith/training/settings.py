"""The settings of a training run: one frozen, JSON-able record."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lutsmith.data.augmentation.images import NODES
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.ground.arguments import as_python, check_options, is_finite, one_of
from lutsmith.ground.frozen import plain_json
from lutsmith.nn.parametrizations.sampling import SAMPLINGS
from lutsmith.training.callbacks.annealing import SHAPES
from lutsmith.training.callbacks.base import are_epochs
from lutsmith.training.objectives import OBJECTIVES

SCHEDULES = ("cosine", "step", "constant")
ACCELERATORS = ("cpu", "cuda", "mps", "auto")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class Settings:
    """How a network is trained. Every field is a plain JSON value; equal settings and data give the same circuit.

    Attributes:
        epochs: passes over the training rows.
        batch_size: samples per step; rows left over at the end of an epoch wait for the next shuffle.
        optimizer: the name of a class of `torch.optim`, in upper or lower case; fused if the class has a fused form.
        optimizer_options: further arguments of that class, for example `{"betas": [0.9, 0.99]}`.
        lr: learning rate of the tables and of everything else that is not a connection score.
        score_lr: learning rate of the connection scores; None: `lr`.
        score_weight_decay: weight decay of the connection scores, for optimizers that have one; None: the same as for
            everything else, which is `optimizer_options["weight_decay"]`.
        schedule: "cosine" (down to `final_lr * lr`), "step" (times `gamma` at each milestone) or "constant".
        warmup: epochs of linear growth from 0 to the full rate before the schedule begins, whichever it is.
        milestones: the epochs at which "step" multiplies the rate by `gamma`, ascending.
        final_lr: where the cosine ends, as a fraction of `lr`.
        objective: "classification" (class ids, cross entropy), "regression" (numbers, squared error) or "multilabel"
            (0/1 for each label, binary cross entropy).
        huber_delta: in regression, errors beyond it count linearly (Huber's loss); None: all are squared.
        label_smoothing: the share of the target spread evenly over all classes, in [0, 1).
        bit_flip: probability that a bit of the encoder's output is inverted in a training step, in [0, 0.5].
        shift: images are moved by up to this many pixels along each axis in training; what moves in is 0.
        crop: the same, but what moves in is the image's mirrored border, or what `crop_fill` says.
        crop_fill: "mirror", "reflect", "edge" or "zeros"; see `data.augmentation.Crop`.
        flip: probability that an image is mirrored left to right in training.
        rotate, zoom, shear, elastic, elastic_nodes: images are turned by up to `rotate` degrees, scaled by up to
            1 +- `zoom`, sheared by up to `shear` degrees and bent by up to `elastic` pixels at each of `elastic_nodes`
            x `elastic_nodes` places in training; see `training.Affine`.
        brightness, contrast, channel: factors of up to 1 +- `brightness` of an image, 1 +- `contrast` of the distances
            of its pixels from their mean, and 1 +- `channel` for each of its channels, in training.
        cutout: side in pixels of a square that is set to 0 at a random place of each image in training.
        temperature_final, rho_final: the parametrizations' temperature and `dwn`'s rho go from the values that the
            network was built with to these in the last epoch; None: they stay.
        connection_temperature_final: the same for the temperature of learned connections.
        annealing: the shape of this change: "exponential", "linear" or "cosine".
        refresh: share of each learned slot's candidates, the worst-scored, that are replaced by new ones after each of
            the finished epochs in `refresh_epochs`; 0: none.
        refresh_epochs: the numbers of finished epochs, ascending.
        resample: share of the epochs after each of which wires of learned connections, and tables, that have settled
            are drawn anew; see `training.Resampling`. 0: never.
        freeze: shares of the epochs, ascending, after which the first LUT layer, the second, and so on, is hardened and
            no longer trained; see `training.ProgressiveFreezing`.
        score_every: scores of learned connections are trained in one of this many steps; the other steps are as fast as
            with fixed wires. See `training.RestingWires`.
        freeze_wires: share of the epochs after which learned connections keep what they read and only tables continue
            to learn, in faster steps; see `training.WireFreezing`. None: never.
        sampling_final: the parametrizations' sampling after the share `sampling_from` of the epochs, such as "hard":
            hardened tables in the forward pass, with straight-through gradients; None: it stays.
        sampling_from: that share.
        teacher: a model whose opinion of each training row is learned besides its label: "cnn", a small convolutional
            network that is first trained on the same rows; or a model file, or the folder of a run; see
            `training.teachers`. None: no teacher. It works in `training.fit` and in phases, and so in every run, but
            not in a `Trainer`.
        teacher_epochs: passes over the training rows of the teacher "cnn".
        teacher_weight: weight of the opinion; the label has weight 1.
        teacher_temperature: divisor of the teacher's and the network's scores in their comparison; see
            `training.Distillation`.
        weight_average: decay, in (0, 1), of a running average of the weights, which is then validated and kept; 0: the
            weights themselves are.
        validation: share of the rows, stratified by class, that is held out to choose the best epoch; 0: keep the last.
        validate_every: epochs from one validation to the next; the last epoch is always validated.
        patience: training stops after this many validated epochs in a row that are no better than the best before them,
            by the hardened score; 0: never. As a rule it does not suit the cosine schedule; see
            `training.EarlyStopping`.
        seed: of the split, the shuffles, the augmentation and torch's generator.
        split_seed: the seed of what is held out: the validation rows, and the test rows of a table without any; None:
            `seed`. With one for all seeds, runs of several seeds are compared on the same rows.
        accelerator: "cpu", "cuda", "mps" (Apple's), or "auto": CUDA if there is a device.
        precision: "32-true" for plain float32, or Lightning Fabric's "bf16-mixed" or "16-mixed" (CUDA). On a CPU,
            "bf16-mixed" keeps activations between dense layers of LUTs of up to four inputs as bfloat16 in batches of
            128 and more: steps are shorter, and take half the memory. Tables, their gradients and sums stay float32,
            and so does all that a circuit is made from. The "true" half precisions are refused: they would round raw
            features before the encoder compares them.
        torch_threads: torch's own threads during training on a CPU. One is steadier: the kernels have their own
            threads.
    """

    epochs: int = 20
    batch_size: int = 128
    optimizer: str = "adam"
    optimizer_options: Mapping[str, Any] = field(default_factory=dict)
    lr: float = 0.03
    score_lr: float | None = None
    score_weight_decay: float | None = None
    schedule: str = "cosine"
    warmup: float = 0.0
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    final_lr: float = 0.0
    objective: str = "classification"
    huber_delta: float | None = None
    label_smoothing: float = 0.0
    bit_flip: float = 0.0
    shift: int = 0
    crop: int = 0
    crop_fill: str = "mirror"
    flip: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    elastic: float = 0.0
    elastic_nodes: int = NODES
    brightness: float = 0.0
    contrast: float = 0.0
    channel: float = 0.0
    cutout: int = 0
    temperature_final: float | None = None
    rho_final: float | None = None
    connection_temperature_final: float | None = None
    annealing: str = "exponential"
    refresh: float = 0.0
    refresh_epochs: tuple[int, ...] = ()
    resample: float = 0.0
    freeze: tuple[float, ...] = ()
    score_every: int = 1
    freeze_wires: float | None = None
    sampling_final: str | None = None
    sampling_from: float = 0.8
    teacher: str | None = None
    teacher_epochs: int = 10
    teacher_weight: float = 1.0
    teacher_temperature: float = 2.0
    weight_average: float = 0.0
    validation: float = 0.1
    validate_every: int = 1
    patience: int = 0
    seed: int = 0
    split_seed: int | None = None
    accelerator: str = "cpu"
    precision: str = "32-true"
    torch_threads: int = 1

    def __post_init__(self) -> None:
        """Check every field; raise ValueError (or TypeError for a wrong type) naming the field and what it accepts."""
        for item in dataclasses.fields(self):
            object.__setattr__(self, item.name, as_python(getattr(self, item.name)))
        for name in ("epochs", "batch_size", "validate_every", "torch_threads", "teacher_epochs", "score_every"):
            _integer(self, name, least=1)
        _integer(self, "patience", least=0)
        ImageAugmentation.of(self)  # checks flip, crop, shift and all that bends
        _integer(self, "seed", least=0, below=2**63)
        if self.split_seed is not None:
            _integer(self, "split_seed", least=0, below=2**63)
        _number(self, "lr", "a positive number", lambda v: v > 0)
        for name in ("score_lr", "score_weight_decay"):
            _number(self, name, "None or a number >= 0", lambda v: v >= 0, optional=True)
        for name in ("temperature_final", "connection_temperature_final", "huber_delta"):
            _number(self, name, "None or a positive number", lambda v: v > 0, optional=True)
        _number(self, "rho_final", "None or a number in (0, 1]", lambda v: 0 < v <= 1, optional=True)
        _number(self, "warmup", f"epochs from 0 to below epochs={self.epochs}", lambda v: 0 <= v < self.epochs)
        _number(self, "gamma", "a number in (0, 1]", lambda v: 0 < v <= 1)
        _number(self, "final_lr", "a fraction of lr in [0, 1]", lambda v: 0 <= v <= 1)
        _number(self, "label_smoothing", "a number in [0, 1)", lambda v: 0 <= v < 1)
        _number(self, "bit_flip", "a probability in [0, 0.5]", lambda v: 0 <= v <= 0.5)
        _number(self, "refresh", "a share in [0, 1)", lambda v: 0 <= v < 1)
        _number(self, "resample", "a share of the epochs in [0, 1]; 0 draws nothing anew", lambda v: 0 <= v <= 1)
        _number(self, "freeze_wires", "None or a share of the epochs in [0, 1)", lambda v: 0 <= v < 1, optional=True)
        _number(self, "sampling_from", "a share of the epochs in [0, 1)", lambda v: 0 <= v < 1)
        _number(self, "teacher_weight", "a positive number", lambda v: v > 0)
        _number(self, "teacher_temperature", "a positive number", lambda v: v > 0)
        _number(self, "weight_average", "a decay in [0, 1), such as 0.999; 0 averages nothing", lambda v: 0 <= v < 1)
        _number(self, "validation", "a share in [0, 1); 0 keeps the last epoch", lambda v: 0 <= v < 1)
        _choice(self, "schedule", SCHEDULES)
        _choice(self, "objective", OBJECTIVES)
        _choice(self, "annealing", SHAPES)
        if self.sampling_final is not None:
            _choice(self, "sampling_final", SAMPLINGS)
        if self.teacher is not None and (not isinstance(self.teacher, str) or not self.teacher.strip()):
            raise TypeError(f"teacher={self.teacher!r}: expected None, 'cnn', a model file or the folder of a run")
        if self.teacher is not None and self.objective != "classification":
            raise ValueError(
                f"teacher={self.teacher!r}: teachers are of classification, and the objective is {self.objective!r}"
            )
        _choice(self, "accelerator", ACCELERATORS)
        _choice(self, "precision", PRECISIONS)
        if not isinstance(self.optimizer, str):
            raise TypeError(f"optimizer={self.optimizer!r}: expected a name; Trainer(optimizer=...) takes a class")
        if not isinstance(self.optimizer_options, Mapping):
            raise TypeError(
                f"optimizer_options={self.optimizer_options!r}: expected a mapping, such as {{'eps': 1e-8}}"
            )
        try:
            options = json.loads(json.dumps(dict(self.optimizer_options)))
        except TypeError as error:
            raise TypeError(f"optimizer_options={self.optimizer_options!r}: expected JSON values ({error})") from error
        object.__setattr__(self, "optimizer_options", options)
        for name in ("milestones", "refresh_epochs"):
            _ascending_epochs(self, name)
        _ascending_shares(self, "freeze")
        if (self.schedule == "step") != bool(self.milestones):
            raise ValueError(
                f"schedule={self.schedule!r} with milestones={self.milestones}: schedule 'step' needs milestones, "
                "and no other schedule takes them"
            )
        if bool(self.refresh) != bool(self.refresh_epochs):
            raise ValueError(
                f"refresh={self.refresh} with refresh_epochs={self.refresh_epochs}: give both, such as 0.25 and (5, 10)"
            )
        if self.patience and not self.validation:
            raise ValueError(
                f"patience={self.patience} with validation=0: epochs are compared on rows that are held out; give "
                "validation a share, or Trainer(callbacks=[EarlyStopping(..., monitor='loss')])"
            )
        if self.objective == "regression" and self.label_smoothing:
            raise ValueError(f"label_smoothing={self.label_smoothing}: regression has no labels to smooth; set it to 0")
        if self.objective != "regression" and self.huber_delta is not None:
            raise ValueError(f"huber_delta={self.huber_delta}: it is of regression; objective is {self.objective!r}")

    @property
    def rows_seed(self) -> int:
        """The seed of what is held out: `split_seed`, or `seed` where it is None."""
        return self.seed if self.split_seed is None else self.split_seed

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values; `from_json` gives the same settings back."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """Return settings from a mapping of field names to JSON values, such as those in a circuit's metadata; fields
        left out take their defaults.

        Raises:
            ValueError: a name that is not a field, with the names that are.
        """
        check_options("a training run", values, [field.name for field in dataclasses.fields(cls)])
        return cls(**plain_json(values))


def _integer(settings: Settings, name: str, least: int, below: int | None = None) -> None:
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r}: expected an integer")
    if value < least:
        raise ValueError(f"{name}={value}: expected an integer >= {least}")
    if below is not None and value >= below:
        raise ValueError(f"{name}={value}: expected an integer >= {least} and < {below}")


def _number(settings: Settings, name: str, expected: str, accepts: Any, *, optional: bool = False) -> None:
    value = getattr(settings, name)
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name}={value!r}: expected {expected}")
    if not is_finite(value) or not accepts(value):
        raise ValueError(f"{name}={value}: expected {expected}")


def _choice(settings: Settings, name: str, choices: tuple[str, ...]) -> None:
    one_of(name, getattr(settings, name), choices)


def _ascending_epochs(settings: Settings, name: str) -> None:
    epochs = getattr(settings, name)
    if not are_epochs(epochs, least=1) or list(epochs) != sorted(set(epochs)):
        raise ValueError(f"{name}={epochs!r}: expected ascending epochs >= 1, such as (10, 15)")
    object.__setattr__(settings, name, tuple(epochs))


def _ascending_shares(settings: Settings, name: str) -> None:
    shares = getattr(settings, name)
    given = isinstance(shares, (list, tuple)) and all(type(v) in (int, float) and 0 <= v < 1 for v in shares)
    if not given or list(shares) != sorted(shares):
        raise ValueError(f"{name}={shares!r}: expected ascending shares of the epochs in [0, 1), such as (0.5, 0.7)")
    object.__setattr__(settings, name, tuple(shares))
