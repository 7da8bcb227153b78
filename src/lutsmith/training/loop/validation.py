"""Validation: after which epochs the network is measured on the rows that were held out, soft and hardened."""

from __future__ import annotations

from torch import nn

from lutsmith.training.isolation import no_trace
from lutsmith.training.metrics import score
from lutsmith.training.objectives import Objective
from lutsmith.training.samples import Rows, Samples
from lutsmith.training.settings import Settings


class Validation:
    """Measures a network.

    Args:
        settings: `validate_every` is read.
        samples: all of them.
        rows: that are held out; none: nothing is measured.
        objective: gives the score.
        network: the model in the precision of training.
        model: itself, whose hardened form is the circuit.
    """

    def __init__(
        self,
        settings: Settings,
        samples: Samples,
        rows: Rows,
        objective: Objective,
        network: nn.Module,
        model: nn.Module,
    ) -> None:
        self._settings, self._samples, self._rows = settings, samples, rows
        self._objective, self._network, self._model = objective, network, model
        if len(rows):
            samples.weights_of(rows, "are held out; hold out more of them")

    def due(self, epoch: int, *, last: bool) -> bool:
        """Return whether an epoch, counted from 1, is one to measure; the last one always is."""
        return len(self._rows) > 0 and (last or epoch % self._settings.validate_every == 0)

    def scores(self) -> tuple[float, float]:
        """Return the scores of the differentiable network and of the hardened one; nothing else changes."""
        with no_trace(self._model):
            soft = score(self._network, self._samples, self._rows, self._objective, hardened=False)
            hard = score(self._model, self._samples, self._rows, self._objective, hardened=True)
        return soft, hard
