"""Optimizers with one learning rate for tables and another for connection scores."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from lutsmith.ground.arguments import check_options, one_of
from lutsmith.training.settings import Settings

OptimizerFactory = Callable[[list[dict[str, Any]]], Optimizer]
"""Parameter groups, each with its `lr`, to an optimizer. The classes of `torch.optim` are such."""


def parameter_groups(model: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Return the trainable parameters in up to two groups: connection scores at `score_lr`, all others at `lr`.

    Raises:
        ValueError: nothing in the model can be trained.
    """
    scores: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (scores if f".{name}".endswith(".connections.scores") else others).append(parameter)
    if not scores and not others:
        raise ValueError(f"{type(model).__name__} has no parameter that requires a gradient: there is nothing to train")
    score_lr = settings.lr if settings.score_lr is None else settings.score_lr
    groups: list[dict[str, Any]] = [{"params": others, "lr": settings.lr}, {"params": scores, "lr": score_lr}]
    if settings.score_weight_decay is not None:
        groups[1]["weight_decay"] = settings.score_weight_decay
    return [group for group in groups if group["params"]]


def make_optimizer(model: nn.Module, settings: Settings, factory: OptimizerFactory | None) -> Optimizer:
    """Return the optimizer of `settings` over the model's parameter groups, or what `factory` makes of the groups.

    Raises:
        ValueError: `torch.optim` has no such class, or the class does not take the options.
    """
    groups = parameter_groups(model, settings)
    if factory is not None:
        return factory(groups)
    cls = _optimizer_class(settings.optimizer)
    options = dict(settings.optimizer_options)
    known = [name for name in inspect.signature(cls).parameters if name not in ("self", "params")]
    check_options(f"the optimizer {settings.optimizer!r}", options, known)
    if "fused" in inspect.signature(cls).parameters and not _rules_out_fused(options):
        options["fused"] = True  # one pass over each tensor: a third of the time of the plain loop on a CPU
    try:
        return cls(groups, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"optimizer {cls.__name__} with options {options}: {error}") from error


def _optimizer_class(name: str) -> Callable[..., Optimizer]:
    classes = {
        key.lower(): value
        for key, value in vars(torch.optim).items()
        if inspect.isclass(value) and issubclass(value, Optimizer) and value is not Optimizer
    }
    return classes[one_of("optimizer", name.lower(), sorted(classes))]


def _rules_out_fused(options: Mapping[str, Any]) -> bool:
    return any(options.get(name) for name in ("foreach", "differentiable")) or "fused" in options
