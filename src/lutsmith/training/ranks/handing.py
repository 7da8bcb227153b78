"""What one process hands to others in a folder: objects as a pickle, large arrays as files that all of them map.

So data that are shared by several processes are in memory once, and data that were mapped already are not copied.
"""

from __future__ import annotations

import copy
import mmap
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from torch import Tensor, nn

_LARGE = 1 << 20  # bytes of an array that gets a file of its own


class _Pickler(pickle.Pickler):
    def __init__(self, file: BinaryIO, folder: Path) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._folder, self._known = folder, dict[int, tuple[Any, ...]]()
        self._kept: list[Any] = []  # so that no other array gets the id of one that is gone

    def persistent_id(self, obj: Any) -> tuple[Any, ...] | None:
        if type(obj) not in (np.ndarray, np.memmap) or obj.dtype.hasobject or obj.nbytes < _LARGE:
            return None
        if id(obj) not in self._known:
            self._kept.append(obj)
            self._known[id(obj)] = _mapping(obj) or self._written(obj)
        return self._known[id(obj)]

    def _written(self, array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
        path = self._folder / f"array-{len(self._known)}.npy"
        np.save(path, array, allow_pickle=False)
        return ("npy", str(path))


def _mapping(array: Any) -> tuple[Any, ...] | None:
    """Return where a mapped array lies in its file; None where it is not one, or only a view of one."""
    if not isinstance(array, np.memmap):
        return None
    base: Any = array.base
    if not isinstance(base, mmap.mmap) or array.mode == "c" or not array.flags.c_contiguous:
        return None  # a view, or pages that were changed in memory alone
    return ("map", str(array.filename), array.dtype.str, array.offset, array.shape)


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> np.ndarray[Any, Any]:
        kind, path, *rest = pid
        if kind == "npy":
            mapped: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped
        dtype, offset, shape = rest
        return np.memmap(path, np.dtype(dtype), "r", offset, shape)


def hand(path: Path, value: Any) -> None:
    """Write an object to a file, and its large arrays beside it, for processes of the same user alone.

    Raises:
        ValueError: it holds what pickle cannot take, such as a function within a function.
    """
    with path.open("wb") as file:
        try:
            _Pickler(file, path.parent).dump(value)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                f"several processes cannot be handed what this one has ({error}): define functions and classes at the "
                "top of a module or script, or start the script itself in each process with torchrun"
            ) from error


def taken(path: Path) -> Any:
    """Return what `hand` wrote. A pickle runs code: read only what this user has just written."""
    with path.open("rb") as file:
        return _Unpickler(file).load()


def take_over(mine: nn.Module, theirs: nn.Module) -> None:
    """Give a network the state of its copy: tensors in place, and everything else that its modules know.

    Where a module of the copy knows other modules or tensors of the copy, outside of its children, it shall know those
    of the network: so values are copied once more, with these in their places.
    """
    others = dict(theirs.named_modules())
    pairs = [(module, others[name]) for name, module in mine.named_modules()]
    places: dict[int, Any] = {id(other): module for module, other in pairs}
    for module, other in pairs:
        for kind in ("_parameters", "_buffers"):
            own = module.__dict__[kind]
            for key, value in other.__dict__[kind].items():
                own[key] = _taken_over(own.get(key), value)
                if value is not None:
                    places[id(value)] = own[key]
    for module, other in pairs:
        for key, value in other.__dict__.items():
            if key not in ("_parameters", "_buffers", "_modules"):
                module.__dict__[key] = copy.deepcopy(value, places)


def _taken_over(own: Tensor | None, other: Tensor | None) -> Tensor | None:
    if own is None or other is None or own.shape != other.shape or own.dtype != other.dtype:
        return other
    own.data.copy_(other.data)
    own.requires_grad_(other.requires_grad)
    return own
