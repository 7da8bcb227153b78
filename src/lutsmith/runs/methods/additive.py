"""Additive learning: a network that `additive` grows, and how its progress is shown. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lutsmith.circuit import Circuit
from lutsmith.circuit.metadata import Metadata
from lutsmith.data import Dataset
from lutsmith.data.report import Fitted
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.interrupts import Interrupts, TrainingInterrupted
from lutsmith.runs.methods.growth_log import GrowthLog
from lutsmith.runs.methods.method import Method, Parts, Ready, Told, as_json, checkpoint_in

if TYPE_CHECKING:
    from lutsmith.additive import AdditiveTrainer, Growth
    from lutsmith.additive.trainer import Prepared


class Additive(Method):
    """Networks of one layer of LUTs that vote, grown one after the other."""

    name = "additive"
    parts = ("settings",)
    arguments: ClassVar = dict.fromkeys(("max_luts", "max_seconds", "rank", "bits", "seed"), "settings")
    checkpoint = "checkpoint.npz"
    unit = "LUT"

    def fits(self, given: Any) -> bool:
        from lutsmith.additive import AdditiveSettings

        if not isinstance(given, Mapping):
            return isinstance(given, AdditiveSettings)
        return set(given) <= {item.name for item in fields(AdditiveSettings)}

    def read(self, part: str, given: Any) -> Mapping[str, Any]:
        from lutsmith.additive import AdditiveSettings

        if isinstance(given, Mapping):
            return given
        instance_of(part, given, AdditiveSettings, "or a mapping of its fields")
        values: Mapping[str, Any] = given.to_json()
        return values

    def completed(self, parts: Parts) -> Parts:
        from lutsmith.additive import AdditiveSettings

        return {"architecture": {}, "settings": as_json(AdditiveSettings.from_json(parts["settings"]).to_json())}

    def wanted_objective(self, parts: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return the objective that alone has a loss, where one is given."""
        from lutsmith.additive.losses import LOSSES

        having = [objective for objective, losses in LOSSES.items() if parts["settings"].get("loss") in losses]
        return having[0] if len(having) == 1 and having != ["classification"] else None

    def ready(
        self,
        dataset: Dataset,
        parts: Parts,
        start: Circuit | None = None,  # noqa: ARG002
        devices: int | None = None,  # noqa: ARG002 - one process
    ) -> Growing:
        from lutsmith.additive import AdditiveSettings, AdditiveTrainer

        trainer = AdditiveTrainer(AdditiveSettings.from_json(parts["settings"]))
        return Growing(trainer, trainer.prepare(dataset))

    def again(self, ready: Ready, dataset: Dataset, parts: Parts, start: Circuit | None = None) -> Growing:
        from lutsmith.additive import AdditiveSettings, AdditiveTrainer

        if not isinstance(ready, Growing):
            return self.ready(dataset, parts, start)
        settings = AdditiveSettings.from_json(parts["settings"])
        prepared = replace(ready.prepared, settings=replace(ready.prepared.settings, seed=settings.seed), seconds=0.0)
        return Growing(AdditiveTrainer(settings), prepared)


@dataclass(frozen=True, eq=False)
class Growing:
    """A network that is about to be grown.

    Attributes:
        trainer: how.
        prepared: the checked data and their bits.
    """

    trainer: AdditiveTrainer
    prepared: Prepared

    @property
    def seconds(self) -> float:
        """What preparing the data took."""
        return self.prepared.seconds

    def fit(
        self, *, resume: bool, metadata: Metadata, folder: Path | None, quiet: bool, told: Told | None = None
    ) -> Fitted:
        """Grow it; see `methods.method.Ready`."""
        checkpoint = checkpoint_in(folder, Additive.checkpoint, resume=resume)
        with Interrupts() as interrupts, GrowthLog(folder, quiet=quiet) as log:

            def watch(growth: Growth) -> None:
                if not log.begun:
                    log.begin(self.trainer.history)  # of earlier sittings
                log.append(growth)
                if told is not None and growth.validation is not None and growth.stage == "growing":
                    told(growth.luts, growth.validation)
                if (number := interrupts.requested) is not None:  # the trainer saves before it lets this through
                    where = f"stopped at {growth.luts:,} of {growth.total:,} LUTs, {growth.stage}"
                    if folder is None:
                        raise TrainingInterrupted(f"{where}; nothing was saved, since there is no folder", number)
                    raise TrainingInterrupted(f"{where}; saved in {folder}: go on with resume=True", number)

            return self.trainer.fit(self.prepared, watch=watch, checkpoint=checkpoint, metadata=metadata)
