"""Learning in phases: a network of neurons that becomes LUTs, by `training.phases`. torch is imported when used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lutsmith.circuit import Circuit
from lutsmith.data import Dataset
from lutsmith.ground.arguments import instance_of
from lutsmith.runs.methods.method import Method, Parts, as_json

if TYPE_CHECKING:
    from lutsmith.training.phased import PhasedPreparation


class Phases(Method):
    """From full precision over binary weights and pruning to LUTs."""

    name = "phases"
    parts = ("architecture", "settings")
    arguments: ClassVar = {"bits": "architecture", "seed": "settings"}
    checkpoint = "checkpoint.pt"
    folders = ("phases/[0-9]*-*", "phases", "teacher")
    kept = ("done.pt",)
    by_name_alone = True
    together = True

    def fits(self, given: Any) -> bool:
        return isinstance(given, Mapping)

    def read(self, part: str, given: Any) -> Mapping[str, Any]:
        if isinstance(given, Mapping):  # before torch is imported
            return given
        from lutsmith.nn.neurons.network import NeuronArchitecture
        from lutsmith.training.phases import PhasedSettings

        kind = NeuronArchitecture if part == "architecture" else PhasedSettings
        instance_of(part, given, kind, "or a mapping of its fields")
        fields: Mapping[str, Any] = given.to_json()
        return fields

    def completed(self, parts: Parts) -> Parts:
        from lutsmith.nn.neurons.network import NeuronArchitecture
        from lutsmith.training.phases import PhasedSettings

        return {
            "architecture": as_json(NeuronArchitecture.from_json(parts["architecture"]).to_json()),
            "settings": as_json(PhasedSettings.from_json(parts["settings"]).to_json()),
        }

    def wanted_objective(self, parts: Mapping[str, Mapping[str, Any]]) -> str | None:  # noqa: ARG002
        return "classification"

    def ready(
        self,
        dataset: Dataset,
        parts: Parts,
        start: Circuit | None = None,  # noqa: ARG002
        devices: int | None = None,
    ) -> PhasedPreparation:
        from lutsmith.nn.neurons.network import NeuronArchitecture
        from lutsmith.training.phased import PhasedPreparation
        from lutsmith.training.phases import PhasedSettings

        return PhasedPreparation.of(
            dataset,
            NeuronArchitecture.from_json(parts["architecture"]),
            PhasedSettings.from_json(parts["settings"]),
            devices,
        )
