"""Pickles of arrays, bytes, text, numbers, lists and dicts, read without Python's `pickle`: nothing in them is called.

CIFAR's Python batches are such files. A pickle is a program for a stack; here its opcodes, as `pickletools` lists them,
move plain values about, and the few functions that NumPy and Python write into pickles of arrays and bytes are known by
name and acted out. Any other name, such as `os.system`, any other opcode, and arrays of Python objects are refused
before anything else happens. A value never takes more memory than the file holds for it: lengths are checked before
they are used.
"""

from __future__ import annotations

import math
import os
import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.dataset import DataError

LARGEST = 1 << 28
"""Bytes of the largest file that is read; a batch of CIFAR-10 has 31 million."""

_RECONSTRUCT, _NDARRAY, _DTYPE, _FROM_BUFFER = "_reconstruct", "ndarray", "dtype", "_frombuffer"
_ENCODE, _BYTES = "encode", "bytes"
_KNOWN = {
    **{f"numpy.{core}.multiarray._reconstruct": _RECONSTRUCT for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _FROM_BUFFER for core in ("core", "_core")},
    "numpy.ndarray": _NDARRAY,
    "numpy.dtype": _DTYPE,
    "_codecs.encode": _ENCODE,
    "__builtin__.bytes": _BYTES,
}
"""What a pickle may name; each is acted out by `_called`, none is imported."""

