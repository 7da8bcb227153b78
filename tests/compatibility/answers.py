"""What a model file is asked: rows that are telling for it, and all that its circuit says of them.

Files are read here as bytes, by the layout of safetensors alone, so that renames inside lutsmith change nothing.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors

import lutsmith
from lutsmith.circuit import OutOfRangeWarning

ROWS = {"float32": 70, "float64": 20, "int32": 10, "uint8": 20, "bool": 8}
"""How many of each dtype; 70 are more than the 64 samples of a word, and no multiple of it."""

Arrays = dict[str, NDArray[Any]]


def document(data: bytes) -> dict[str, Any]:
    """The JSON object in a model file's header; classes and objective of version 3 as those of versions 1 and 2."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    found: dict[str, Any] = json.loads(header["__metadata__"]["lutsmith"])
    if found["version"] > 2:
        head = found["head"] or {}
        found |= {"classes": head.get("classes"), "task": head.get("objective")}
    return found


def tensors(data: bytes) -> Arrays:
    """The tensors of a model file."""
    return load_tensors(data)


def rows(data: bytes) -> Arrays:
    """Rows for a model file, by dtype, each (N, *input_shape): its thresholds, their neighbours, and the edges.

    The first rows are NaN, the infinities and both zeros throughout; float64 values lie nearer to a threshold than
    float32 can tell.
    """
    shape = document(data)["input_shape"]
    held = tensors(data)
    rng = np.random.default_rng(0)
    edges = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38], np.float32)
    x = np.empty((sum(ROWS.values()), math.prod(shape)), np.float32)
    for feature in range(x.shape[1]):
        at = np.unique(held["comparator_threshold"][held["comparator_feature"] == feature].astype(np.float32))[:40]
        near = [np.nextafter(at, np.float32(side)) for side in (-np.inf, np.inf)]
        x[:, feature] = rng.choice(np.concatenate([at, *near, np.float32([0, 1, 2])]), len(x)) if at.size else 0
    for feature, bits in zip(held.get("format_feature", ()), held.get("format_bits", ()), strict=True):
        words = rng.normal(size=len(x)) * 2.0 ** rng.integers(0, min(int(bits), 31) + 1, len(x))
        x[:, feature] = np.where(rng.random(len(x)) < 0.5, np.floor(words) + 0.5, words)
    odd = rng.random(x.shape) < 0.03
    x[odd] = rng.choice(edges, np.count_nonzero(odd))
    made, start = {}, 0
    for dtype, count in ROWS.items():
        part = x[start : start + count].astype(np.float64)
        start += count
        if dtype in ("float32", "float64"):
            part[: len(edges)] = edges[:, None]
        if dtype == "float64":
            with np.errstate(over="ignore"):
                part *= 1 + rng.choice([-1e-12, 0, 1e-12], part.shape)
        if dtype not in ("float32", "float64"):
            part = np.clip(np.nan_to_num(np.round(part)), *((0, 255) if dtype == "uint8" else (-(2**31), 2**31 - 1)))
        made[dtype] = (part > 0 if dtype == "bool" else part).astype(dtype).reshape(count, *shape)
    return made


def answers(circuit: lutsmith.Circuit, X: Any) -> dict[str, Any]:
    """What the circuit says of samples: arrays by name, and whether it warned that they lie elsewhere.

    Of several heads or words the names are such as "scores of size"; integers above 64 bits are told in digits.
    """
    info = circuit.info()
    asked = {"outputs": circuit.outputs}
    if info["head"] == "popcount":
        asked |= {"scores": circuit.decision_function, "predictions": circuit.predict}
    if info["head"] == "popcount" and info["task"] in (None, "classification"):
        asked["labels"] = circuit.predict_labels
    if info["head"] in ("integers", "several"):
        asked["predictions"] = circuit.predict
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OutOfRangeWarning)
        said: dict[str, Any] = {}
        for name, ask in asked.items():
            said |= flat(name, ask(X))
    return {**said, "warned": bool(caught)}


def flat(name: str, answer: Any) -> dict[str, Any]:
    """An answer by its name, or each of several by names of their own."""
    if isinstance(answer, dict):
        return {key: part for own in answer for key, part in flat(f"{name} of {own}", answer[own]).items()}
    is_long = answer.dtype == object and name.startswith("predictions")
    return {name: answer.astype("U64") if is_long else answer}


def joined(said: Mapping[str, Mapping[str, Any]]) -> Arrays:
    """The arrays of numbers and bits that `answers` gave for each dtype of rows, one after another."""
    kinds = ("outputs", "scores", "predictions")
    names = [name for kind in kinds for name in said["float32"] if name == kind or name.startswith(f"{kind} of ")]
    return {name: np.concatenate([part[name] for part in said.values()]) for name in names}


def as_json(value: Any) -> Any:
    """Anything as JSON gives it back, arrays as their dtype and values."""
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "values": value.tolist()}
    return json.loads(json.dumps(value, allow_nan=False))
