"""Learning by gradients: a network of `nn`, trained by `training`. torch is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lutsmith.circuit import Circuit
from lutsmith.data import Dataset
from lutsmith.ground.arguments import instance_of
from lutsmith.runs.methods.method import Method, Parts, as_json

if TYPE_CHECKING:
    from lutsmith.training.fitting import Preparation


RANK = 6
"""The rank of `nn.Architecture` where none is given: it is needed before torch is there."""


def expect_kernels(architecture: Mapping[str, Any]) -> None:
    """Have the kernels of dense layers compiled by another process, while this one imports torch and loads data."""
    from lutsmith.kernels.training import build

    given = architecture.get("rank", RANK)
    given = given if isinstance(given, (list, tuple)) else [given]
    ranks = [rank for rank in given if type(rank) is int and 1 <= rank <= 8]  # others are refused later
    if ranks and architecture.get("luts") not in ((), []):
        kinds = "backward", "lookup"
        build.expect((kind, rank, "float32") for rank in dict.fromkeys(ranks) for kind in kinds)


class Gradients(Method):
    """Networks of any depth, with learned wiring."""

    name = "gradients"
    parts = ("architecture", "settings")
    arguments: ClassVar = dict.fromkeys(("luts", "rank", "bits"), "architecture") | dict.fromkeys(
        ("lr", "epochs", "seed"), "settings"
    )
    checkpoint = "checkpoint.pt"
    unit = "epoch"
    folders = ("teacher",)
    begins = True
    together = True
    around: ClassVar = {"connections": "learnable", "num_candidates": 8, "init_method": "local"}
    of_classes = ("tau",)
    follows_classes = True

    def fits(self, given: Any) -> bool:
        from lutsmith.additive import AdditiveSettings

        return not isinstance(given, AdditiveSettings)

    def read(self, part: str, given: Any) -> Mapping[str, Any]:
        if isinstance(given, Mapping):  # before torch is imported
            return given
        from lutsmith.nn import Architecture
        from lutsmith.training import Settings

        instance_of(part, given, Architecture if part == "architecture" else Settings, "or a mapping of its fields")
        fields: Mapping[str, Any] = given.to_json()
        return fields

    def completed(self, parts: Parts) -> Parts:
        expect_kernels(parts["architecture"])
        from lutsmith.nn import Architecture
        from lutsmith.training import Settings

        return {
            "architecture": as_json(Architecture.from_json(parts["architecture"]).to_json()),
            "settings": as_json(Settings.from_json(parts["settings"]).to_json()),
        }

    def fitted_to(self, parts: Parts, num_classes: int) -> Parts:
        from lutsmith.nn import Architecture

        architecture = Architecture.from_json(parts["architecture"]).shared_by(num_classes)
        return {**parts, "architecture": as_json(architecture.to_json())}

    def wanted_objective(self, parts: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return the objective of a head or a setting that is not the default."""
        from lutsmith.nn.heads import HEADS
        from lutsmith.training.fitting import DEFAULT_HEADS, objective_of_head

        head = parts["architecture"].get("head")
        if head in HEADS and head != DEFAULT_HEADS["classification"]:
            return objective_of_head(str(head))
        objective: str | None = parts["settings"].get("objective")
        return None if objective == "classification" else objective

    def ready(
        self,
        dataset: Dataset,
        parts: Parts,
        start: Circuit | None = None,
        devices: int | None = None,
    ) -> Preparation:
        from lutsmith.nn import Architecture
        from lutsmith.training import Settings
        from lutsmith.training.fitting import Preparation

        return Preparation.of(
            dataset,
            Architecture.from_json(parts["architecture"]),
            Settings.from_json(parts["settings"]),
            start,
            devices,
        )
