"""What training by gradients shows while it runs: epochs, the mean loss of this one, and the scores of the last one."""

from __future__ import annotations

from lutsmith.ground.progress import ProgressBar
from lutsmith.training.metrics import Epoch


class TrainingProgress(ProgressBar):
    """A progress bar over all steps of a run; silent when `quiet`."""

    def __init__(self, epochs: int, steps: int, *, quiet: bool) -> None:
        super().__init__(epochs * steps, quiet=quiet)
        self._epochs, self._steps = epochs, steps
        self._reached, self._of = "", f"/{epochs}"

    def step(self, done: int, loss: float, share: float = 0.0) -> None:
        """Show the steps done, the mean loss of this epoch, and how much of the run is over: at least `share`."""
        total = self._epochs * self._steps
        over = max(share, done / total)
        self._of = "" if share else f"/{self._epochs}"
        text = f"epoch {(done - 1) // self._steps + 1}{self._of}  loss {loss:.4f}{self._reached}"
        self.draw(over * total, text, f"{text}  {over:.0%}")

    def epoch(self, done: Epoch) -> None:
        """Show the figures of a finished epoch; without a terminal, print them unless a line has just been printed."""
        if done.hard is not None:
            soft = "" if done.soft is None else f"  soft {done.soft:.2%}"
            self._reached = f"  {'hardened' if soft else 'validated'} {done.hard:.2%}{soft}"
        loss = "before the first step" if done.loss is None else f"loss {done.loss:.4f}"
        text = f"epoch {done.epoch}{self._of}  {loss}{self._reached}  {done.seconds:.1f} s"
        self.line(text, last=done.epoch in (0, self._epochs))
