"""The predictions of one part: made, skipped where they are there, or not made and why."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from lutsmith.cli.errors import describe
from lutsmith.cli.predicting.folder import Claim, PartOptions, PartsFolder, stamp
from lutsmith.cli.predicting.parts import InputPart
from lutsmith.cli.predicting.predictions import BATCH, Predictions
from lutsmith.cli.predicting.writers import WRITERS
from lutsmith.ground.atomic import FULL, write_atomically

if TYPE_CHECKING:
    from lutsmith.circuit import Circuit

_VALUES = 1 << 24
"""Numbers in a batch, at most: 64 MB of float32."""


@dataclass(frozen=True)
class PartOutcome:
    """What became of a part.

    Attributes:
        kind: "made"; "whole", it was there already; "busy", another process is making it; "failed".
        rows: samples predicted, now or before.
        seconds: spent on predictions now.
        problem: why it failed, in one line.
        full: whether that was for want of space.
        warnings: what is to be said of the samples.
    """

    kind: str
    rows: int = 0
    seconds: float = 0.0
    problem: str = ""
    full: bool = False
    warnings: tuple[str, ...] = ()


class PartPredictor:
    """Predicts parts, one after the other.

    Args:
        circuit: the model.
        folder: where the predictions go.
        options: of the command.
        batch: samples at a time, at most; fewer where one has many features.
    """

    def __init__(self, circuit: Circuit, folder: PartsFolder, options: PartOptions, batch: int = BATCH) -> None:
        self._circuit, self._folder, self._options = circuit, folder, options
        features = max(1, circuit.encoder.num_features)
        self._batch = min(batch, max(1024, _VALUES // features))

    def predict(self, part: InputPart) -> PartOutcome:
        """Return what becomes of a part. Nothing that is wrong with it is raised: the other parts are not lost."""
        try:
            with self._folder.claimed(part) as claim, warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                if claim is None:
                    return PartOutcome("busy")
                rows, seconds = self._made(part, claim)
                said = tuple(str(each.message) for each in told if issubclass(each.category, UserWarning))
                kind = "whole" if seconds is None else "made"
                return PartOutcome(kind, rows, seconds or 0.0, warnings=said)
        except Exception as error:
            line = describe(error) or f"a fault of lutsmith, please report it: {type(error).__name__}: {error}"
            full = isinstance(error, OSError) and error.errno in FULL
            return PartOutcome("failed", problem=" ".join(line.split()), full=full)

    def _made(self, part: InputPart, claim: Claim) -> tuple[int, float | None]:
        """Write a part's predictions unless they are there; return its rows, and the seconds that this took."""
        target, now, before = self._folder.target(part), stamp(part.source), claim.record
        if target.exists():
            if not before:
                raise ValueError(f"{target} is in the way, and not a result of this command: move it away")
            if "output" in before:
                same = all(before.get(name) == now[name] for name in ("size", "mtime_ns"))
                if same and target.stat().st_size == before["output"]:
                    return int(before["rows"]), None
                if not same and before["source"] != now["source"]:
                    raise ValueError(
                        f"{target} holds the predictions of another file, {before['source']}: give OUT another folder"
                    )
        claim.write({"begun": True})
        predictions = self._predictions(part)
        write_atomically(target, lambda file: self._write(file, predictions, part, now))
        claim.write({**now, "rows": predictions.count, "output": target.stat().st_size})
        return predictions.count, predictions.seconds

    def _predictions(self, part: InputPart) -> Predictions:
        from lutsmith.data import Reading

        options = self._options
        reading = Reading(options.header, options.delimiter)
        return Predictions(self._circuit, part.source, options.method, reading, self._batch)

    def _write(self, file: BinaryIO, predictions: Predictions, part: InputPart, before: dict[str, Any]) -> None:
        ending = "." + part.target.rpartition(".")[2].lower()
        WRITERS[ending](file, predictions)
        if stamp(part.source) != before:
            raise ValueError(f"{part.source} was changed while it was read: start again")
