# ruff: noqa: N999 - the path is DeepLUT's
"""An optimizer that keeps latent weights within -1 to 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer


class OptimWrapper(Optimizer):
    """Wraps another optimizer, and clamps the tables of trainers to -1 to 1 after each step.

    It shares that optimizer's groups, state and settings, so that schedules and checkpoints can treat it as an
    optimizer.

    Args:
        optimizer: any optimizer of torch.
        BinaryOptim: whether tables are clamped to -1 to 1.

    Raises:
        TypeError: the wrapped object is not an optimizer.
    """

    def __init__(self, optimizer: Optimizer, BinaryOptim: bool = False) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer is a {type(optimizer).__name__}; expected one of torch.optim")
        self.optimizer, self.BinaryOptim = optimizer, bool(BinaryOptim)
        super().__init__(optimizer.param_groups, optimizer.defaults)
        self.param_groups, self.state = optimizer.param_groups, optimizer.state

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take the wrapped optimizer's step, clamp the tables, and return what the step returned."""
        found = self.optimizer.step(closure)
        if self.BinaryOptim:
            with torch.no_grad():
                for group in self.param_groups:
                    for parameter in group["params"]:
                        if getattr(parameter, "latent", False):
                            parameter.clamp_(-1, 1)
        return found

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if hasattr(self, "param_groups") and self.param_groups is self.optimizer.param_groups:
            self.optimizer.add_param_group(param_group)
        else:  # the groups of the other, as torch's class begins
            super().add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of such an optimizer."""
        self.optimizer.load_state_dict(state_dict)
        self.param_groups, self.state = self.optimizer.param_groups, self.optimizer.state
