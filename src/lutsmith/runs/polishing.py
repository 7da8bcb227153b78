"""`polish`: improves tables and wires of a circuit of any depth in place; the result is no worse on validation rows. No
torch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import load
from lutsmith.circuit.traits import popcount_head
from lutsmith.data import Dataset, Reading, from_arrays
from lutsmith.data.report import MEASURES, score
from lutsmith.ground.arguments import instance_of, settings_checked
from lutsmith.ground.interrupts import Interrupts, TrainingInterrupted
from lutsmith.ground.metrics_log import MetricsLog
from lutsmith.ground.progress import ProgressBar
from lutsmith.runs.refining import own_dataset, trained_with, without_held_out
from lutsmith.runs.saved import save_checked

if TYPE_CHECKING:
    from lutsmith.search.polish_settings import PolishSettings
    from lutsmith.search.polish_state import Sweep

CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True, kw_only=True)
class Polishing:
    """The result of polishing a circuit; its JSON object is what `lutsmith polish --json` prints.

    Attributes:
        measured_on: "test"; "held-out" for a table's rows that its training held out; "validation" without either.
        rows: how many rows those are.
        measure: what scores are: accuracy, share of right bits, or R^2.
        before: the score of the given circuit, on these rows.
        score: the score of the resulting circuit.
        validation_before: the score of the given circuit on the validation rows, which chose the result; None without
            such rows.
        validation: the score of the resulting circuit on them.
        changed: what changed, in the form of `search.polish.Polished.record`.
        seconds: how long it took, over all sessions.
        model: absolute path of the file that was written; None where none was.
        circuit: the resulting circuit.
    """

    measured_on: str
    rows: int
    measure: str
    before: float
    score: float
    validation_before: float | None
    validation: float | None
    changed: Mapping[str, Any]
    seconds: float
    model: str | None
    circuit: Circuit = field(compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return all but the circuit as JSON values."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.compare}


def polish(
    model: Circuit | str | os.PathLike[str],
    source: Any = None,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    task: str | None = None,
    data: str | os.PathLike[str] | None = None,
    target: str | int | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    sweeps: int | None = None,
    candidates: int | None = None,
    max_seconds: float | None = None,
    settings: PolishSettings | Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Polishing:
    """Improve a circuit of any depth: change entries of its tables, and its wires, where this lowers the loss.

        better = lutsmith.runs.polish("model.lut", X, y, out="better.lut").circuit

    It does not matter who trained the circuit, or how. Encoder, head and the number of LUTs stay. Rows that its
    training held out, for validation or as a test part, are held out here too; the result is never worse on the
    validation rows.

    Args:
        model: a circuit or its file, with a popcount head.
        source: the samples in memory, as for `train`, or a `Dataset`; None: those of a task.
        y: the classes, labels or numbers of X.
        X_test: test samples.
        y_test: likewise.
        task: one of `data.TASKS`; default: the one that it was trained on.
        data: of a task, the folder with its files or the parent of that, or the table's file.
        target: the label column of a table; default: the one that it was trained on.
        header: whether the first row of a text table names its columns; default: where it names one of the circuit.
        delimiter: of a text table; default: as in the circuit's training data.
        sweeps: how often each LUT is visited; default 8.
        candidates: signals that are tried for an input of each LUT; default 0: wires stay.
        max_seconds: no LUT is begun after so many seconds.
        settings: a `search.polish_settings.PolishSettings`, taken as it is, or a mapping of fields of it that differ
            from the seed, the validation rows and the changes to images that the circuit was trained with, and else
            the defaults.
        folder: for metrics.jsonl and checkpoint.npz: where there is a checkpoint in it, polishing goes on from there.
        out: the file to write; None: nothing is written.
        quiet: show no progress.

    Raises:
        ValueError: a circuit that cannot be polished, or does not fit the data; other invalid arguments.
        OSError: files that cannot be read or written.
        TrainingInterrupted: Ctrl-C or SIGTERM.
    """
    from lutsmith.search import polish as search
    from lutsmith.search.polish_state import PolishCheckpoint

    circuit = model if isinstance(model, Circuit) else load(model)
    if out is not None and not Path(out).absolute().parent.is_dir():
        raise ValueError(f"cannot write {out}: there is no folder {Path(out).parent}; create it first")
    chosen = _settings(circuit, settings, {"sweeps": sweeps, "candidates": candidates, "max_seconds": max_seconds})
    popcount_head(circuit, "polishing", "it lowers the loss of one decision by popcounts")
    if circuit.head is None:
        raise ValueError("the circuit has no head: its outputs are bits, and polishing lowers the loss of scores")
    if source is None:
        dataset = own_dataset(circuit, task, data, target, Reading(header, delimiter))
    elif isinstance(source, Dataset):
        dataset = source
    else:
        dataset = from_arrays(source, y, X_test, y_test, objective=circuit.objective or "classification")
    parted = dataset.x_test is not None
    dataset = without_held_out(circuit, dataset)
    place = None if folder is None else Path(folder)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
    stop = "nothing was written" if place is None else "give the same folder to go on"
    checkpoint = None if place is None else place / CHECKPOINT
    state = None if checkpoint is None else PolishCheckpoint(checkpoint, circuit, chosen, dataset).read()
    earlier = [] if state is None else state.history[1:]
    with Interrupts() as interrupts, SweepLog(place, earlier, quiet=quiet) as log:

        def watch(sweep: Sweep, share: float) -> None:
            log.append(sweep, share)
            if interrupts.requested is not None:
                raise TrainingInterrupted(f"stopped in sweep {sweep.sweep}; {stop}", interrupts.requested)

        found = search.polish(circuit, dataset, chosen, watch=watch, checkpoint=checkpoint)
        log.complete(found.history)
    if out is not None:
        save_checked(found.circuit, Path(out))
    x, labels, measured_on = dataset.x_test, dataset.y_test, "test" if parted else "held-out"
    if x is None or labels is None:
        rows = found.held_out
        x, labels, measured_on = dataset.x_train[rows], dataset.y_train[rows], "validation"
    before, after = (score(dataset.objective, each.predict(x), labels) for each in (circuit, found.circuit))
    return Polishing(
        measured_on=measured_on,
        rows=len(labels),
        measure=MEASURES[dataset.objective],
        before=before,
        score=after,
        validation_before=found.record["validation_before"],
        validation=found.record["validation"],
        changed=found.record,
        seconds=found.history[-1].seconds,
        model=None if out is None else str(Path(out).absolute()),
        circuit=found.circuit,
    )


class SweepLog:
    """Shows how far polishing has come, and writes a line for each sweep to metrics.jsonl.

    Args:
        folder: where it goes; None: nothing is written.
        earlier: the sweeps of earlier sessions, from the checkpoint: they replace what is there.
        quiet: show no progress.
    """

    def __init__(self, folder: Path | None, earlier: Iterable[Sweep], *, quiet: bool) -> None:
        self._earlier = [asdict(sweep) for sweep in earlier]
        self._folder, self._bar, self._last = folder, ProgressBar(1.0, quiet=quiet), ""
        self._began = time.perf_counter()
        self._log: MetricsLog | None = None

    def __enter__(self) -> SweepLog:
        self._bar.start()
        return self

    def append(self, sweep: Sweep, share: float) -> None:
        """Show where polishing stands, `share` of all work being done; write a sweep down that is finished."""
        if self._folder is not None and sweep.finished and sweep.sweep:
            if self._log is None:
                self._log = MetricsLog(self._folder, self._earlier)
            self._log.append(asdict(sweep))
        reached = "" if sweep.validation is None else f"  validation {sweep.validation:.2%}"
        text = f"sweep {sweep.sweep}  {sweep.entries:,} entries, {sweep.wires:,} wires  loss {sweep.loss:.4f}{reached}"
        self._last = f"{text}  {sweep.seconds:.1f} s"
        if self._bar.due():
            gone = time.perf_counter() - self._began
            left = gone / max(share, 1e-9) - gone
            self._bar.draw(share, text, f"{self._last}, {left:.0f} s left", left)

    def complete(self, history: tuple[Sweep, ...]) -> None:
        """Write down the last sweep too, where time ended it."""
        if self._folder is not None and self._log is not None and not history[-1].finished:
            self._log.append(asdict(history[-1]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._last and kind is None:
            self._bar.line(self._last, last=True)
        if self._log is not None:
            self._log.close()


@settings_checked()
def _settings(
    circuit: Circuit, settings: PolishSettings | Mapping[str, Any] | None, options: dict[str, Any]
) -> PolishSettings:
    """The settings that are given, completed by those that the circuit was trained with."""
    from lutsmith.search.polish_settings import PolishSettings

    given = {name: value for name, value in options.items() if value is not None}
    if settings is None or isinstance(settings, Mapping):
        told = trained_with(circuit)
        if not told.get("validation"):
            told.pop("validation", None)  # all rows were trained on: some are held out all the same
        return PolishSettings.from_json({**told, **(settings or {}), **given})
    instance_of("settings", settings, PolishSettings, "or a mapping of its fields")
    if given:
        raise ValueError(f"{next(iter(given))} is a field of the settings that are given: give it there alone")
    return settings
