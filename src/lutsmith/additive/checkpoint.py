"""The state of training in a file, which is written whole or not at all, and refused for other settings or data."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.course import Growth, State
from lutsmith.additive.front import Bits, Front
from lutsmith.additive.network import VotingLut
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.data.dataset import Dataset
from lutsmith.ground.arguments import whole_number
from lutsmith.ground.arrays import add_to
from lutsmith.ground.atomic import write_atomically
from lutsmith.ground.strict_json import record_of, strict_loads
from lutsmith.kernels.additive.growth import MAX_RANK

FORMAT = "lutsmith additive state 1"
NO_INPUT = -1
"""In the place of inputs of a LUT that has fewer than others."""
NOT_READ = (
    *(ValueError, LookupError, TypeError, ArithmeticError, EOFError),
    *(RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error),  # of a zip file with changed bytes
)
"""What reading raises where a file holds something else."""
EVERY = 5.0
"""Seconds between two writes."""
SAMPLE = 1 << 25
"""Bytes of the samples by which files of earlier versions tell larger data sets apart."""


class Checkpoint:
    """A file that holds how far training has come.

    Args:
        path: of the file.
        settings: of training; how long it may take is not compared.
        dataset: what is learned.
        encoding: the bits of it.
        start: what training began with, in bytes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        settings: AdditiveSettings,
        dataset: Dataset,
        encoding: Bits,
        start: bytes = b"",
    ) -> None:
        self.path = Path(path)
        self._of = _digest(settings, dataset, encoding, start)
        stride = -(-dataset.x_train.nbytes // SAMPLE)
        earlier = _digest(settings, dataset, encoding, start, stride) if stride > 1 else self._of
        self._known = {self._of, earlier}
        self._scores, self._settings, self._bits = dataset.num_classes, settings, len(encoding)
        self._last: State | None = None
        self._written = time.perf_counter()

    def read(self) -> State | None:
        """Return the state in the file; None where there is no file.

        Raises:
            ValueError: the file does not hold a state, or one of other settings or data.
            OSError: it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as file:
                facts = strict_loads(file["facts"].tobytes().decode("utf-8"))
                arrays = {name: file[name] for name in ("codes", "inputs", "tables", "sizes")}
            if facts["format"] != FORMAT:
                raise ValueError(f"it is of the format {facts['format']!r}")
            state = self._state(facts, arrays) if facts["of"] in self._known else None
        except NOT_READ as error:
            raise ValueError(
                f"{self.path} holds no state of additive training ({error}): remove it to begin anew"
            ) from error
        if state is None:
            raise ValueError(
                f"{self.path} is of other settings or data: give those that it was begun with, or remove it"
            )
        return state

    def keep(self, state: State) -> None:
        """Remember a state from which training can go on, and write it if the last write was a while ago."""
        self._last = replace(state, network=list(state.network), best=list(state.best), steps=list(state.steps))
        if time.perf_counter() - self._written >= EVERY:
            self.write()

    def write(self) -> None:
        """Write the last state that was kept.

        Raises:
            OSError: the file cannot be written, or the disk is full; an older one stays as it is.
        """
        if self._last is None:
            return
        state = self._last
        luts = [*state.network, *state.best]
        rank = max([*self._settings.ranks, *(lut.inputs.size for lut in luts)])
        inputs = np.full((len(luts), rank), NO_INPUT, np.int32)
        tables = np.zeros((len(luts), 1 << rank), np.bool_)
        for place, lut in enumerate(luts):
            inputs[place, : lut.inputs.size], tables[place, : lut.table.size] = lut.inputs, lut.table
        facts = {
            "format": FORMAT,
            "of": self._of,
            "stage": state.stage,
            "turn": state.turn,
            "best_score": state.best_score if np.isfinite(state.best_score) else None,
            "best_loss": state.best_loss if np.isfinite(state.best_loss) else None,
            "least": state.least if np.isfinite(state.least) else None,
            "kept": state.kept,
            "tau": state.tau,
            "seconds": state.seconds,
            "steps": [asdict(step) for step in state.steps],
        }
        out = io.BytesIO()
        np.savez(
            out,
            facts=np.frombuffer(json.dumps(facts, allow_nan=False).encode(), np.uint8),
            codes=np.array([lut.code for lut in luts], np.int32).reshape(len(luts), self._scores),
            inputs=inputs,
            tables=tables,
            sizes=np.array([len(state.network), len(state.best)]),
        )
        write_atomically(self.path, out.getvalue())
        self._written = time.perf_counter()

    def _state(self, facts: Any, arrays: dict[str, NDArray[Any]]) -> State:
        network, best = arrays["sizes"].tolist()
        rank, luts = arrays["inputs"].shape[1], network + best
        wanted = {"codes": (self._scores, np.int32), "inputs": (rank, np.int32), "tables": (1 << rank, np.bool_)}
        for name, (width, dtype) in wanted.items():
            if arrays[name].shape != (luts, width) or arrays[name].dtype != dtype:
                raise ValueError(f"its {name} have shape {arrays[name].shape}")
        places = np.concatenate([np.arange(network), np.arange(best)])[:, None]
        ranks = np.count_nonzero(arrays["inputs"] != NO_INPUT, axis=1)
        there = np.arange(rank) < ranks[:, None]
        if not max(self._settings.ranks) <= rank <= MAX_RANK:
            raise ValueError(f"its LUTs have {rank} inputs")
        if (arrays["inputs"][there] < 0).any() or (arrays["inputs"] >= self._bits + places).any():
            raise ValueError("a LUT reads what is not there")
        if max(network, best) > max(self._settings.max_luts, self._scores):
            raise ValueError(f"it has {max(network, best)} LUTs")
        for name in ("stage", "turn", "kept"):
            whole_number(f"its {name}", facts[name], 0)
        fields = zip(arrays["codes"], arrays["inputs"], arrays["tables"], ranks.tolist(), strict=True)
        together = [VotingLut(code, inputs[:rank], table[: 1 << rank]) for code, inputs, table, rank in fields]
        return State(
            network=together[:network],
            stage=int(facts["stage"]),
            turn=int(facts["turn"]),
            best=together[network:],
            best_score=-np.inf if facts["best_score"] is None else float(facts["best_score"]),
            best_loss=np.inf if facts["best_loss"] is None else float(facts["best_loss"]),
            least=-np.inf if facts["least"] is None else float(facts["least"]),
            kept=int(facts["kept"]),
            tau=None if facts["tau"] is None else float(facts["tau"]),
            steps=[record_of(Growth, step) for step in facts["steps"]],
            seconds=float(facts["seconds"]),
        )


def _digest(settings: AdditiveSettings, dataset: Dataset, encoding: Bits, start: bytes, stride: int = 1) -> str:
    """Return a checksum of all that decides what training does; of every `stride`th row."""
    found = hashlib.blake2b(start, digest_size=16)
    told = replace(settings, max_seconds=None).to_json()
    for name in ("monotonic_cst", "patience", "split_seed"):  # which earlier versions did not have
        if told[name] is None:
            del told[name]
    for name, usual in (("ensemble", 1), ("teacher_weight", 0.5)):
        if told[name] == usual:
            del told[name]
    for name in ("missing", "category_code"):  # earlier versions had neither; samples and bits tell them
        del told[name]
    found.update(json.dumps(told, sort_keys=True).encode())
    x = dataset.x_train
    weights = () if dataset.sample_weight is None else (np.asarray(dataset.sample_weight, np.float64),)
    of = encoding.encoding if isinstance(encoding, Front) else encoding
    bits = (of.feature, of.count, of.threshold, of.inverted, *([of.missing] if of.missing.any() else []))
    for array in (np.array(x.shape), x[::stride], dataset.y_train, *weights, *bits):
        add_to(found, array)
    return found.hexdigest()
