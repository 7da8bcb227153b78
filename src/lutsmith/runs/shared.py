"""Data that runs share: loaded once, held out once, and prepared once for all seeds of the same settings."""

from __future__ import annotations

from typing import Any

from lutsmith.circuit import Circuit
from lutsmith.circuit.metadata import HeldOut
from lutsmith.data import Dataset, load
from lutsmith.runs.held_out import TABLES, hold_out
from lutsmith.runs.methods import METHODS, Ready
from lutsmith.runs.plan import Plan, Request


class SharedData:
    """What runs, one after the other in this process, have in common. It keeps the last of each kind.

    Args:
        dataset: the data of the task, if somebody has loaded them already.

    Attributes:
        loads: how often data were loaded.
        preparations: how often a method prepared data anew, such as fitting thresholds and encoding rows.
    """

    def __init__(self, dataset: Dataset | None = None) -> None:
        self.loads = self.preparations = 0
        self._given = dataset
        self._loaded: tuple[Any, Dataset] | None = None
        self._parted: tuple[Dataset, Any, tuple[Dataset, HeldOut | None]] | None = None
        self._ready: tuple[Dataset, Any, Ready] | None = None

    def whole(self, plan: Plan, request: Request) -> Dataset:
        """Return the data of a plan, with its test part if it comes with one; errors as for `data.load`."""
        if request.dataset is not None or self._given is not None:
            found = request.dataset or self._given
            assert found is not None
            return found
        of = (plan.task, plan.data, plan.target, plan.test, plan.table)
        if self._loaded is None or self._loaded[0] != of:
            self._loaded = of, load(plan.task or "", plan.data, plan.target, plan.test, plan.table)
            self.loads += 1
        return self._loaded[1]

    def parted(self, plan: Plan, request: Request) -> tuple[Dataset, HeldOut | None]:
        """Return the data with a test part, and which rows of a table it is; errors as for `hold_out`."""
        dataset = self.whole(plan, request)
        if request.dataset is None and plan.task not in TABLES:
            return dataset, None
        of = (plan.test_share, plan.rows_seed)
        if self._parted is None or self._parted[0] is not dataset or self._parted[1] != of:
            self._parted = dataset, of, hold_out(dataset, plan.test_share or 0.0, plan.rows_seed)
        return self._parted[2]

    def ready(self, plan: Plan, dataset: Dataset, start: Circuit | None, devices: int | None = None) -> Ready:
        """Return what training needs; errors as for `Method.ready`."""
        method, settings = METHODS[plan.method], {**plan.settings, "seed": None}
        of, last = (plan.method, plan.architecture, settings, plan.start), self._ready
        if last is not None and last[0] is dataset and last[1] == of and settings.get("split_seed") is not None:
            return method.again(last[2], dataset, plan.parts, start)
        ready = method.ready(dataset, plan.parts, start, devices)
        self.preparations += 1
        self._ready = dataset, of, ready
        return ready
