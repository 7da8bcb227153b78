"""What an importer must know besides tensors: from its arguments, or from the other library's model; never assumed.

A state dict does not hold the options of its modules. An option that is neither given nor an attribute of a model is
missing, and the import is refused with a message that names all missing arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from lutsmith.ground.arguments import is_finite
from lutsmith.interop.state_dicts import ForeignModelError


class Told:
    """What the caller and the source say, and what neither does.

    Args:
        library: for messages.
        source: what is imported; if it is a model, its attributes are read.
        layers: the prefixes of the layers' tensors in the state dict, in order.
    """

    def __init__(self, library: str, source: object, layers: Sequence[str]) -> None:
        self._library = library
        self._layers = list(layers)
        self._modules = [
            source.get_submodule(prefix.rstrip(".")) if isinstance(source, nn.Module) else None for prefix in layers
        ]
        self._missing: dict[str, tuple[str, str]] = {}

    def option(self, name: str, number: int, given: Any, attribute: str, usual: str = "") -> Any:
        """An option of a layer, or None, with a note that it is missing.

        Args:
            name: of the importer's argument.
            number: of the layer.
            given: the argument: None, a value for all layers, or a list or tuple with one for each.
            attribute: where a module of the other library keeps it, as a dotted name; `nodes.*.name` reads it from each
                of its nodes, which must agree.
            usual: the default of the other library's constructor, for the message.
        """
        if isinstance(given, (list, tuple)):
            if len(given) != len(self._layers):
                raise ForeignModelError(
                    f"{name} has {len(given)} values for {len(self._layers)} layers; expected one for each, or a value "
                    "for all"
                )
            given = given[number]
        return self.value(name, number, given, attribute, usual)

    def value(self, name: str, number: int, given: Any, attribute: str, usual: str = "") -> Any:
        """The same for a value that is given for this layer alone."""
        value = given if given is not None else self.attribute(number, attribute)
        if value is None:
            self.miss(name, usual)
        return value

    def attribute(self, number: int, path: str) -> Any:
        """An attribute of a layer's module, as `option` reads it; None if there is none, as in a state dict."""
        values = _values(self._modules[number], path.split("."))
        if any(value != values[0] for value in values[1:]):
            raise ForeignModelError(
                f"the nodes of layer {self._layers[number]!r} differ in {path.rpartition('.')[2]}; expected one value "
                "for all"
            )
        return values[0] if values else None

    def miss(self, name: str, usual: str = "", example: str = "...") -> None:
        """Note that an argument is needed."""
        self._missing[name] = usual, example

    def check(self) -> None:
        """Raise ForeignModelError if an option is missing."""
        if not self._missing:
            return
        names = ", ".join(f"{name}={example}" for name, (_, example) in self._missing.items())
        usual = ", ".join(f"{name}={value}" for name, (value, _) in self._missing.items() if value)
        hint = f" ({self._library}'s constructors take {usual} by default)" if usual else ""
        raise ForeignModelError(
            f"the checkpoint does not say everything that the {self._library} model was; pass {names}{hint}, or the "
            "model itself, whose attributes are read"
        )


def _values(owner: Any, path: list[str]) -> list[Any]:
    """The values of a dotted attribute, numbers as Python's."""
    if owner is None:
        return []
    if not path:
        return [owner.item() if isinstance(owner, Tensor) and owner.ndim == 0 and not owner.is_meta else owner]
    if path[0] == "*":
        return [value for part in owner for value in _values(part, path[1:])]
    return _values(getattr(owner, path[0], None), path[1:])


def number(name: str, value: Any) -> float:
    """A finite number, or ForeignModelError."""
    if not isinstance(value, (int, float)) or not is_finite(value):
        raise ForeignModelError(f"{name} is {value!r}; expected a finite number")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """True or False, or ForeignModelError."""
    if not isinstance(value, bool):
        raise ForeignModelError(f"{name} is {value!r}; expected True or False")
    return value
