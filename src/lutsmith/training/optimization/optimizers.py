"""Optimizers with one learning rate for tables and another for connection scores."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from lutsmith.ground.arguments import check_options, one_of
from lutsmith.nn.parameter_groups import ORDINARY, SCORES, collect_groups
from lutsmith.training.settings import Settings

OptimizerFactory = Callable[[list[dict[str, Any]]], Optimizer]
"""Parameter groups, each with its `lr`, to an optimizer. The classes of `torch.optim` are such."""


def parameter_groups(model: nn.Module, settings: Settings) -> list[dict[str, Any]]:
    """Return the trainable parameters in up to two groups: connection scores, as declared by layers, at `score_lr`, and
    all others, which come first, at `lr` (see `nn.parameter_groups`).

    Raises:
        ValueError: nothing in the model can be trained; a group for which the settings have no rate.
    """
    rates: dict[str, dict[str, Any]] = {ORDINARY: {"lr": settings.lr}, SCORES: {"lr": settings.lr}}
    if settings.score_lr is not None:
        rates[SCORES]["lr"] = settings.score_lr
    if settings.score_weight_decay is not None:
        rates[SCORES]["weight_decay"] = settings.score_weight_decay
    found = collect_groups(model)
    if not found:
        raise ValueError(f"{type(model).__name__} has no parameter that requires a gradient: there is nothing to train")
    if unknown := sorted(found.keys() - rates.keys()):
        raise ValueError(
            f"a layer declares the parameter group {unknown[0]!r}; the settings have rates for {', '.join(rates)}"
        )
    return [{"params": found[name], **options} for name, options in rates.items() if name in found]


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
    known = [name for name in inspect.signature(cls).parameters if name not in ("self", "params", "lr")]
    hint = "; lr is a setting beside optimizer_options" if "lr" in options else ""  # each group has its own
    check_options(f"the optimizer {settings.optimizer!r}", options, known, hint=hint)
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
