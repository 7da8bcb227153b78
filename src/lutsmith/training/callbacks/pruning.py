"""Pruning while training goes on: a little after each epoch, so that the rest learns to do without what was pruned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lutsmith.circuit.sliding import sizes
from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.nn.neurons.pruning import PER, prunable, prune
from lutsmith.training.callbacks.base import Callback, Stage


@dataclass
class GradualPruning(Callback):
    """Prunes layers to a density by the cubic schedule of M. Zhu and S. Gupta, 2017.

        density in epoch e = final + (1 - final) (1 - t)^3,    t = (e - first + 1) / (until - first), 1 at most

    at the beginning of epochs `first` to `until` - 1, counted from 0; in the last of these and from then on it is the
    final one. Masks are buffers of the layers, so that a resumed run has them; see `nn.neurons.pruning`.

    Attributes:
        densities: by the names of layers, the share of weights that is kept in the end, above 0, at most 1.
        first: the first epoch that prunes.
        until: the epoch before which pruning is finished; None: the last epoch prunes last.
        per: what the density is a share of, a name of `PER`.
        tile: of "tile": outputs and inputs of a tile, or one number for both.
    """

    densities: Mapping[str, float]
    first: int = 0
    until: int | None = None
    per: str = "layer"
    tile: int | tuple[int, int] = field(default=(8, 8))

    def __post_init__(self) -> None:
        for name, density in self.densities.items():
            number(f"densities[{name!r}]", density, lambda share: 0 < share <= 1, "a share above 0, at most 1")
        one_of("per", self.per, PER)
        whole_number("first", self.first, 0)
        if self.until is not None:
            whole_number("until", self.until, self.first + 1)
        rows, columns = sizes("tile", self.tile, 2, 1)
        self.densities, self.tile = dict(self.densities), (rows, columns)

    def begin(self, stage: Stage) -> None:
        for name in self.densities:
            one_of("a layer to prune", name, prunable(stage.model))

    def before_epoch(self, stage: Stage) -> None:
        if stage.batch == 0 and stage.epoch >= self.first:
            until = max(self.first + 1, stage.epochs if self.until is None else self.until)
            self.prune(stage, min(1.0, (stage.epoch - self.first + 1) / (until - self.first)))

    def prune(self, stage: Stage, share: float) -> None:
        """Prune now, at a share of the schedule in [0, 1]; the optimizer forgets what is pruned."""
        layers = prunable(stage.model)
        for name, final in self.densities.items():
            layer = layers[one_of("a layer to prune", name, layers)]
            before = layer.kept.clone()
            prune(layer, density=final + (1 - final) * (1 - share) ** 3, per=self.per, tile=self.tile)
            gone = before & ~layer.kept
            if layer.weight.numel() % gone.numel() == 0:
                changed = gone.unsqueeze(-1).expand(*gone.shape, layer.weight.numel() // gone.numel())
                stage.forget(layer.weight, changed.reshape(layer.weight.shape))
