"""Progressive freezing: finished layers are fixed one by one, and the rest adapts to them; or wires are fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from lutsmith.nn.hardening import Hardening
from lutsmith.training.callbacks.base import Callback, Stage, are_epochs
from lutsmith.training.lut_layers import learned_connections, lut_layers


@dataclass
class ProgressiveFreezing(Callback):
    """Freezes tables and wiring of LUT layers, starting at the input, at given epochs (CompactLogic, arXiv:2602.05830).

    A frozen layer computes its hardened tables while the others go on training (`harden`), so that these adapt to it,
    and it costs no gradients. Layers stay frozen after the run. If weights are averaged, the average of a frozen layer
    is its present value.

    Attributes:
        epochs: after how many finished epochs the first layer is frozen, the second, and so on; ascending. Layers
            without a number are not frozen.
        harden: put frozen layers in eval mode.
    """

    epochs: tuple[int, ...]
    harden: bool = True
    _stopped: list[nn.Parameter] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not are_epochs(self.epochs, least=0) or not self.epochs or list(self.epochs) != sorted(self.epochs):
            raise ValueError(f"ProgressiveFreezing(epochs={self.epochs}): expected ascending epochs, such as (10, 20)")
        self.epochs = tuple(self.epochs)

    def begin(self, stage: Stage) -> None:
        layers = lut_layers(stage.model, "ProgressiveFreezing")
        if len(self.epochs) > len(layers):
            raise ValueError(
                f"ProgressiveFreezing(epochs={self.epochs}): {len(self.epochs)} epochs for {len(layers)} LUT layers"
            )
        if len(self.epochs) == len(layers) and self.epochs[-1] < stage.epochs:
            self._check_rest(stage, layers)

    def _check_rest(self, stage: Stage, layers: list[object]) -> None:
        mine = {id(parameter) for layer in layers for parameter in layer.parameters()}  # type: ignore[attr-defined]
        if all(id(p) in mine or not p.requires_grad for p in stage.model.parameters()):
            raise ValueError(
                f"ProgressiveFreezing(epochs={self.epochs}): all layers would be frozen in epoch {self.epochs[-1] + 1} "
                f"of {stage.epochs}, with nothing left to train; leave the last layer out"
            )

    def before_epoch(self, stage: Stage) -> None:
        self._freeze(stage, stage.epoch)

    def end(self, stage: Stage) -> None:
        if stage.kept is not None:  # the weights that were kept may be of an epoch before
            self._freeze(stage, _last(stage))
        else:
            _train_again(self._stopped)
            for layer in lut_layers(stage.model, "ProgressiveFreezing"):
                if isinstance(layer, Hardening):
                    layer.hardened = False
        self._stopped.clear()

    def _freeze(self, stage: Stage, present: int) -> None:
        for layer, epoch in zip(lut_layers(stage.model, "ProgressiveFreezing"), self.epochs, strict=False):
            if present >= epoch:
                stopped = [parameter for parameter in layer.parameters() if parameter.requires_grad]
                layer.weight.requires_grad_(False)
                layer.freeze()
                if self.harden:
                    (layer.harden if isinstance(layer, Hardening) else layer.eval)()
                _stand_still(stage, stopped)
                self._stopped += stopped


@dataclass
class WireFreezing(Callback):
    """Freezes the wiring of all learned connections at once: each slot keeps the input that it reads then.

    The tables train on. A step no longer computes gradients of scores, which are most of the cost of a layer with many
    candidates, and convolutions with their pools are evaluated in one pass.

    Attributes:
        epoch: after how many finished epochs.
    """

    epoch: int
    _stopped: list[nn.Parameter] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if type(self.epoch) is not int or self.epoch < 0:
            raise ValueError(f"WireFreezing(epoch={self.epoch!r}): expected an integer of epochs >= 0")

    def begin(self, stage: Stage) -> None:
        if not learned_connections(stage.model):
            raise ValueError(
                "WireFreezing has nothing to freeze: no layer of the model learns its connections; use "
                "connections='learnable'"
            )

    def before_epoch(self, stage: Stage) -> None:
        self._freeze(stage, stage.epoch)

    def end(self, stage: Stage) -> None:
        if stage.kept is not None:
            self._freeze(stage, _last(stage))
        else:
            _train_again(self._stopped)
        self._stopped.clear()

    def _freeze(self, stage: Stage, present: int) -> None:
        if present >= self.epoch:
            for connections in learned_connections(stage.model):
                stopped = [parameter for parameter in connections.parameters() if parameter.requires_grad]
                connections.freeze()
                _stand_still(stage, stopped)
                self._stopped += stopped


def _last(stage: Stage) -> int:
    """The last epoch that was trained in, from 0."""
    return (stage.epochs if stage.stopped is None else stage.epoch) - 1


def _stand_still(stage: Stage, parameters: list[nn.Parameter]) -> None:
    """Let averages of parameters that are frozen be what these are, and not lag behind what the others live with."""
    for parameter in parameters if stage.average is not None and stage.kept is None else ():
        stage.average.restart(parameter, torch.ones_like(parameter, dtype=torch.bool))  # type: ignore[union-attr]


def _train_again(parameters: list[nn.Parameter]) -> None:
    """Make parameters trainable: the next sitting must find as many as this one."""
    for parameter in parameters:
        parameter.requires_grad_(True)
