"""What is kept of a finished phase, so that a stopped run need not train it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from torch import nn

from lutsmith.training.files.checkpoint import CheckpointError, read_tensors, write_tensors
from lutsmith.training.phases import Reached

DONE = "done.pt"
FORMAT = 1


class PhaseFolder:
    """The folder of a phase, or nowhere; its training writes there too.

    Args:
        path: of the folder; None: nothing is written, and nothing is done.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    @property
    def done(self) -> bool:
        """Whether the phase is finished and its result was kept."""
        return self.path is not None and (self.path / DONE).is_file()

    def keep(self, model: nn.Module, reached: Reached) -> None:
        """Save the weights that the phase ended with, and what it reached."""
        if self.path is not None:
            self.path.mkdir(parents=True, exist_ok=True)
            told = json.dumps(asdict(reached))
            write_tensors(self.path / DONE, {"format": FORMAT, "model": model.state_dict(), "reached": told})

    def take(self, model: nn.Module) -> Reached:
        """Load the weights of the phase, and return what it reached.

        Raises:
            CheckpointError: the file cannot be read, or is not of this phase.
        """
        assert self.path is not None
        path, advice = self.path / DONE, "delete its folder and those after it to train them again"
        saved = read_tensors(path, advice, "phase")
        try:
            if saved["format"] != FORMAT:
                raise ValueError(f"its format is {saved['format']}, and this version reads {FORMAT}")
            model.load_state_dict(saved["model"])
            told = json.loads(saved["reached"])
            return Reached(**{**told, "luts": tuple(told["luts"])})
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"{path} is not of a phase of this run ({error}); {advice}") from error
