"""Progressive freezing: what is frozen when, and that the rest goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lutsmith.nn import Architecture, build
from lutsmith.training import Callback, ProgressiveFreezing, Settings, Stage, Trainer

from .models import images

SETTINGS = Settings(epochs=4, batch_size=64, lr=0.05, validation=0.2, optimizer="adamw")


def network() -> nn.Sequential:
    return build(Architecture(luts=(60, 40, 20), rank=3, bits=2, num_candidates=4), images()[0], 2)


class Watch(Callback):
    """Keeps a copy of all weights, scores and modes after each epoch's last batch."""

    def __init__(self) -> None:
        self.weights: list[list[torch.Tensor]] = []
        self.wirings: list[list[torch.Tensor]] = []
        self.modes: list[list[bool]] = []

    def after_step(self, stage: Stage) -> None:
        if stage.batch == 7:
            layers = list(stage.model)[2:5]  # type: ignore[call-overload]
            self.weights.append([layer.weight.detach().clone() for layer in layers])
            self.wirings.append([layer.connections.scores.detach().clone() for layer in layers])
            self.modes.append([layer.training for layer in layers])


@pytest.mark.parametrize("harden", [True, False])
def test_layers_are_frozen_one_after_the_other_and_the_rest_goes_on(harden: bool) -> None:
    model, watch = network(), Watch()
    callbacks = [ProgressiveFreezing((1, 3), harden), watch]
    result = Trainer(SETTINGS, quiet=True, callbacks=callbacks).fit(model, *images())
    for kept in (watch.weights, watch.wirings):
        still = [[torch.equal(kept[e][n], kept[e + 1][n]) for n in range(3)] for e in range(3)]
        assert still == [[True, False, False], [True, False, False], [True, True, False]]
    assert watch.modes[0] == [True, True, True]
    assert watch.modes[3] == ([False, False, True] if harden else [True, True, True])
    assert result.best.hard > 0.8
    assert not any(module.training for module in model.modules())


def test_a_finished_run_leaves_its_layers_frozen_whichever_epoch_was_kept(tmp_path: Path) -> None:
    for resume in (False, True):
        model = network()
        trainer = Trainer(SETTINGS, folder=tmp_path, quiet=True, callbacks=[BestFirst(), ProgressiveFreezing((2,))])
        result = trainer.fit(model, *images(), resume=resume)
        assert result.best.epoch == 1
        for layer, frozen in zip(model[2:5], (True, False, False), strict=True):
            assert bool(layer.connections.frozen) == frozen
            assert layer.weight.requires_grad == layer.connections.scores.requires_grad == (not frozen)


class BestFirst(Callback):
    """Spoils the last layer from the second epoch on."""

    def after_step(self, stage: Stage) -> None:
        if stage.epoch:
            with torch.no_grad():
                list(stage.model)[4].weight.zero_()  # type: ignore[call-overload]


def test_hardened_layers_hand_bits_to_those_that_still_train() -> None:
    model = network()
    stage = Stage(model, torch.optim.SGD(model.parameters(), lr=0.1), epochs=5, epoch=1)
    x = torch.from_numpy(images(20)[0])
    with torch.no_grad():
        soft = model[2](model[1](model[0](x)))
        ProgressiveFreezing((1,)).before_epoch(stage)
        hard = model[2](model[1](model[0](x)))
    assert not {0.0, 1.0} & set(soft.unique().tolist())
    assert set(hard.unique().tolist()) <= {0.0, 1.0}


def test_a_frozen_layer_gets_no_gradient() -> None:
    model = network()
    stage = Stage(model, torch.optim.SGD(model.parameters(), lr=0.1), epochs=5, epoch=1)
    ProgressiveFreezing((1,), harden=False).before_epoch(stage)
    model(torch.from_numpy(images(20)[0])).sum().backward()
    assert model[2].weight.grad is None
    assert model[2].connections.scores.grad is None
    assert model[3].weight.grad is not None


@pytest.mark.parametrize(
    ("epochs", "says"),
    [
        ((), "expected ascending epochs"),
        ((3, 1), "expected ascending epochs"),
        (5, "expected ascending epochs"),
        ((-1,), "expected ascending epochs"),
        ((1, 1, 1, 1), "4 epochs for 3 LUT layers"),
        ((1, 2, 3), "all layers would be frozen in epoch 4 of 4"),
    ],
)
def test_epochs_that_cannot_be_are_refused(epochs: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Trainer(SETTINGS, quiet=True, callbacks=[ProgressiveFreezing(epochs)]).fit(network(), *images())
