"""Validation: after which epochs the network is measured on held-out data, soft and hardened."""

from __future__ import annotations

from torch import nn

from lutsmith.training.isolation import no_trace
from lutsmith.training.loop.feed import EpochScores, Feed
from lutsmith.training.objectives import Objective
from lutsmith.training.settings import Settings


class Validation:
    """Measures a network.

    Args:
        settings: `validate_every` is read.
        feed: the source of the data to measure on; if it has none, nothing is measured.
        objective: gives the score.
        network: the model in the precision of training.
        model: the model itself, whose hardened form is the circuit.
    """

    def __init__(
        self, settings: Settings, feed: Feed, objective: Objective, network: nn.Module, model: nn.Module
    ) -> None:
        self._settings, self._feed = settings, feed
        self._objective, self._network, self._model = objective, network, model

    def due(self, epoch: int, *, last: bool) -> bool:
        """Return whether an epoch, counted from 1, is one to measure; the last one always is."""
        return self._feed.validates and (last or epoch % self._settings.validate_every == 0)

    def scores(self) -> EpochScores:
        """Return the scores of the differentiable network and of the hardened one; nothing else changes."""
        with no_trace(self._model):
            return self._feed.ranks.told(self._feed.scores(self._network, self._model, self._objective))