_NUMBERS = re.compile(r"b1|[iu][1248]|f[248]")
_PLAIN = {
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_TEXT_OF_PYTHON_2 = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_DAMAGE = (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError, AssertionError)
"""What `pickletools` and a stack without the values that an opcode wants raise."""


class _Name(str):
    """A function that a pickle names, one of the values of `_KNOWN`."""

    __slots__ = ()


class _Mark:
    """Where the values of a list, tuple or dict begin on the stack."""


class _Array:
    """An array on its way: `BUILD` hands it its values."""

    def __init__(self) -> None:
        self.values: NDArray[Any] | None = None


class _Type:
    """The type of an array's numbers."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)


class _RefusedError(ValueError):
    """What a pickle holds and is not read; the message says what it is."""


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Return what a pickle holds: arrays of numbers, bytes, text, numbers, None, lists, tuples and dicts of these.

    Text of Python 2 is bytes. Nothing is imported or called, whatever the file says.

    Raises:
        DataError: the file is missing, a folder, unreadable, larger than `LARGEST`, damaged, or holds something else
            than these.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise DataError(f"{path}: {size:,} bytes; a pickle of more than {LARGEST:,} is not read: save it as .npz")
        with path.open("rb") as file:
            held = file.read(LARGEST)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return _finished(_run(held))
    except _RefusedError as error:
        read = "only arrays of numbers, bytes, text, numbers, lists and dicts are read, nothing is called"
        raise DataError(f"{path}: {error}; {read}") from error
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: not a sound pickle ({reason}); fetch the file again") from error


def _run(held: bytes) -> Any:
    """Return the value on top of the stack at the end."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    encoded: dict[str, bytes] = {}  # so that a text that is encoded again and again takes memory once
    argument: Any
    for opcode, argument, _ in pickletools.genops(held):
        name = opcode.name
        if name in _PLAIN:
            stack.append(argument)
        elif name in _TEXT_OF_PYTHON_2:
            stack.append(argument.encode("latin-1"))
        elif name == "BYTEARRAY8":
            stack.append(bytes(argument))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo[argument])
        elif name == "MARK":
            stack.append(_Mark())
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name in ("LIST", "DICT", "TUPLE"):
            values = _from_mark(stack)
            stack.append(values if name == "LIST" else _pairs(values) if name == "DICT" else tuple(values))
        elif name in ("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            count = 0 if name == "EMPTY_TUPLE" else int(name[-1])
            values = [stack.pop() for _ in range(count)]
            stack.append(tuple(reversed(values)))
        elif name in ("APPEND", "APPENDS"):
            values = [stack.pop()] if name == "APPEND" else _from_mark(stack)
            _of_kind(stack[-1], list).extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            values = [stack.pop(), stack.pop()][::-1] if name == "SETITEM" else _from_mark(stack)
            _of_kind(stack[-1], dict).update(_pairs(values))
        elif name == "GLOBAL":
            stack.append(_named(argument.replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(_named(f"{_of_kind(module, str)}.{_of_kind(attribute, str)}"))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_called(function, _of_kind(arguments, tuple), encoded))
        elif name == "BUILD":
            state = stack.pop()
            _built(stack[-1], _of_kind(state, tuple))
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise _RefusedError(f"it holds the opcode {name}")
    raise ValueError("it has no end")


def _from_mark(stack: list[Any]) -> list[Any]:
    values = []
    while not isinstance(value := stack.pop(), _Mark):
        values.append(value)
    return values[::-1]


def _pairs(values: list[Any]) -> dict[Any, Any]:
    keys = values[0::2]
    for key in keys:  # nothing that holds others: a tuple of tuples of the same tuples takes for ever to hash
        if not isinstance(key, (str, bytes, int, float, type(None))) or isinstance(key, _Name):
            raise _RefusedError(f"it has a dict with a {type(key).__name__.strip('_').lower()} as a key")
    return dict(zip(keys, values[1::2], strict=True))


def _of_kind(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a {type(value).__name__.strip('_').lower()} where a {kind.__name__} belongs")
    return value


def _named(name: str) -> _Name:
    if name not in _KNOWN:
        raise _RefusedError(f"it names {name[:100]!r}")
    return _Name(_KNOWN[name])


def _called(function: Any, arguments: tuple[Any, ...], encoded: dict[str, bytes]) -> Any:
    """Return what a known function makes of its arguments."""
    if not isinstance(function, _Name):
        raise _RefusedError(f"it calls a {type(function).__name__.strip('_').lower()}")
    if function == _RECONSTRUCT and arguments[:1] == (_NDARRAY,) and isinstance(arguments[0], _Name):
        return _Array()
    if function == _DTYPE and len(arguments) in (1, 3):
        name = arguments[0].decode("latin-1") if isinstance(arguments[0], bytes) else arguments[0]
        if not _NUMBERS.fullmatch(_of_kind(name, str)):
            objects = " of Python objects" if name.startswith("O") else ""
            raise _RefusedError(f"it holds an array{objects} of type {name[:40]!r}")
        return _Type(name)
    if function == _ENCODE and len(arguments) == 2 and arguments[1] in ("latin1", "latin-1"):
        text = _of_kind(arguments[0], str)
        return encoded.setdefault(text, encoded.get(text) or text.encode("latin-1"))
    if function == _BYTES and not arguments:  # no bytes at all, as Python 3 writes them for Python 2
        return b""
    if function == _FROM_BUFFER and len(arguments) == 4:
        values, kind, shape, order = arguments
        return _filled(_Array(), shape, kind, order == "F", values)
    raise _RefusedError(f"it calls {function} with other arguments than NumPy and Python write")


def _built(target: Any, state: tuple[Any, ...]) -> None:
    """Hand an array its values, or a type its byte order."""
    if isinstance(target, _Type):
        order: Any = state[1].decode("latin-1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise _RefusedError("it holds an array of structures")
        target.dtype = target.dtype.newbyteorder(order)
    elif isinstance(target, _Array) and len(state) == 5:
        _, shape, kind, fortran, values = state
        _filled(target, shape, kind, bool(fortran), values)
    else:
        raise _RefusedError(f"it changes a {type(target).__name__.strip('_').lower()}")


def _filled(array: _Array, shape: Any, kind: Any, fortran: bool, values: Any) -> _Array:
    if isinstance(values, list):
        raise _RefusedError("it holds an array of Python objects")
    sizes = [_of_kind(size, int) for size in _of_kind(shape, tuple)]
    dtype: np.dtype[Any] = _of_kind(kind, _Type).dtype
    declared = math.prod(sizes) * dtype.itemsize
    if min(sizes, default=0) < 0 or declared != len(_of_kind(values, bytes)):
        raise ValueError(f"an array of shape {tuple(sizes)} and {len(values):,} bytes of values")
    numbers = np.frombuffer(values, dtype) if declared else np.empty(0, dtype)
    array.values = numbers.reshape(sizes, order="F" if fortran else "C")
    return array


def _finished(value: Any) -> Any:
    """Return a value with arrays in the place of what they were made of; of dicts at the top, of their values."""
    if isinstance(value, dict):
        return {key: _finished_part(part) for key, part in value.items()}
    return _finished_part(value)


def _finished_part(value: Any) -> Any:
    if isinstance(value, _Array):
        if value.values is None:
            raise ValueError("an array without values")
        return value.values
    if isinstance(value, (_Name, _Type, _Mark)):
        raise _RefusedError("it holds a function or a type, and no values")
    return value
