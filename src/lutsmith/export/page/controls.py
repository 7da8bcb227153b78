"""The input that a page asks for: a drawing, values of a table, or a calculation; and which numbers are allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.data.alu.operations import OPERATIONS, operation
from lutsmith.export.errors import ExportError

MAX_SIDE = 128
"""Pixels of a drawing's side."""

MAX_FEATURES = 512
"""Values of a table."""

SQUARE = 7
"""The side from which on a square number of features without names is taken for a grey image."""

NUMBERS = 2.0**53


def controls(circuit: Circuit) -> dict[str, Any]:
    """Return the input that the page asks for, as JSON.

    Raises:
        ExportError: a circuit for which there are no controls.
    """
    if circuit.netlist.num_registers:
        raise ExportError(
            f"the circuit has {circuit.netlist.num_registers} registers, and a page shows one sample at a time: export "
            'it as "webassembly" and run its cycles in a script'
        )
    calculated = _calculator(circuit)
    if calculated is not None:
        return calculated
    shape = _image_shape(circuit)
    if shape is not None:
        return _image(circuit, shape)
    features = circuit.encoder.num_features
    if features > MAX_FEATURES or len(circuit.input_shape) > 1:
        raise ExportError(
            f"the circuit reads samples of shape {circuit.input_shape}. A page takes grey or colour images, "
            f"(height, width), (1, height, width) or (3, height, width), of at most {MAX_SIDE} x {MAX_SIDE} pixels, "
            f'and tables of at most {MAX_FEATURES} features: export it as "webassembly" and write a page of your own'
        )
    return {"kind": "table", "features": [_feature(circuit, place) for place in range(features)]}


def _calculator(circuit: Circuit) -> dict[str, Any] | None:
    """Return the operations of an ALU, from what its file tells."""
    told = circuit.metadata.other.get("alu")
    words = circuit.words
    if not isinstance(told, Mapping) or words is None or circuit.encoder.num_features != 3:
        return None
    names, bits = told.get("operations"), told.get("bits")
    if (
        not isinstance(names, (list, tuple))
        or not isinstance(bits, int)
        or not all(name in OPERATIONS for name in names)
    ):
        return None
    operations = [{"name": name, "operands": operation(name).arity} for name in names]
    return {"kind": "alu", "bits": bits, "operations": operations}


def _image_shape(circuit: Circuit) -> tuple[int, int, int, bool] | None:
    """Return channels, height, width, and whether channels come last; None where samples are not images."""
    shape, named = circuit.input_shape, not circuit.schema.is_bare
    side = math.isqrt(shape[0])
    if len(shape) == 1 and not named and side >= SQUARE and side * side == shape[0] and circuit.words is None:
        shape = (side, side)
    if len(shape) == 2:
        shape = (1, *shape)
    if len(shape) != 3 or named:
        return None
    last = shape[0] not in (1, 3) and shape[2] in (1, 3)
    channels, height, width = (shape[2], shape[0], shape[1]) if last else shape
    return (channels, height, width, last) if channels in (1, 3) and max(height, width) <= MAX_SIDE else None


def _image(circuit: Circuit, shape: tuple[int, int, int, bool]) -> dict[str, Any]:
    channels, height, width, last = shape
    ranges = [_range(circuit, place) for place in range(circuit.encoder.num_features)]
    return {
        "kind": "image", "channels": channels, "height": height, "width": width, "channelsLast": last,
        "low": min(low for low, _ in ranges), "high": max(high for _, high in ranges),
    }  # fmt: skip


def _feature(circuit: Circuit, place: int) -> dict[str, Any]:
    schema = circuit.schema
    names = schema.categories[place] if schema.categories else None
    told: dict[str, Any] = {"name": schema.names[place] if schema.names else f"feature {place}"}
    if names is not None:
        return told | {"categories": list(names)}
    word = -1 if circuit.words is None else int(circuit.words.formats.place([place])[0])
    if circuit.words is not None and word >= 0:
        formats = circuit.words.formats[word : word + 1]
        lowest, highest = formats.lowest[0], formats.highest[0]
        if formats.plain[0]:
            return told | {"low": str(lowest), "high": str(highest), "step": 1, "long": bool(formats.is_long)}
        scale, offset = float(formats.per_unit[0]), float(formats.offset[0])
        return told | {"low": offset + lowest / scale, "high": offset + highest / scale, "step": 1 / scale}
    low, high = _range(circuit, place)
    thresholds = circuit.encoder.threshold[circuit.encoder.feature == place]
    thresholds = thresholds[np.isfinite(thresholds)].astype(np.float64)
    start = float(np.median(thresholds)) if thresholds.size else (low + high) / 2  # thresholds lie where the data do
    whole = float(low).is_integer() and float(high).is_integer() and ((thresholds * 2) % 1 == 0).all()
    step = 1 if whole and high - low >= 2 else _step(high - low)
    start = min(max(low + math.floor((start - low) / step) * step, low), high)
    return told | {"low": low, "high": high, "step": step, "start": float(f"{start:.12g}")}


def _range(circuit: Circuit, place: int) -> tuple[float, float]:
    """Return where a feature lay when the circuit was fitted, or else where its thresholds lie."""
    if circuit.fitted_range is not None:
        low, high = (float(ends[place]) for ends in circuit.fitted_range)
        if low < high and math.isfinite(high - low):
            return low, high
    own = circuit.encoder.threshold[circuit.encoder.feature == place]
    own = own[np.isfinite(own) & (np.abs(own) < NUMBERS)].astype(np.float64)
    if not own.size:
        return 0.0, 1.0
    low, high = float(own.min()), float(own.max())
    margin = (high - low) / 10 if high > low else max(abs(high), 1.0)
    return _rounded(low - margin), _rounded(high + margin)


def _step(span: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten, about 200 of them in a range."""
    rough = span / 200
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return float(next(power * times for times in (1, 2, 5, 10) if power * times >= rough * (1 - 1e-9)))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
