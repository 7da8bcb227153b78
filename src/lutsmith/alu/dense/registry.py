"""Models by name, and your own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import nn

from lutsmith.alu.dense import luts, models
from lutsmith.ground.arguments import check_options, one_of, whole_number

Factory = Callable[..., nn.Module]
"""`factory(input_shape, outputs, **options)` to a module from `(B, *input_shape)` to logits `(B, outputs)`."""


@dataclass(frozen=True)
class DenseModel:
    """A model that can be built.

    Attributes:
        name: what it is called.
        factory: makes it; its keyword arguments with defaults are the model's options.
        lr: the learning rate that it is trained with by default.
        loss: "mse" or "bce", by default.
        is_luts: whether it is a network of LUTs, which has a hardened form and a circuit.
    """

    name: str
    factory: Factory
    lr: float = 1e-3
    loss: str = "mse"
    is_luts: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The options and their defaults."""
        parameters = list(inspect.signature(self.factory).parameters.values())[2:]
        return {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}

    def build(self, input_shape: tuple[int, ...], outputs: int, **options: Any) -> nn.Module:
        """Build it, with torch's global generator as the source of its first weights.

        Raises:
            ValueError: an option that it does not have, or a size that cannot be.
        """
        check_options(f"the model {self.name!r}", options, list(self.options))
        for name in ("units", "layers", "stacks", "conv_layers", "filters", "kernel_size", "lstm_units", "lstm_layers"):
            if name in options:
                whole_number(name, options[name], 1)
        return self.factory(tuple(input_shape), outputs, **options)


_BUILT_IN = (
    DenseModel("minimal_2021", models.minimal_2021),
    DenseModel("medium_2021", models.medium_2021),
    DenseModel("large_2021", models.large_2021),
    DenseModel("minimal_prm", models.minimal_prm, 2e-4),
    DenseModel("minimal_prm_bt", models.minimal_prm_bt, 2e-4),
    DenseModel("medium", models.medium),
    DenseModel("large", models.large, 2e-3),
    DenseModel("large_par", models.large_par, 2e-3),
    DenseModel("res", models.res, 2e-3),
    DenseModel("res_mod", models.res_mod, 2e-3),
    DenseModel("res_mod_head", models.res_mod_head),
    DenseModel("flat", luts.flat, 0.02, "bce", is_luts=True),
    DenseModel("flat_learned", luts.flat_learned, 0.02, "bce", is_luts=True),
)
_models = {model.name: model for model in _BUILT_IN}
MODELS: Mapping[str, DenseModel] = MappingProxyType(_models)
"""The models by name; `register_model` adds to them."""


def model_named(name: str) -> DenseModel:
    """Return a model by its name.

    Raises:
        TypeError: the name is not a text.
        ValueError: there is none of this name; the message lists those there are.
    """
    return _models[one_of("model", name, _models)]


def register_model(name: str, factory: Factory, *, lr: float = 1e-3, loss: str = "mse") -> DenseModel:
    """Add a model of your own, for this process, and return it.

    Args:
        name: what it is called.
        factory: `factory(input_shape, outputs, **options)`, to a module from `(B, *input_shape)` to logits
            `(B, outputs)`; its first weights come from torch's global generator, which a run seeds.
        lr: the learning rate by default.
        loss: "mse" or "bce", by default.

    Raises:
        TypeError: a name that is not a text, a factory that cannot be called.
        ValueError: there is a model of this name, or an empty name.
    """
    if not isinstance(name, str) or not callable(factory):
        raise TypeError(f"register_model({name!r}, {factory!r}): expected a name and a function that builds a module")
    if not name.strip() or name in _models:
        raise ValueError(f"name is {name!r}; expected a name other than {', '.join(_models)}")
    _models[name] = DenseModel(name, factory, lr, one_of("loss", loss, ("mse", "bce")))
    return _models[name]
