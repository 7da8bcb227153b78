"""A process that predicts parts: `python -m lutsmith.cli.predicting.worker`.

It reads a line of JSON with what all parts share, then one with each part, and answers each with the line of its
outcome. It ends when there are no more lines, and so when the process that began it is gone; SIGTERM ends it at once,
with nothing left behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from types import FrameType


def main() -> None:
    """Predict what is asked for on stdin."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is not an answer
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one

    from lutsmith.circuit.file import load
    from lutsmith.cli.predicting.folder import PartOptions, PartsFolder
    from lutsmith.cli.predicting.part import PartPredictor
    from lutsmith.cli.predicting.parts import InputPart

    shared = json.loads(sys.stdin.readline())
    folder = PartsFolder(Path(shared["folder"]))
    predictor = PartPredictor(load(shared["model"]), folder, PartOptions(**shared["options"]), shared["batch"])
    with folder.presence():
        for line in sys.stdin:
            source, target = json.loads(line)
            outcome = predictor.predict(InputPart(Path(source), target))
            try:
                answers.write(json.dumps(asdict(outcome)).encode() + b"\n")
            except BrokenPipeError:  # who asked was killed; the part is whole
                return


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
