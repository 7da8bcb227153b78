"""Training in phases: a network of neurons from real weights over binary ones to LUTs, each phase by name.

kind      what changes when the phase begins                 its keys beside those of training
real      weights are real numbers
binary    weights are signs
prune     weights are pruned, a little before each epoch     `density` or `inputs` (that each output keeps), one number
                                                             or one for each layer; `layers`, `per`, `tile`
retrain   nothing
expand    binary layers become LUT layers                    `rank`, `recover`, `combine`; `layers`
inputs    inputs of LUTs are tied away                       `density` or `threshold`; `layers`

A phase is a JSON object: `phase`, its kind; `name`, which is the kind where it is not given; the keys above; and fields
of `training.Settings` for this phase alone, such as `epochs` and `lr`. With 0 epochs it only changes the network.
`layers` are numbers of layers from 1; left out: all layers that can be changed in this way.

A phase begins with the weights of the best epoch before it, by the validation rows. They count as its epoch 0, except
in `real`, `binary` and `prune`, which change what is compared; a phase that prunes keeps its last epoch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from lutsmith.ground.alignment import aligned
from lutsmith.ground.arguments import as_python, check_options, one_of, whole_number
from lutsmith.ground.frozen import plain_json
from lutsmith.nn.neurons.binary import BinaryLayer
from lutsmith.nn.neurons.expansion import expand_layers
from lutsmith.nn.neurons.lut_sum import LUTSum
from lutsmith.nn.neurons.pruning import prunable, prune_inputs
from lutsmith.training.callbacks.pruning import GradualPruning
from lutsmith.training.settings import Settings

KINDS: Mapping[str, tuple[str, ...]] = {
    "real": (),
    "binary": (),
    "prune": ("density", "inputs", "layers", "per", "tile"),
    "retrain": (),
    "expand": ("rank", "recover", "combine", "layers"),
    "inputs": ("density", "threshold", "layers"),
}
"""The kinds of phases, and their keys beside those of training."""

_SHARED = (
    "seed", "split_seed", "validation", "objective",
    "teacher", "teacher_epochs", "teacher_weight", "teacher_temperature",
)  # fmt: skip
"""Fields of the settings that all phases have in common: the rows that are held out have to be the same, and a teacher
is asked once.
"""


@dataclass(frozen=True)
class Phase:
    """One phase.

    Attributes:
        kind: a name of `KINDS`.
        name: its own.
        options: by the keys of its kind.
        training: fields of `Settings` that differ from those of all phases; `epochs` may be 0.
    """

    kind: str
    name: str
    options: Mapping[str, Any]
    training: Mapping[str, Any]

    @classmethod
    def from_json(cls, values: Any, common: Settings) -> Phase:
        """Return a phase from its JSON object, checked; TypeError or ValueError if it is invalid."""
        if not isinstance(values, Mapping) or "phase" not in values:
            raise ValueError(f'a phase is {values!r}; expected an object such as {{"phase": "prune", "density": 0.1}}')
        kind = one_of("phase", values["phase"], KINDS)
        name = values.get("name", kind)
        if not isinstance(name, str) or not name.replace("-", "").isalnum():
            raise ValueError(f"the name of a phase is {name!r}; expected letters, digits and dashes")
        known = [item.name for item in dataclasses.fields(Settings) if item.name not in _SHARED]
        check_options(f"phase {name!r}", values, ["phase", "name", *KINDS[kind], *known])
        options = {key: as_python(value) for key, value in values.items() if key in KINDS[kind]}
        training = {key: as_python(value) for key, value in values.items() if key in known}
        made = cls(kind, name, options, training)
        if kind in ("prune", "inputs") and len({"density", "inputs", "threshold"} & options.keys()) != 1:
            raise ValueError(f"phase {name!r} has {sorted(options)}; expected one of {', '.join(KINDS[kind][:2])}")
        whole_number("epochs", training.get("epochs", common.epochs), 0)
        made.settings(common)
        return made

    def to_json(self) -> dict[str, Any]:
        """The JSON object."""
        name = {} if self.name == self.kind else {"name": self.name}
        return {"phase": self.kind, **name, **self.options, **self.training}

    def settings(self, common: Settings) -> Settings | None:
        """How the phase is trained; None: not at all."""
        if self.training.get("epochs", common.epochs) == 0:
            return None
        found = Settings.from_json({**common.to_json(), **self.training})
        return replace(found, validate_every=found.epochs) if self.kind == "prune" else found

    @property
    def keeps_start(self) -> bool:
        """Whether the network that the phase begins with is compared with its epochs."""
        return self.kind in ("retrain", "expand", "inputs")

    def change(self, model: nn.Module, seed: int) -> list[GradualPruning]:
        """Change a network as the phase begins, and return the callbacks that change it in training.

        Raises:
            ValueError: layers that do not exist, or cannot be changed in this way.
        """
        layers = prunable(model)
        if self.kind in ("real", "binary"):
            for layer in layers.values():
                if isinstance(layer, BinaryLayer):
                    layer.binary = self.kind == "binary"
                else:
                    layer.binary_weights = self.kind == "binary"
            return []
        wanted = self._layers(layers)
        options = {key: value for key, value in self.options.items() if key != "layers"}
        if self.kind == "expand":
            generator = torch.Generator().manual_seed(seed)
            rank = options.pop("rank", 4)
            for name in wanted:
                layer = layers[name]
                least = layer.weight[0].numel() if isinstance(layer, BinaryLayer) else rank
                expand_layers(model, [name], min(rank, least), generator=generator, **options)
        elif self.kind == "inputs":
            for name in wanted:
                found = layers[name]
                assert isinstance(found, LUTSum)
                prune_inputs(found, **options)
        elif self.kind == "prune":
            return [self._pruning(layers, wanted, options)]
        return []

    def _layers(self, layers: Mapping[str, Any]) -> list[str]:
        kind = {"expand": BinaryLayer, "inputs": LUTSum}.get(self.kind, object)
        names = list(layers)
        if (numbers := self.options.get("layers")) is None:
            return [name for name in names if isinstance(layers[name], kind)]
        found = [names[whole_number("a layer of a phase", number, 1, len(names)) - 1] for number in numbers]
        if wrong := [name for name in found if not isinstance(layers[name], kind)]:
            raise ValueError(f"phase {self.name!r}: {wrong[0]} is a {type(layers[wrong[0]]).__name__} by then")
        return found

    def _pruning(self, layers: Mapping[str, Any], names: Sequence[str], options: dict[str, Any]) -> GradualPruning:
        key = "inputs" if "inputs" in options else "density"
        given = options.pop(key)
        values = given if isinstance(given, (list, tuple)) else [given] * len(names)
        if len(values) != len(names):
            raise ValueError(f"phase {self.name!r} has {key}={given} for {len(names)} layers; expected one for each")
        if key == "inputs":
            options["per"] = "output"
            values = [
                min(1.0, whole_number("inputs", value, 1) / layers[name].kept[0].numel())
                for name, value in zip(names, values, strict=True)
            ]
        return GradualPruning(dict(zip(names, values, strict=True)), **options)


@dataclass(frozen=True)
class PhasedSettings:
    """How a network is trained in phases.

    Attributes:
        common: settings of all phases, unless a phase says otherwise.
        phases: in their order; names are distinct.
        until: the name of the phase after which training ends and the circuit is made; None: the last one.
    """

    common: Settings
    phases: tuple[Phase, ...]
    until: str | None = None

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PhasedSettings:
        """Return settings from fields of `Settings`, `phases`, a list of JSON objects, and `until`.

        Raises:
            TypeError, ValueError: fields that do not exist or hold invalid values; no phases.
        """
        plain = plain_json(values)
        phases, until = plain.pop("phases", None), plain.pop("until", None)
        common = Settings.from_json(plain)
        if not isinstance(phases, (list, tuple)) or not phases:
            raise ValueError(f'phases is {phases!r}; expected a list of phases, such as [{{"phase": "real"}}]')
        made = tuple(Phase.from_json(phase, common) for phase in phases)
        names = [phase.name for phase in made]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two phases have the name {twice[0]!r}; give one a name of its own")
        if until is not None:
            one_of("until", until, names)
        return cls(common, made, until)

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the common settings, `phases` and `until`."""
        return {**self.common.to_json(), "phases": [phase.to_json() for phase in self.phases], "until": self.until}

    def told(self) -> dict[str, Any]:
        """The same as a model file records it: a teacher without its path."""
        teacher = self.common.teacher
        return {**self.to_json(), "teacher": teacher and Path(teacher).name}

    @property
    def wanted(self) -> tuple[Phase, ...]:
        """The phases up to `until`."""
        names = [phase.name for phase in self.phases]
        return self.phases if self.until is None else self.phases[: names.index(self.until) + 1]


