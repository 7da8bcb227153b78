"""What arguments may be, checked in one way all over the package.

A value of a wrong type is a `TypeError`. A value that cannot be, an unknown name and an unknown option are a
`ValueError` (or the room's own kind of it) that lists what there is and says which of it may have been meant.
"""

from __future__ import annotations

import contextlib
import difflib
import dis
import inspect
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from numbers import Integral
from typing import Any

import numpy as np


class WrongTypeError(TypeError):
    """An argument of a wrong type: the user's to mend, not a fault of the program."""


@contextlib.contextmanager
def settings_checked() -> Iterator[None]:
    """Turn a TypeError that lutsmith raises in the block, which reads what the user chose, into a `WrongTypeError`. One
    that an operation fails with is a fault of the program, and stays what it is.
    """
    try:
        yield
    except TypeError as error:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        assert place is not None
        frame = place.tb_frame
        raised = frame.f_code.co_code[place.tb_lasti] == dis.opmap["RAISE_VARARGS"]
        if not raised or not str(frame.f_globals.get("__name__")).startswith("lutsmith."):
            raise
        raise WrongTypeError(*error.args) from error


def one_of(name: str, given: object, known: Iterable[str], error: type[ValueError] = ValueError, hint: str = "") -> str:
    """Return a name that was chosen among those that there are.

    Args:
        name: of the argument.
        given: its value.
        known: the names that there are, in the order in which a message lists them.
        error: what an unknown name raises, a kind of `ValueError`.
        hint: what else may help, after the names.

    Raises:
        TypeError: it is not a text.
        ValueError: there is no such name.
    """
    names = list(known)
    if not isinstance(given, str):
        raise TypeError(f"{name} is {given!r}; expected a name, one of {', '.join(names)}")
    if given not in names:
        raise error(f"{name} is {given!r}; expected one of {', '.join(names)}{_meant([given], names)}{hint}")
    return given


def check_options(
    owner: str, given: Iterable[str], known: Collection[str], error: type[ValueError] = ValueError, hint: str = ""
) -> None:
    """Raise an error where an option was given that the owner does not take.

    Args:
        owner: what messages call it, such as `light` or `the wiring 'local'`.
        given: the names of the options.
        known: those that it takes.
        error: what is raised, a kind of `ValueError`.
        hint: what else may help, after the names.

    Raises:
        ValueError: an unknown option; the message lists those there are.
    """
    if unknown := [name for name in given if name not in known]:
        takes = f"it takes {', '.join(known)}" if known else "it takes no options"
        raise error(f"{owner} has no {', '.join(unknown)}; {takes}{_meant(unknown, known)}{hint}")


def whole_number(name: str, value: Any, least: int, most: int | None = None, what: str = "") -> int:
    """Return an integer from `least` to `most` (None: without end); `what` says what it counts.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is out of range.
    """
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    expected = f"expected {f'{what}, ' if what else ''}an integer {bounds}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}; {expected}")
    count = int(value)
    if count < least or (most is not None and count > most):
        raise ValueError(f"{name} is {value!r}; {expected}")
    return count


def number(
    name: str, value: Any, accepts: Callable[[float], bool], expected: str, error: type[ValueError] = ValueError
) -> float:
    """Return a real number that `accepts`; `expected` says which are accepted.

    Raises:
        TypeError: it is not a number.
        ValueError: it is none of those; NaN never is.
    """
    message = f"{name} is {value!r}; expected {expected}"
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(message)
    try:
        real = float(value)
    except OverflowError:  # an integer beyond float64
        raise error(f"{name} is beyond float64; expected {expected}") from None
    if not accepts(real):
        raise error(message)
    return real


def is_finite(value: Any) -> bool:
    """Whether something is a finite number of Python or NumPy, and none beyond what float64 holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def instance_of(name: str, given: object, kind: type, otherwise: str = "") -> None:
    """Raise TypeError where a value is of another class; `otherwise` says what else is taken."""
    if not isinstance(given, kind):
        also = f" {otherwise}" if otherwise else ""
        raise TypeError(f"{name} is a {type(given).__name__}; expected {kind.__name__}{also}")


def as_python(value: Any) -> Any:
    """Return a value with NumPy's numbers, truth values, texts and arrays of one axis as Python's, within tuples, lists
    and mappings too, which are copied; whatever else it holds stays.
    """
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return value.tolist()
    if isinstance(value, Mapping):
        return {as_python(key): as_python(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(map(as_python, value)) if isinstance(value, tuple) else list(map(as_python, value))
    return value


def options_of(kind: type) -> list[str]:
    """Return the names of the options of a class, those of the classes that it hands the rest to included, sorted.

    An option is what may be given by name and has a default.
    """
    names: set[str] = set()
    for base in kind.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base).parameters.values()
        names.update(p.name for p in parameters if p.default is not p.empty and p.kind is not p.POSITIONAL_ONLY)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return sorted(names)


def _meant(given: Iterable[str], known: Iterable[str]) -> str:
    """Return which known name may have been meant by an unknown one, for the end of a message."""
    for name in given:
        if close := difflib.get_close_matches(name, list(known), 1):
            return f"; did you mean {close[0]!r}?"
    return ""
