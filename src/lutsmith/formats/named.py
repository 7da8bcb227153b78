"""The result of a reader of a format, and its error and warning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lutsmith.circuit.netlist import Netlist


class FormatError(ValueError):
    """Text or bytes that do not follow the format; the message names the line or the byte."""


class FormatWarning(UserWarning):
    """A reader left something out or assumed something; the result may not be all that the file says."""


@dataclass(frozen=True)
class NamedNetlist:
    """A netlist with the names that a file gave it.

    Attributes:
        netlist: the logic.
        name: of the model; "top" where the format has no place for one.
        inputs: I names.
        outputs: O names.
    """

    netlist: Netlist
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def checked_names(kind: str, names: Sequence[str] | None, count: int, prefix: str) -> list[str]:
    """Return `names`, by default `prefix` with 0, 1, ...

    Raises:
        TypeError, ValueError: names that are not strings, empty, not `count`, or not distinct.
    """
    if names is None:
        return [f"{prefix}{index}" for index in range(count)]
    checked = list(names)
    if len(checked) != count:
        raise ValueError(f"{len(checked)} names for {count} {kind}")
    for name in checked:
        if not isinstance(name, str):
            raise TypeError(f"{kind} has a name of type {type(name).__name__}, expected str")
    if "" in checked:
        raise ValueError(f"{kind}[{checked.index('')}] has an empty name")
    if len(set(checked)) != count:
        seen: set[str] = set()
        twice = next(name for name in checked if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"two {kind} are named {twice!r}")
    return checked
