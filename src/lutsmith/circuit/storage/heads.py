"""Heads as JSON and tensors, from version 3 on.

    null
    {"kind": "popcount", "num_groups", "num_classes", "arrays", "shape", "objective", "classes"}
    {"kind": "integers", "words": [[name, bits, signed], ...], "shape"}
    {"kind": "several", "heads": [[name, outputs, a popcount or integers], ...]}

`arrays` lists which of weights, bias, scale and offset a head of popcounts has. They stand in the tensors
`head_weights` and so on, those of one head behind those of another; weights are scores times groups, row by row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import AnyHead, Heads, IntegerHead, OutputWord, Result
from lutsmith.circuit.storage.narrow import SIGNED, Tensors, count, narrow, pieces

HEAD_TENSORS: dict[str, tuple[str, ...]] = {
    "head_weights": SIGNED,
    "head_bias": SIGNED,
    "head_scale": ("F64",),
    "head_offset": ("F64",),
}
"""The types that each may have."""

_ARRAYS = tuple(name.removeprefix("head_") for name in HEAD_TENSORS)


def head_json(head: AnyHead | None, objective: str | None, classes: Any) -> dict[str, Any] | None:
    """Return a head, with its objective and classes, as JSON without its arrays."""
    if head is None:
        return None
    if isinstance(head, Heads):
        told = [[name, part.outputs, head_json(part.head, part.objective, part.classes)] for name, part in head.items()]
        return {"kind": "several", "heads": told}
    if isinstance(head, IntegerHead):
        words = [[word.name, word.bits, word.signed] for word in head.words]
        return {"kind": "integers", "words": words, "shape": head.shape}
    return {
        "kind": "popcount",
        "num_groups": head.num_groups,
        "num_classes": head.num_classes,
        "arrays": [name for name in _ARRAYS if getattr(head, name) is not None],
        "shape": head.shape,
        "objective": objective,
        "classes": classes,
    }


def head_tensors(head: AnyHead | None) -> Tensors:
    """Return the arrays of heads."""
    each = [part.head for part in head.values()] if isinstance(head, Heads) else [head]
    tensors: Tensors = {}
    for name in _ARRAYS:
        arrays = [getattr(part, name) for part in each if isinstance(part, Head) and getattr(part, name) is not None]
        if arrays:
            joined = np.concatenate([array.reshape(-1) for array in arrays])
            tensors[f"head_{name}"] = narrow(joined, np.int32) if joined.dtype == np.int32 else joined
    return tensors


def head_fields(told: Any, tensors: Tensors) -> dict[str, Any]:
    """Return the fields `head`, `objective` and `classes` of the circuit with such a head.

    Raises:
        TypeError, ValueError: JSON that is not a head, or tensors that are not its arrays.
    """
    kind = told.get("kind") if isinstance(told, dict) else None
    if told is not None and kind not in ("popcount", "integers", "several"):
        raise ValueError(f"its head is {str(told)[:80]}, expected popcounts, integers or several")
    listed = told["heads"] if kind == "several" else [] if told is None else [["", None, told]]
    if not isinstance(listed, list) or not all(isinstance(each, list) and len(each) == 3 for each in listed):
        raise ValueError("its heads are not a list of name, outputs and head")
    parts = [part for *_, part in listed]
    arrays = _arrays(parts, tensors)
    if kind == "several":
        made: dict[str, Result] = {}
        for (name, outputs, part), own in zip(listed, arrays, strict=True):
            if name in made:
                raise ValueError(f"two heads are called {str(name)[:80]}")
            made[name] = Result(outputs=count("outputs of a head", outputs, 1), **_fields(part, own))
        return {"head": Heads(made)}
    return _fields(parts[0], arrays[0]) if parts else {}


def _fields(told: Any, arrays: Tensors) -> dict[str, Any]:
    shape = tuple(told["shape"])
    if told["kind"] == "integers":
        return {"head": IntegerHead(tuple(OutputWord(*word) for word in told["words"]), shape)}
    classes = told["classes"]
    if not isinstance(classes, (list, type(None))):
        raise TypeError("its classes are not a list")
    head = Head(told["num_groups"], **arrays, shape=shape)
    return {"head": head, "objective": told["objective"], "classes": None if classes is None else tuple(classes)}


def _arrays(parts: list[Any], tensors: Tensors) -> list[Tensors]:
    """Return the arrays of each head."""
    sizes: dict[str, list[int]] = {name: [] for name in _ARRAYS}
    for part in parts:
        if not isinstance(part, dict) or part.get("kind") not in ("popcount", "integers"):
            raise ValueError(f"one of its heads is {str(part)[:80]}, expected popcounts or integers")
        has = part.get("arrays", [])
        if not isinstance(has, list) or not set(has) <= set(_ARRAYS) or len(set(has)) < len(has):
            raise ValueError(f"a head has arrays {str(has)[:80]}, expected of {', '.join(_ARRAYS)}")
        if has:
            scores, groups = (count(name, part.get(name), 1) for name in ("num_classes", "num_groups"))
            for name in has:
                sizes[name].append(scores * groups if name == "weights" else scores)
    for name in _ARRAYS:
        if bool(sizes[name]) != (f"head_{name}" in tensors):
            raise ValueError(f"head_{name} is {'missing' if sizes[name] else 'there, and no head has it'}")
    cut = {name: iter(pieces(f"head_{name}", tensors[f"head_{name}"], each)) for name, each in sizes.items() if each}
    found: list[Tensors] = []
    for part in parts:
        own = {name: next(cut[name]) for name in part.get("arrays", [])}
        if "weights" in own:
            own["weights"] = own["weights"].reshape(part["num_classes"], -1)
        found.append(own)
    return found
