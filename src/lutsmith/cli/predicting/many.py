"""From an input of many parts to a folder of predictions."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lutsmith.cli.errors import one_line
from lutsmith.cli.predicting.crew import Crew
from lutsmith.cli.predicting.folder import PartOptions, PartsFolder
from lutsmith.cli.predicting.part import PartOutcome, PartPredictor
from lutsmith.cli.predicting.parts import InputPart, find_parts
from lutsmith.cli.predicting.predictions import BATCH
from lutsmith.ground.interrupts import Interrupted, Interrupts
from lutsmith.ground.printable import printable
from lutsmith.ground.progress import ProgressBar

_AGAIN = 0.5
"""Seconds after which a part is looked at again that another process has."""


class PartsError(ValueError):
    """Some parts were not predicted, each of which has been told in a line of its own; the others are there."""


def predict_parts(
    model: Path, inputs: Sequence[Path], out: Path, options: PartOptions, *, batch: int = BATCH, quiet: bool = False
) -> dict[str, Any]:
    """Predict every part of an input into a folder, each into a file of its own, on all cores.

    Parts that are whole already are left as they are, so the same call goes on where another one was ended. Several
    processes may do this at once, on several machines, too.

    Returns:
        how many parts and samples there are, how many parts were predicted now, and in how many seconds.

    Raises:
        PartsError: some parts could not be predicted; all others were.
        ValueError, OSError: there are no parts, or the folder is not for them; nothing was done.
        Interrupted: Ctrl-C or SIGTERM; the parts that were whole by then are there.
    """
    from lutsmith.circuit.file import load

    parts = find_parts(inputs, out, options.format and f".{options.format}")
    circuit, folder = load(model), PartsFolder(out)
    folder.prepare(model, options, parts)
    tally = _Tally(len(parts), quiet)
    tally.bar.start()
    try:
        with folder.presence(), Interrupts() if len(parts) > 1 else _Never() as interrupts:
            left: Sequence[InputPart] = parts
            while left and not tally.full and not interrupts.requested:
                if left is not parts:
                    tally.waits(len(left))
                    time.sleep(_AGAIN)
                if len(parts) == 1:
                    found = _alone(PartPredictor(circuit, folder, options, batch), left)
                else:
                    found = Crew(model, out, options, batch).outcomes(left, interrupts)
                left = [part for part, outcome in found if tally.busy(part, outcome)]
            if interrupts.requested:
                raise Interrupted(
                    f"interrupted; {tally.there} of {len(parts)} parts are in {out}, and the same command goes on",
                    interrupts.requested,
                )
    finally:
        tally.bar.stop()
    if tally.warnings:
        more = len(tally.warnings) - 1
        warnings.warn(tally.warnings[0] + (f" (and {_counted(more)} more, likewise)" if more else ""), stacklevel=2)
    tally.check(out)
    return {
        "samples": tally.samples,
        "output": str(out.resolve()),
        "parts": len(parts),
        "predicted": tally.made,
        "predict_seconds": tally.seconds,
    }


class _Never(Interrupts):
    """A part alone is predicted in this process, where Ctrl-C interrupts as everywhere."""

    def __enter__(self) -> Interrupts:
        return self


def _alone(predictor: PartPredictor, parts: Sequence[InputPart]) -> Iterator[tuple[InputPart, PartOutcome]]:
    for part in parts:
        yield part, predictor.predict(part)


class _Tally:
    """What became of the parts so far."""

    def __init__(self, parts: int, quiet: bool) -> None:
        self.parts, self.made, self.whole, self.samples, self.seconds = parts, 0, 0, 0, 0.0
        self.full = False
        self.failed = 0
        self.warnings: list[str] = []
        self.bar = ProgressBar(parts, quiet=quiet)
        self._waited = False

    @property
    def there(self) -> int:
        """How many parts are whole."""
        return self.made + self.whole

    def busy(self, part: InputPart, outcome: PartOutcome) -> bool:
        """Note what became of a part; return whether another process has it, so that it is to be looked at again."""
        if outcome.kind == "failed":
            problem = outcome.problem.removeprefix(f"{part.source}: ")
            self.bar.note(printable(one_line(f"{part.source}: {problem}")))
            self.failed += 1
            self.full = self.full or outcome.full
        elif outcome.kind != "busy":
            self.made += outcome.kind == "made"
            self.whole += outcome.kind == "whole"
            self.samples += outcome.rows
            self.seconds += outcome.seconds
        self.warnings += [f"{part.source}: {said}" for said in outcome.warnings]
        done = self.there + self.failed
        text = f"{done:,} of {self.parts:,} parts, {self.samples:,} samples"
        self.bar.draw(done, text, text)
        return outcome.kind == "busy"

    def waits(self, count: int) -> None:
        """Say that others are at work, once."""
        if not self._waited:
            self.bar.note(f"waiting for {_counted(count)} that another process predicts")
            self._waited = True

    def check(self, out: Path) -> None:
        """Raise PartsError if parts are missing."""
        missing = self.parts - self.there
        if not missing:
            return
        there = f"the other {self.there:,} are in {out}" if self.there else f"none is in {out}"
        after = "make room and start again: " if self.full else ""
        raise PartsError(f"{missing:,} of {_counted(self.parts)} were not predicted; {after}{there}")


def _counted(parts: int) -> str:
    return f"{parts:,} part{'' if parts == 1 else 's'}"
