"""How far polishing has come, in memory and in a file: whole or not at all, and of the same circuit, settings and data
or refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import to_bytes
from lutsmith.circuit.netlist import Netlist
from lutsmith.data.dataset import Dataset
from lutsmith.ground.arguments import number, whole_number
from lutsmith.ground.arrays import add_to, numbered
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.strict_json import record_of, strict_loads
from lutsmith.search.polish_settings import PolishSettings

FORMAT = "lutsmith polish state 1"
NOT_READ = (
    *(ValueError, LookupError, TypeError, ArithmeticError, EOFError),
    *(RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error),  # of a zip file with changed bytes
)
"""What reading raises where a file holds something else."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What a sweep did and reached; the first, of number 0, is the circuit that was given.

    Attributes:
        sweep: its number.
        entries: of tables, that were inverted.
        wires: that were moved.
        nodes: of either.
        loss: of the rows that choose as the sweep leaves them, a sample's: cross entropy in nats, of several labels the
            sum over these, of numbers the squared error in units of the variance, summed over targets.
        validation_loss: of the held-out rows; None without such rows.
        validation: their score (accuracy, share of right bits, R^2); likewise.
        seconds: since the beginning, over all sittings.
        finished: whether it came to its end, and was measured.
    """

    sweep: int
    entries: int = 0
    wires: int = 0
    nodes: int = 0
    loss: float
    validation_loss: float | None = None
    validation: float | None = None
    seconds: float = 0.0
    finished: bool = True


@dataclass
class PolishState:
    """What polishing goes on from, after a sweep.

    Attributes:
        netlist: the present one.
        best: the best one on the validation rows.
        best_sweep: its number in `history`.
        tau: of the loss; numbers have none.
        history: sweep by sweep.
    """

    netlist: Netlist
    best: Netlist
    best_sweep: int
    tau: float
    history: list[Sweep] = field(default_factory=list)


class PolishCheckpoint:
    """A file that holds a state.

    Args:
        path: of the file.
        circuit: that polishing began with.
        settings: how it goes about it; how many sweeps, and how long it may take, are not compared.
        dataset: the rows.
    """

    def __init__(
        self, path: str | os.PathLike[str], circuit: Circuit, settings: PolishSettings, dataset: Dataset
    ) -> None:
        self.path, self._netlist = Path(path), circuit.netlist
        found = hashlib.blake2b(to_bytes(circuit), digest_size=16)
        compared = replace(settings, sweeps=0, max_seconds=None).to_json()
        found.update(json.dumps(compared, sort_keys=True).encode())
        for array in (dataset.x_train, dataset.y_train):
            add_to(found, array)
        self._of = found.hexdigest()

    def read(self) -> PolishState | None:
        """Return the state in the file; None where there is no file.

        Raises:
            ValueError: the file holds none, or one of another circuit, other settings or data.
            OSError: it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as file:
                facts = strict_loads(file["facts"].tobytes().decode("utf-8"))
                arrays = {name: file[name] for name in ("fanin", "tables", "best_fanin", "best_tables")}
            if facts["format"] != FORMAT:
                raise ValueError(f"it is of the format {facts['format']!r}")
            if facts["of"] == self._of:
                history = [record_of(Sweep, sweep) for sweep in facts["history"]]
                return PolishState(
                    netlist=with_tables(self._netlist, arrays["fanin"], arrays["tables"]),
                    best=with_tables(self._netlist, arrays["best_fanin"], arrays["best_tables"]),
                    best_sweep=whole_number("best_sweep", facts["best_sweep"], 0, len(history) - 1),
                    tau=number("tau", facts["tau"], np.isfinite, "a number"),
                    history=history,
                )
        except NOT_READ as error:
            raise ValueError(f"{self.path} holds no state of polishing ({error}): remove it to begin anew") from error
        raise ValueError(
            f"{self.path} is of another circuit, other settings or data: give those it was begun with, or remove it"
        )

    def write(self, state: PolishState) -> None:
        """Write a state; OSError where that cannot be done: an older one stays as it is."""
        facts = {
            "format": FORMAT,
            "of": self._of,
            "best_sweep": state.best_sweep,
            "tau": state.tau,
            "history": [asdict(sweep) for sweep in state.history],
        }
        out = io.BytesIO()
        np.savez(
            out,
            facts=np.frombuffer(json.dumps(facts, allow_nan=False).encode(), np.uint8),
            fanin=state.netlist.fanin,
            tables=state.netlist.tables(),
            best_fanin=state.best.fanin,
            best_tables=state.best.tables(),
        )
        write_atomically(self.path, out.getvalue())


def with_tables(netlist: Netlist, fanin: NDArray[Any], tables: NDArray[Any]) -> Netlist:
    """Return a netlist of the same nodes with other wires and tables."""
    first, index = numbered(tables)
    return replace(netlist, fanin=fanin, table_pool=tables[first], table_index=index)


def changes(before: Netlist, after: Netlist) -> dict[str, Any]:
    """Return what differs between two netlists of the same nodes, as JSON: of entries those of nodes that read the
    same signals; a node whose wires differ counts under `wires`.
    """
    ranks = before.ranks
    node = np.repeat(np.arange(before.num_nodes), ranks)
    wires = np.bincount(node, before.fanin != after.fanin, minlength=before.num_nodes).astype(np.int64)
    entries = np.bitwise_count(before.tables() ^ after.tables()).astype(np.int64)
    entries[wires > 0] = 0
    levels = []
    for level, (start, stop) in enumerate(zip(before.level_ptr[:-1], before.level_ptr[1:], strict=True)):
        of = slice(start, stop)
        changed = int(np.count_nonzero((entries[of] > 0) | (wires[of] > 0)))
        figures = {"nodes": changed, "entries": int(entries[of].sum()), "wires": int(wires[of].sum())}
        levels.append({"level": level, "luts": int(stop - start), **figures})
    total = {name: sum(level[name] for level in levels) for name in ("nodes", "entries", "wires")}
    return {**total, "levels": levels}
