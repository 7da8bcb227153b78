"""Polishing: discrete descent on the tables and wires of any circuit that votes, in place; no gradient passes anything.

    polished = polish(circuit, data, PolishSettings(seed=1))
    polished.circuit                      never worse than `circuit` on the validation rows

A sweep goes through all nodes in a seeded order. What inverting each entry of a node's table does to the loss of the
outputs (cross entropy, of several labels each one's, of numbers the squared error) is counted exactly, through whatever
lies between the node and the outputs; entries that lower it by more
than chance are inverted. Before that an input may leave for a better signal, chosen on one half of the rows and
accepted on the other. Copies of images are changed anew for each sweep. Rows that none of this reads choose the sweep
whose network is kept.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.stages import PackedEvaluation, Stages
from lutsmith.circuit.file import to_bytes
from lutsmith.circuit.heads import Head
from lutsmith.circuit.metadata import Training
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.data.dataset import Dataset
from lutsmith.data.report import CircuitMismatchError
from lutsmith.data.split import validation_split
from lutsmith.search.followed import FollowedLoss
from lutsmith.search.losses import CrossEntropy
from lutsmith.search.polish_goal import PolishGoal, checked_head
from lutsmith.search.polish_rows import Drawn, PolishRows
from lutsmith.search.polish_settings import PolishSettings
from lutsmith.search.polish_state import PolishCheckpoint, PolishState, Sweep, changes
from lutsmith.search.separate_losses import SeparateLoss
from lutsmith.search.steps import Rewirer, better_entries, flipped
from lutsmith.search.wire_candidates import WireCandidates
from lutsmith.version import __version__

Watch = Callable[[Sweep, float], None]
"""Is told what the present sweep has done so far, and which share of all work is done; often."""


@dataclass(frozen=True)
class Polished:
    """What polishing reached.

    Attributes:
        circuit: the best one.
        history: sweep by sweep, from the circuit that was given on.
        record: what changed, as JSON; the circuit's metadata holds it under `polished`.
        held_out: int64, the validation rows of the training part.
    """

    circuit: Circuit
    history: tuple[Sweep, ...]
    record: dict[str, Any]
    held_out: NDArray[np.int64]


def polish(
    circuit: Circuit,
    data: Dataset,
    settings: PolishSettings | None = None,
    *,
    watch: Watch | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Polished:
    """Return a circuit of the same wiring diagram, encoder and head whose tables and wires lose less.

    The same circuit, data and settings give the same result, for any number of threads; not so with `max_seconds`.

    Args:
        circuit: for classes, several labels or numbers, with a popcount head and without registers, however it was
            trained.
        data: the rows; the training part alone is read.
        settings: of polishing; None: the defaults.
        watch: called with the progress, node by node. An error that it raises ends polishing; the checkpoint holds the
            last complete sweep.
        checkpoint: a file. If it exists, polishing goes on from it, to the same circuit as if it had not stopped.

    Raises:
        ValueError: a circuit or data that cannot be polished, or a checkpoint of others.
        OSError: a checkpoint that cannot be read or written.
    """
    settings = PolishSettings() if settings is None else settings
    return _Course(circuit, data, settings, watch, checkpoint).run()


class _Course:
    """One run of polishing."""

    def __init__(
        self,
        circuit: Circuit,
        data: Dataset,
        settings: PolishSettings,
        watch: Watch | None,
        checkpoint: str | os.PathLike[str] | None,
    ) -> None:
        checked_head(circuit, data)
        self._circuit, self._data, self._settings, self._watch = circuit, data, settings, watch
        rows, self._held_out = validation_split(data.y_train, settings.validation, settings.seed)
        self._goal = PolishGoal(circuit, data, rows)
        augment = ImageAugmentation.from_json(settings.augmentation or {})
        if augment.parts and len(circuit.input_shape) < 2:
            raise ValueError(f"augmentation is {dict(settings.augmentation or {})}, and the samples are not images")
        self._stages = Stages(circuit.inputs, circuit.netlist)
        copies = settings.copies if augment.parts else 0
        self._rows = PolishRows(self._stages, data, rows, copies, augment, settings.seed)
        self._checked = PolishRows(self._stages, data, self._held_out).draw(0)
        self._candidates = WireCandidates(circuit, settings.candidates, settings.window)
        self._checkpoint = None if checkpoint is None else PolishCheckpoint(checkpoint, circuit, settings, data)
        self._began, self._earlier = time.perf_counter(), 0.0

    def run(self) -> Polished:
        """Do what there is to do."""
        netlist, settings = self._circuit.netlist, self._settings
        drawn = self._rows.draw(0)
        state = None if self._checkpoint is None else self._checkpoint.read()
        if state is None:
            evaluation = self._stages.evaluate(drawn.samples)
            tau = self._goal.best_tau(evaluation, drawn.targets) if settings.tau is None else settings.tau
            state = PolishState(netlist, netlist, 0, tau)
            loss = self._loss(drawn, tau).total(evaluation) / max(1, len(self._rows))
            self._note(state, Sweep(sweep=0, loss=loss))
        self._earlier = state.history[-1].seconds
        while len(state.history) <= settings.sweeps and state.history[-1].finished:
            number = len(state.history)
            self._note(state, self._sweep(state, self._rows.draw(number - 1) if number > 1 else drawn))
            if settings.max_seconds is not None and self._seconds() >= settings.max_seconds:
                break
            if not (state.history[-1].nodes or self._rows.changes):
                break
        return self._polished(state)

    def _seconds(self) -> float:
        return self._earlier + time.perf_counter() - self._began

    def _tell(self, sweep: Sweep, share: float) -> None:
        if self._watch is not None:
            self._watch(sweep, share)

    def _note(self, state: PolishState, sweep: Sweep) -> None:
        """Measure the present network on the validation rows, and keep it where it is the best."""
        reached = loss = None
        if len(self._held_out):
            evaluation = PackedEvaluation(state.netlist, self._checked.samples)
            measure = self._loss(self._checked, state.tau)
            loss = measure.total(evaluation) / len(self._held_out)
            reached = self._goal.score(measure.scores(evaluation), self._checked.targets)
        sweep = replace(sweep, validation=reached, validation_loss=loss, seconds=self._seconds())
        state.history.append(sweep)
        if is_better(sweep, state.history[0], state.history[state.best_sweep]):
            state.best, state.best_sweep = state.netlist, len(state.history) - 1
        if self._checkpoint is not None and sweep.finished:
            self._checkpoint.write(state)
        self._tell(sweep, len(state.history) / (1 + self._settings.sweeps))

    def _sweep(self, state: PolishState, drawn: Drawn) -> Sweep:
        """Visit all nodes once."""
        settings, netlist, number = self._settings, state.netlist, len(state.history)
        followed = FollowedLoss(PackedEvaluation(netlist, drawn.samples), self._loss(drawn, state.tau), drawn.parts)
        evaluation = followed.evaluation
        rewirer = Rewirer(followed, settings.z)
        draw = np.random.default_rng([settings.seed, 0x9A19, number])
        first, entries, wires, nodes = netlist.num_inputs + netlist.num_registers, 0, 0, 0
        now = Sweep(sweep=number, loss=state.history[-1].loss, finished=False)
        order = draw.permutation(netlist.num_nodes)
        for done, node in enumerate(order.tolist()):
            if settings.max_seconds is not None and self._seconds() >= settings.max_seconds:
                break
            rises = followed.rises(node)
            slot, candidates = self._candidates.of(evaluation, node, draw)
            moved = rewirer.better(node, first + node, rises, slot, candidates, number % 2) if len(candidates) else None
            if moved is not None:
                followed.change(node, moved.table, [moved.slot], [moved.signal])
                wires += 1
            else:
                better = better_entries(followed.sums(evaluation.reads(node), rises), settings.z)
                if better.any():
                    followed.change(node, flipped(int(evaluation.tables[node]), better))
                entries += int(np.count_nonzero(better))
                nodes += int(better.any())
            now = replace(now, entries=entries, wires=wires, nodes=nodes + wires, seconds=self._seconds())
            self._tell(now, (number + (done + 1) / len(order)) / (1 + settings.sweeps))
        else:
            now = replace(now, finished=True)
        state.netlist = evaluation.netlist()
        return replace(now, loss=followed.total() / max(1, len(drawn.targets)))

    def _loss(self, drawn: Drawn, tau: float) -> CrossEntropy | SeparateLoss:
        return self._goal.loss(drawn.targets, tau)

    def _polished(self, state: PolishState) -> Polished:
        """The best circuit, with what it tells of itself."""
        circuit, history = self._circuit, state.history
        start, best = history[0], history[state.best_sweep]
        record = {
            **changes(circuit.netlist, state.best),
            "sweeps": len(history) - 1,
            "kept": state.best_sweep,
            "tau": None if self._data.objective == "regression" else state.tau,
            "rows": len(self._rows),
            "validation_rows": len(self._held_out),
            **{f"{name}_before": getattr(start, name) for name in ("loss", "validation_loss", "validation")},
            **{name: getattr(best, name) for name in ("loss", "validation_loss", "validation")},
        }
        if state.best_sweep == 0:
            return Polished(circuit, tuple(history), record, self._held_out)
        told = circuit.metadata.refined(
            checksum=hashlib.sha256(to_bytes(circuit)).hexdigest(), luts=circuit.netlist.num_nodes
        )
        training = replace(
            told.training or Training(), method="polish", seed=self._settings.seed,
            settings=self._settings.to_json(), lutsmith=__version__,
        )  # fmt: skip
        told = replace(told, training=training, other={**told.other, "polished": record})
        found = replace(circuit, netlist=state.best, metadata=told, parts=())
        _check(found, self._checked, self._data.x_train[self._held_out])
        return Polished(found, tuple(history), record, self._held_out)


def is_better(sweep: Sweep, start: Sweep, best: Sweep) -> bool:
    """Return whether a sweep's network is to be kept in the place of the best one so far.

    It is where it loses less on the validation rows, and its score is no lower than the start's; without
    validation rows always.
    """
    if sweep.validation_loss is None or start.validation is None or best.validation_loss is None:
        return True
    assert sweep.validation is not None
    return sweep.validation_loss < best.validation_loss and sweep.validation >= start.validation


def _check(circuit: Circuit, drawn: Drawn, x: NDArray[Any]) -> None:
    """Compare the circuit's scores with those of the network that was searched, on the validation rows."""
    head = circuit.head
    assert isinstance(head, Head)
    evaluation = PackedEvaluation(circuit.netlist, drawn.samples)
    if len(x) and not np.array_equal(circuit.decision_function(x), head.affine(evaluation.counts(head.num_groups))):
        raise CircuitMismatchError(
            "the circuit does not give the scores that were searched for; nothing was saved. This is a fault of "
            "lutsmith: please report it"
        )
