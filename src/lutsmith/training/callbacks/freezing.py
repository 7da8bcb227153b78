"""Progressive freezing: layers that are done are fixed, one after the other, and the rest adapts to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from lutsmith.training.callbacks.base import Callback, Stage, are_epochs
from lutsmith.training.lut_layers import lut_layers


@dataclass
class ProgressiveFreezing(Callback):
    """Freezes tables and wiring of LUT layers, from the input on, at given epochs (CompactLogic, arXiv:2602.05830).

    A frozen layer computes its hardened tables while the others train on (`harden`), so that these learn to live with
    it, and costs no gradients. Layers stay frozen after the run.

    In a loop of one's own `before_epoch` comes after `model.train()`, which would make hardened layers soft again.

    Attributes:
        epochs: after how many finished epochs the first layer is frozen, the second, and so on; ascending. Layers
            without a number are not.
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
        self._freeze(stage.model, stage.epoch)

    def end(self, stage: Stage) -> None:
        if stage.kept is not None:  # the weights that were kept may be of an epoch before
            self._freeze(stage.model, (stage.epochs if stage.stopped is None else stage.epoch) - 1)
        else:  # the next sitting must find as many trainable parameters as this one
            for parameter in self._stopped:
                parameter.requires_grad_(True)
        self._stopped.clear()

    def _freeze(self, model: nn.Module, present: int) -> None:
        for layer, epoch in zip(lut_layers(model, "ProgressiveFreezing"), self.epochs, strict=False):
            if present >= epoch:
                self._stopped += [parameter for parameter in layer.parameters() if parameter.requires_grad]
                layer.weight.requires_grad_(False)
                layer.freeze()
                if self.harden:
                    layer.eval()
