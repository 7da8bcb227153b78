"""Groups of parameters that train at rates of their own: layers declare their groups, and an optimizer collects them.

A module declares groups by a method `parameter_groups()`; parameters that no module declares are in the ordinary group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import nn

ORDINARY = "ordinary"
"""Tables, thresholds, weights of heads, and all of modules that declare nothing."""

SCORES = "scores"
"""What learned connections choose their inputs by."""


@runtime_checkable
class DeclaresGroups(Protocol):
    """A module with some parameters that are not ordinary."""

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Return parameters by the name of their group, such as `{SCORES: [self.scores]}`."""


def collect_groups(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Return the parameters of a model that require a gradient, by group: the ordinary ones first.

    Groups without any are left out. A parameter that modules share appears once. Within a group parameters are in the
    order of `model.parameters()`.

    Raises:
        ValueError: a parameter is declared in two groups.
    """
    names: dict[int, str] = {}
    for module in model.modules():
        if not isinstance(module, DeclaresGroups):
            continue
        for name, declared in module.parameter_groups().items():
            for parameter in declared:
                if names.setdefault(id(parameter), name) != name:
                    raise ValueError(
                        f"{type(module).__name__} declares a parameter of shape {tuple(parameter.shape)} to be of "
                        f"group {name!r}, and another module of {names[id(parameter)]!r}; expected one group"
                    )
    groups: dict[str, list[nn.Parameter]] = {ORDINARY: []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups.setdefault(names.get(id(parameter), ORDINARY), []).append(parameter)
    return {name: parameters for name, parameters in groups.items() if parameters}