@dataclass(frozen=True)
class Reached:
    """What a phase reached, a JSON object by its fields.

    Attributes:
        name: of the phase; the last row is "circuit".
        soft, hard: score on the validation rows, of the network as it is trained and in eval mode.
        kept: weights, or LUTs of sums, that are not pruned.
        luts: of all layers, those of adders and comparators among them, by layer, as lowered; () where weights are real
            numbers, which have no LUTs.
        epoch: the best one, from 1; 0: the state that the phase began with.
        seconds: of training.
    """

    name: str
    soft: float | None
    hard: float | None
    kept: int
    luts: tuple[int, ...]
    epoch: int
    seconds: float


def phase_table(phases: Sequence[Reached | Mapping[str, Any]]) -> str:
    """Return what phases reached as text, one line per phase, with the LUTs of each layer and of all but the first."""
    rows = [Reached(**{**each, "luts": tuple(each["luts"])}) if isinstance(each, Mapping) else each for each in phases]
    depth = max((len(row.luts) for row in rows), default=0)
    heading = ["phase", "soft", "hard", "epoch", "kept", *(f"layer {n + 1}" for n in range(depth)), "2 on", "LUTs", "s"]
    lines = [heading]
    for row in rows:
        counts = [f"{count:,}" for count in row.luts] or ["-"] * depth
        sums = [f"{sum(row.luts[1:]):,}", f"{sum(row.luts):,}"] if row.luts else ["-", "-"]
        scores = ["-" if value is None else f"{value:.2%}" for value in (row.soft, row.hard)]
        lines.append([row.name, *scores, str(row.epoch), f"{row.kept:,}", *counts, *sums, f"{row.seconds:.0f}"])
    return "\n".join(aligned(lines))


def seed_of(seed: int, number: int) -> int:
    """The seed of a phase, by its number."""
    return int(np.random.SeedSequence([seed, 0x9A5E, number]).generate_state(1, np.uint64)[0]) & (2**63 - 1)
