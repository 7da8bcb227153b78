"""Groups of parameters: declared by layers, collected by the optimizer, each parameter once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lutsmith import dwn
from lutsmith.nn import Architecture, LogicDense, build
from lutsmith.nn.parameter_groups import ORDINARY, SCORES, DeclaresGroups, collect_groups
from lutsmith.training import Settings, Trainer
from lutsmith.training.optimization.optimizers import parameter_groups

from .models import images, network

RATES = Settings(lr=0.5, score_lr=0.25, score_weight_decay=0.125)


def by_name(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The groups as they were found before layers declared them: by the end of a parameter's name."""
    scores, others = [], []
    for name, parameter in model.named_parameters():
        (scores if f".{name}".endswith(".connections.scores") else others).append(parameter)
    return {name: found for name, found in ((ORDINARY, others), (SCORES, scores)) if found}


def same(one: dict[str, list[nn.Parameter]], two: dict[str, list[nn.Parameter]]) -> bool:
    return list(one) == list(two) and all(
        len(one[name]) == len(two[name]) and all(a is b for a, b in zip(one[name], two[name], strict=True))
        for name in one
    )


@pytest.mark.parametrize("connections", ["fixed", "learnable", "top-k", "dense"])
@pytest.mark.parametrize("parametrization", ["light", "dwn", "neural"])
@pytest.mark.parametrize("head", ["group-sum", "reduction"])
def test_declared_groups_are_those_that_names_gave(connections: str, parametrization: str, head: str) -> None:
    x, _ = images()
    given: dict[str, Any] = {} if connections in ("fixed", "dense") else {"num_candidates": 4}
    model = build(
        Architecture(
            luts=(40, 20), rank=4, bits=2, connections=connections, parametrization=parametrization, head=head, **given
        ),
        x,
        2,
        seed=0,
    )
    assert same(collect_groups(model), by_name(model))
    assert (SCORES in collect_groups(model)) == (connections != "fixed")


def test_the_layers_of_torch_dwn_keep_their_groups() -> None:
    model = nn.Sequential(dwn.LUTLayer(16, 12, n=4, mapping="learnable"), dwn.LUTLayer(12, 8, n=4))
    assert same(collect_groups(model), by_name(model))


def test_rates_go_with_groups() -> None:
    layer = LogicDense(8, 4, 2, connections="learnable", num_candidates=4)
    assert [{**group, "params": [id(p) for p in group["params"]]} for group in parameter_groups(layer, RATES)] == [
        {"params": [id(layer.weight)], "lr": 0.5},
        {"params": [id(layer.connections.scores)], "lr": 0.25, "weight_decay": 0.125},
    ]
    layer.freeze()
    assert [group["lr"] for group in parameter_groups(layer, RATES)] == [0.5]
    layer.weight.requires_grad_(False)
    with pytest.raises(ValueError, match="there is nothing to train"):
        parameter_groups(layer, RATES)


class Foreign(nn.Module):
    """A module of others, whose parameter has the name that was looked for once."""

    def __init__(self, groups: dict[str, list[nn.Parameter]] | None = None) -> None:
        super().__init__()
        self.connections = nn.Module()
        self.connections.scores = nn.Parameter(torch.ones(2))
        if groups is not None:
            self.parameter_groups = lambda: groups or {"speed": [self.connections.scores]}

    def forward(self, x: Tensor) -> Tensor:
        return x * self.connections.scores


def test_a_module_that_declares_nothing_is_ordinary_whatever_its_names() -> None:
    model = nn.Sequential(network(), Foreign())
    assert not isinstance(model[1], DeclaresGroups)
    groups = collect_groups(model)
    assert any(p is model[1].connections.scores for p in groups[ORDINARY])
    assert [p.shape for p in groups[SCORES]] == [(64,)]


def test_a_shared_parameter_is_there_once_and_in_one_group() -> None:
    layer = LogicDense(8, 4, 2, connections="learnable", num_candidates=4)
    sharing = Foreign()
    sharing.connections.scores = layer.connections.scores  # this one declares nothing, and comes first
    groups = collect_groups(nn.Sequential(sharing, layer, layer))
    assert {name: len(found) for name, found in groups.items()} == {ORDINARY: 1, SCORES: 1}
    torn = Foreign({"speed": [layer.connections.scores]})
    with pytest.raises(ValueError, match="of group 'scores', and another module of 'speed'; expected one group"):
        collect_groups(nn.Sequential(torn, layer))


def test_a_group_without_a_rate_is_named() -> None:
    with pytest.raises(ValueError, match="declares the parameter group 'speed'; the settings have rates for ordinary"):
        Trainer(Settings(epochs=1), quiet=True).fit(nn.Sequential(network(), Foreign({})), *images())
