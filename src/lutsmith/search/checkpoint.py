"""The state of a search in a file, which is written whole or not at all, and refused for other settings or data."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
import zlib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import to_bytes
from lutsmith.data.dataset import Dataset
from lutsmith.ground.arguments import instance_of, number, whole_number
from lutsmith.ground.arrays import add_to
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.strict_json import brief, strict_loads
from lutsmith.search.settings import SearchSettings

FORMAT = "lutsmith search state 1"
NOT_READ = (
    *(ValueError, LookupError, TypeError, ArithmeticError, EOFError),
    *(RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error),  # of a zip file with changed bytes
)
"""What reading raises where a file holds something else."""
EVERY = 5.0
"""Seconds between two writes."""


@dataclass
class SearchState:
    """How far a search has come.

    Attributes:
        step: steps that were made.
        arrays: tables and wires of the network, `tables` and `fanin`; of the best one, `best_tables` and `best_fanin`;
            and what the method keeps, each name after `method_`.
        best: accuracy and loss of the best network on the validation rows, and its step; None before the first look.
        waited: looks since then.
        seconds: of searching, over all sessions.
        looks: figures of each look, in order.
        stopped: why the search has ended, or None.
    """

    step: int = 0
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    best: tuple[float, float, int] | None = None
    waited: int = 0
    seconds: float = 0.0
    looks: list[dict[str, Any]] = field(default_factory=list)
    stopped: str | None = None


class SearchCheckpoint:
    """A file that holds how far a search has come.

    Args:
        path: of the file.
        settings: how long the search may take is not compared.
        dataset: what is learned.
        start: the circuit that it began with.
    """

    def __init__(
        self, path: str | os.PathLike[str], settings: SearchSettings, dataset: Dataset, start: Circuit
    ) -> None:
        self.path, self._of = Path(path), _digest(settings, dataset, start)
        self._netlist, self._steps = start.netlist, settings.steps
        self._written = time.perf_counter()

    @property
    def due(self) -> bool:
        """Whether the last write was a while ago."""
        return time.perf_counter() - self._written >= EVERY

    def read(self) -> SearchState | None:
        """Return the state in the file; None where there is no file.

        Raises:
            ValueError: the file does not hold a state, or one of other settings or data.
            OSError: it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            facts = strict_loads(arrays.pop("facts").tobytes().decode("utf-8"))
            if facts.pop("format") != FORMAT:
                raise ValueError("it is of another format")
            state = self._state(facts, arrays) if facts.pop("of") == self._of else None
        except NOT_READ as error:
            raise self.wrong(error) from error
        if state is None:
            raise ValueError(
                f"{self.path} is of other settings or data: give those that it was begun with, or remove it"
            )
        return state

    def wrong(self, error: Exception) -> ValueError:
        """Return the error for a file with contents that no search can have written."""
        why = f"it lacks {error.args[0]}" if isinstance(error, KeyError) else brief(error)
        return ValueError(f"{self.path} holds no state of a search ({why}): remove it to begin anew")

    def write(self, state: SearchState) -> None:
        """Write a state.

        Raises:
            OSError: the file cannot be written, or the disk is full; an older one stays as it is.
        """
        facts = {**vars(state), "format": FORMAT, "of": self._of}
        arrays = facts.pop("arrays")
        out = io.BytesIO()
        text = json.dumps(facts, allow_nan=False).encode()
        np.savez(out, facts=np.frombuffer(text, np.uint8), **arrays)
        write_atomically(self.path, out.getvalue())
        self._written = time.perf_counter()

    def _state(self, facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> SearchState:
        wanted = {item.name for item in fields(SearchState)} - {"arrays"}
        state = SearchState(arrays=arrays, **{name: facts[name] for name in wanted})
        whole_number("its step", state.step, 0, self._steps)
        whole_number("waited", state.waited, 0)
        _at_least_0("seconds", state.seconds)
        if state.best is not None:
            accuracy, loss, step = state.best
            number("the best accuracy", accuracy, lambda value: 0 <= value <= 1, "a share")
            _at_least_0("the best loss", loss)
            state.best = accuracy, loss, whole_number("the best step", step, 0, state.step)
        instance_of("looks", state.looks, list)
        before = 0
        for look in state.looks:
            before = whole_number("the step of a look", look["step"], before + 1, state.step)
            for name in ("loss", "hard", "validation_loss", "seconds"):
                if look[name] is not None or name in ("loss", "seconds"):
                    _at_least_0(name, look[name])
        if state.stopped is not None:
            instance_of("stopped", state.stopped, str)
        for which in ("", "best_") if state.best is not None else ("",):
            tables, fanin = arrays[f"{which}tables"], arrays[f"{which}fanin"]
            index = np.arange(tables.size, dtype=np.int32)
            replace(self._netlist, fanin=fanin, table_pool=tables, table_index=index)  # which checks them
        return state


def _at_least_0(name: str, value: Any) -> None:
    number(name, value, lambda real: 0 <= real < np.inf, "a number of at least 0")


def _digest(settings: SearchSettings, dataset: Dataset, start: Circuit) -> str:
    """Return a checksum of all that decides what a search does."""
    found = hashlib.blake2b(to_bytes(start), digest_size=16)
    told = replace(settings, max_seconds=None, workers=None).to_json()
    later: tuple[str, ...] = ("split_seed", "workers", "members", "exchange_every", "replaced", "member_options")
    if settings.members == 1:  # earlier versions had neither members nor the seed of rows
        later = later if settings.split_seed is None else later[1:]
        told = {name: value for name, value in told.items() if name not in later}
    found.update(json.dumps(told, sort_keys=True).encode())
    for array in (dataset.x_train, dataset.y_train):
        add_to(found, array)
    return found.hexdigest()
