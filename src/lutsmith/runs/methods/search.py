"""Search: a network whose tables and wires are bits at all times, by a method of `search`. No torch."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lutsmith.circuit import Circuit
from lutsmith.circuit.metadata import Metadata
from lutsmith.data import Dataset
from lutsmith.data.report import Fitted
from lutsmith.ground.arguments import check_options, instance_of
from lutsmith.ground.interrupts import Interrupts, TrainingInterrupted
from lutsmith.ground.metrics_log import MetricsLog
from lutsmith.ground.progress import ProgressBar
from lutsmith.runs.methods.method import Method, Parts, Told, as_json, checkpoint_in

if TYPE_CHECKING:
    from lutsmith.search.trainer import Look, PreparedSearch, SearchTrainer

NAMES = ("evolve", "bitflip", "pivotal", "coordinate", "anneal", "population", "wires", "memorize", "greedy")
"""The methods that come with lutsmith, before any of them is imported."""


class Search(Method):
    """A method of search; `Methods` makes a class for each name. Its settings are those of a search and its own,
    beside each other.
    """

    parts = ("settings",)
    arguments: ClassVar = dict.fromkeys(("seed", "max_seconds"), "settings")
    checkpoint = "checkpoint.npz"
    free = ("workers",)
    unit = "step"
    begins = True
    by_name_alone = True

    def fits(self, given: Any) -> bool:  # noqa: ARG002 - it is never guessed
        return False

    def read(self, part: str, given: Any) -> Mapping[str, Any]:
        if isinstance(given, Mapping):
            return given
        from lutsmith.search.settings import SearchSettings

        instance_of(part, given, SearchSettings, "or a mapping of its fields and the method's")
        values = given.to_json()
        if values.pop("method") != self.name:
            raise ValueError(f"the settings are of method={given.method!r}, and method is {self.name!r}")
        return {**values.pop("options"), **values}

    def completed(self, parts: Parts) -> Parts:
        from lutsmith.search.method import METHODS, method_named
        from lutsmith.search.settings import SearchSettings

        given = parts["settings"]
        of_search = [item.name for item in fields(SearchSettings) if item.name not in ("method", "options")]
        own = [item.name for item in fields(METHODS[self.name].Settings)]
        check_options(f"method {self.name!r}", given, [*own, *of_search])
        options = {name: value for name, value in given.items() if name in own}
        rest = {name: value for name, value in given.items() if name not in own}
        whole = SearchSettings.from_json({**rest, "method": self.name, "options": options}).to_json()
        chosen = method_named(self.name, options).settings
        told = {**{name: getattr(chosen, name) for name in own}, **{name: whole[name] for name in of_search}}
        return {"architecture": {}, "settings": as_json(told)}

    def wanted_objective(self, parts: Mapping[str, Mapping[str, Any]]) -> str | None:  # noqa: ARG002
        return None

    def ready(
        self,
        dataset: Dataset,
        parts: Parts,
        start: Circuit | None = None,
        devices: int | None = None,  # noqa: ARG002 - one process
    ) -> Searching:
        from lutsmith.search.method import METHODS
        from lutsmith.search.settings import SearchSettings
        from lutsmith.search.trainer import SearchTrainer

        own = [item.name for item in fields(METHODS[self.name].Settings)]
        given = dict(parts["settings"])
        options = {name: given.pop(name) for name in own}
        trainer = SearchTrainer(SearchSettings.from_json({**given, "method": self.name, "options": options}))
        return Searching(trainer, trainer.prepare(dataset, start=start))


class Methods(Mapping[str, Method]):
    """Training methods by name: some that are given, and the methods of search, including those that are registered by
    now.
    """

    def __init__(self, *others: Method) -> None:
        self._others = {method.name: method for method in others}

    def __getitem__(self, name: str) -> Method:
        if name in self._others:
            return self._others[name]
        if name not in self._names():
            raise KeyError(name)
        made: Method = type(name, (Search,), {"name": name})()
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        known = sys.modules.get("lutsmith.search.method")
        return list(dict.fromkeys([*self._others, *NAMES, *(() if known is None else known.METHODS)]))


@dataclass(frozen=True, eq=False)
class Searching:
    """A search that is about to begin.

    Attributes:
        trainer: how.
        prepared: the network and the packed data.
    """

    trainer: SearchTrainer
    prepared: PreparedSearch

    @property
    def seconds(self) -> float:
        """What preparing took."""
        return self.prepared.seconds

    def fit(
        self, *, resume: bool, metadata: Metadata, folder: Path | None, quiet: bool, told: Told | None = None
    ) -> Fitted:
        """Search; see `methods.method.Ready`."""
        checkpoint = checkpoint_in(folder, Search.checkpoint, resume=resume)
        with Interrupts() as interrupts, SearchLog(folder, self.trainer, quiet=quiet) as log:

            def watch(look: Look) -> None:
                log.append(look)
                if told is not None and look.figures is not None and look.validation is not None:
                    told(look.step, look.validation)
                if (number := interrupts.requested) is not None:  # the trainer saves before it lets this through
                    where = f"stopped after {look.step:,} of {look.steps:,} steps"
                    if folder is None:
                        raise TrainingInterrupted(f"{where}; nothing was saved, since there is no folder", number)
                    raise TrainingInterrupted(f"{where}; saved in {folder}: go on with resume=True", number)

            return self.trainer.fit(self.prepared, watch=watch, checkpoint=checkpoint, metadata=metadata)


class SearchLog(contextlib.AbstractContextManager["SearchLog"]):
    """Shows a search and writes each look at the validation rows down; a bar is removed at the end of the block.

    Args:
        folder: where metrics.jsonl goes; None: nothing is written.
        trainer: whose looks of earlier sittings are written down first.
        quiet: show no progress.
    """

    def __init__(self, folder: Path | None, trainer: SearchTrainer, *, quiet: bool) -> None:
        self._folder, self._trainer, self._begun = folder, trainer, False
        self._log: MetricsLog | None = None
        self._bar = ProgressBar(1.0, quiet=quiet)
        self._last = ""

    def __enter__(self) -> SearchLog:
        self._bar.start()
        return self

    def append(self, look: Look) -> None:
        """Show a step, and write a look down."""
        if not self._begun:
            self._begun = True
            if self._folder is not None:
                earlier = self._trainer.looks if look.figures is None else self._trainer.looks[:-1]
                self._log = MetricsLog(self._folder, earlier)
        if look.figures is not None and self._log is not None:
            self._log.append(look.figures)
        reached = "" if look.validation is None else f"  validation {look.validation:.2%}"
        text = f"step {look.step:,}/{look.steps:,}  loss {look.loss:.4f}{reached}"
        self._last = f"{text}  {look.seconds:.1f} s"
        if self._bar.due():
            left = look.seconds / look.step * (look.steps - look.step)
            limit = self._trainer.settings.max_seconds
            left = left if limit is None else min(left, max(0.0, limit - look.seconds))
            self._bar.draw(look.step / look.steps, text, f"{self._last}, {left:.0f} s left", left)

    def __exit__(self, *error: object) -> None:
        self._bar.stop()
        if self._last and error[0] is None:
            self._bar.line(self._last, last=True)
        if self._log is not None:
            self._log.close()
