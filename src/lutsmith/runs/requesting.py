"""The arguments of `train` as one value, before anything is loaded that can be loaded later."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lutsmith import presets
from lutsmith.circuit import Circuit
from lutsmith.data import TASKS, Dataset, from_arrays, stream_arrays
from lutsmith.data.large.arrays import is_large
from lutsmith.data.tasks import is_streamed
from lutsmith.ground.arguments import as_python
from lutsmith.presets import DEFAULT_METHODS
from lutsmith.runs.held_out import fingerprint
from lutsmith.runs.methods import METHODS, asked_method
from lutsmith.runs.plan import Request

if TYPE_CHECKING:
    from lutsmith.additive import AdditiveSettings
    from lutsmith.nn import Architecture
    from lutsmith.training import Settings

PathLike = str | os.PathLike[str]


def requested(
    source: Any,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    sample_weight: Any = None,
    objective: str | None = None,
    preset: str | None = None,
    data: PathLike | None = None,
    target: str | int | None = None,
    test: PathLike | None = None,
    luts: Sequence[int] | int | None = None,
    rank: int | None = None,
    bits: int | None = None,
    lr: float | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    architecture: Architecture | Mapping[str, Any] | None = None,
    settings: Settings | AdditiveSettings | Mapping[str, Any] | None = None,
    table: Mapping[str, Any] | None = None,
    test_share: float | None = None,
    method: str | None = None,
    max_luts: int | None = None,
    max_seconds: float | None = None,
    start: Circuit | PathLike | None = None,
    kept: bool = False,
) -> Request:
    """Return the arguments of `train` as one value, its data in memory as a `Dataset`; errors as for `train`.

    `kept` says whether the run is kept in a folder, so that data in memory need a checksum.
    """
    chosen = {"luts": as_python(luts), "lr": lr, "epochs": epochs, "max_luts": max_luts, "max_seconds": max_seconds}
    chosen["start"] = start
    source, data = named_task(source, data)
    method = asked_method(method, preset, {**chosen, "architecture": architecture, "settings": settings})
    parts: dict[str, Any] = {"architecture": architecture, "settings": settings}
    parts = {part: value for part, value in parts.items() if value is not None}
    if method is not None:
        parts = {part: METHODS[method].read(part, value) for part, value in parts.items()}
    dataset = None
    if isinstance(source, str):
        given = {"y": y, "X_test": X_test, "y_test": y_test, "sample_weight": sample_weight, "objective": objective}
        if named := [name for name, value in given.items() if value is not None]:
            hint = f"did you mean preset={y!r}?" if isinstance(y, str) else "leave it out"
            raise ValueError(f"{named[0]} is of samples in memory, and {source!r} is the name of a task: {hint}")
    else:
        if named := [name for name, value in (("data", data), ("target", target), ("test", test)) if value is not None]:
            raise ValueError(f"{named[0]} is of tasks, and the samples are given: leave it out")
        if isinstance(source, Dataset):
            if any(value is not None for value in (y, X_test, y_test, sample_weight, objective, table)):
                raise ValueError("a Dataset has its targets, test part, weights and objective: give it alone")
            dataset = source
        else:
            if objective is None:
                asking = METHODS[method or DEFAULT_METHODS["tables"]]  # whose settings may name a loss
                objective = asking.wanted_objective({"architecture": {}, "settings": {}, **parts})
            learns = method or (None if preset is None else presets.get(preset).method)
            if learns in (None, "gradients") and sample_weight is None and y is not None and is_large(source):
                dataset = stream_arrays(source, y, X_test, y_test, objective=objective)
            else:
                dataset = from_arrays(
                    source, y, X_test, y_test, sample_weight=sample_weight, objective=objective, table=table
                )
    if method is None and preset is None:
        large = dataset.stream is not None if dataset is not None else source == "table" and _is_large(data)
        method = "gradients" if large else None  # the only way to learn that does not read all rows at once
    return Request(
        None if dataset is not None else source,
        preset,
        None if data is None else os.fspath(data),
        target,
        None if test is None else os.fspath(test),
        rank=rank,
        bits=bits,
        seed=seed,
        table=None if dataset is not None else table,
        test_share=test_share,
        dataset=dataset,
        fingerprint=fingerprint(dataset) if dataset is not None and kept else None,
        method=method,
        **chosen,
        **parts,
    )


def named_task(source: Any, data: PathLike | None) -> tuple[Any, PathLike | None]:
    """Return a task and its data where the path of a table is given in place of a task: then it is "table"."""
    if data is None and isinstance(source, (str, os.PathLike)) and source not in TASKS and Path(source).exists():
        return "table", os.fspath(source)
    return source, data


def _is_large(data: PathLike | None) -> bool:
    """Return whether a path has more rows than are held; what is wrong with it is said later."""
    try:
        return is_streamed(data)
    except (ValueError, OSError):
        return False
