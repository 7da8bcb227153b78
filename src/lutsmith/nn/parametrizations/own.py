"""Whether a class is a parametrization that layers can take: it is tried before it gets a name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from lutsmith.nn.parametrizations.base import WEIGHT_INITS, Parametrization

TABLES = 3
"""LUTs that a class is tried with."""
STEPS = 201
"""Numbers from -1 to 1, by which fresh weights are multiplied: where entries turn from 0 to 1 is among them."""


def check_parametrization(kind: Any, settings: Iterable[str]) -> None:
    """Raise an error if layers cannot use a class as a parametrization.

    Its fresh weights are tried at the smallest rank that it has and the next one, as `Parametrization` describes them,
    and so are multiples of them, if each entry has its own weight.

    Args:
        kind: the class.
        settings: what its constructor, and those of the classes above it, take by name.

    Raises:
        TypeError: not a subclass of `Parametrization`, one that lacks a method, or a constructor that does not take the
            rank alone, or not all settings.
        ValueError: weights or tables of another shape or type, numbers that are not finite, tables without a gradient,
            probabilities outside of 0 to 1, or Boolean tables that do not agree with the probabilities.
    """
    if not (isinstance(kind, type) and issubclass(kind, Parametrization)):
        raise TypeError(f"{kind!r} is not a parametrization; expected a subclass of lutsmith.nn.Parametrization")
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        raise TypeError(f"{kind.__name__} has no {', '.join(missing)}; write all that Parametrization leaves open")
    try:
        inspect.signature(kind).bind(2)
    except TypeError as error:
        raise TypeError(f"{kind.__name__}(rank) cannot be made: {error}; give its settings defaults") from None
    try:
        inspect.signature(kind).bind(2, **dict.fromkeys(settings))
    except TypeError as error:
        raise TypeError(
            f"{kind.__name__}() does not take all that layers give it: {error}; hand the rest on: "
            "def __init__(self, rank, *, <your settings>, **settings): super().__init__(rank, **settings)"
        ) from None
    for rank in kind.ranks[:2]:
        for weight_init in WEIGHT_INITS:
            made = kind(rank)
            made.weight_init = weight_init
            _check_tables(made, f"{kind.__name__}({rank}, weight_init={weight_init!r})")


def _check_tables(made: Parametrization, what: str) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = made.initial_weight(TABLES, generator)
    _check_numbers(f"{what}.initial_weight({TABLES})", weight, made.num_weights)
    weight = weight.requires_grad_()
    soft, sure = made.tables(weight), made.probabilities(weight)
    _check_numbers(f"{what}.tables", soft, 1 << made.rank)
    _check_numbers(f"{what}.probabilities", sure, 1 << made.rank)
    if not soft.requires_grad:
        raise ValueError(f"{what}.tables has no gradient toward the weights; compute it with differentiable operations")
    if sure.min() < 0 or sure.max() > 1:
        raise ValueError(f"{what}.probabilities is {sure.min():g} to {sure.max():g}; expected numbers from 0 to 1")
    hard = made.hard_tables(weight.detach())
    if hard.dtype != torch.bool or hard.shape != soft.shape:
        raise ValueError(
            f"{what}.hard_tables is {hard.dtype} of shape {tuple(hard.shape)}; expected torch.bool of shape "
            f"{tuple(soft.shape)}"
        )
    multiples = torch.linspace(-1, 1, STEPS).view(-1, 1, 1) * weight.detach()
    of_entries = made.num_weights == 1 << made.rank  # else a table may be chosen as a whole, as `raw` does
    for some in multiples if of_entries else ():
        sure = made.probabilities(some)
        clear = (sure - 0.5).abs() > 1e-4  # where rounding decides nothing
        if not torch.equal((sure > 0.5)[clear], made.hard_tables(some)[clear]):
            raise ValueError(
                f"{what}.hard_tables is not where its probabilities are above 1/2: the circuit would be another"
            )
    if made.weight_init != "residual":
        return
    passed = (torch.arange(1 << made.rank) & 1).bool().expand_as(hard)
    if not torch.equal(hard, passed):
        raise ValueError(
            f"the weights of {what}._pass_input_0() are not the table that passes input 0 on: entry a is 1 where a is "
            f"odd; they are {hard[0].int().tolist()}"
        )


def _check_numbers(what: str, numbers: Any, width: int) -> None:
    if not isinstance(numbers, Tensor) or numbers.shape != (TABLES, width) or not numbers.is_floating_point():
        shape = f"{numbers.dtype} of shape {tuple(numbers.shape)}" if isinstance(numbers, Tensor) else repr(numbers)
        raise ValueError(f"{what} is {shape}; expected floating-point numbers of shape {(TABLES, width)}")
    if not numbers.isfinite().all():
        raise ValueError(f"{what} holds numbers that are not finite")
