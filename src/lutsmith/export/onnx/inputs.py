"""The inputs of a netlist: comparators, bits of words, missing values, and what registers hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.words import WordBits, WordFormats, grid_zero
from lutsmith.export.onnx.graph import Graph


def input_bits(graph: Graph, circuit: Circuit, state: str | None) -> str | None:
    """Return the bits of all inputs, then of registers, int32 (I + R, N); None where there are none.

    Args:
        graph: what is added to.
        circuit: without words above 24 bits.
        state: the name of what registers hold, bool (N, R).
    """
    encoder = circuit.encoder
    parts = []
    if circuit.netlist.num_inputs:
        columns = graph.add("Transpose", ["x"], "x.columns", perm=[1, 0])
    if len(encoder):
        compared = graph.rows(columns, encoder.feature, "compared")
        thresholds = graph.constant("thresholds", encoder.threshold[:, None])
        above = graph.add("Greater", [compared, thresholds], "above")
        parts.append(graph.cast(above, "bits", "INT32"))
    if circuit.words is not None:
        parts.append(_words(graph, columns, circuit.words))
    if circuit.missing.size:
        gone = graph.add("IsNaN", [graph.rows(columns, circuit.missing, "may_be_missing")], "missing")
        parts.append(graph.cast(gone, "missing_bits", "INT32"))
    if state is not None:
        held = graph.add("Transpose", [state], "held", perm=[1, 0])
        parts.append(graph.cast(held, "held_bits", "INT32"))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else graph.add("Concat", parts, "inputs", axis=0)


def _words(graph: Graph, columns: str, words: WordBits) -> str:
    """Return bits of words, int32 (B, N): of the words as integers from 0, by division."""
    formats = words.formats
    groups = [(True, 0)] * bool(formats.plain.any())
    groups += [(False, bits) for bits in np.unique(formats.bits[~formats.plain]).tolist()]
    made, order = [], []
    for plain, bits in groups:
        places = np.flatnonzero(formats.plain if plain else ~formats.plain & (formats.bits == bits))
        some = formats[places]
        numbers = graph.rows(columns, some.feature, f"words_{bits}.numbers")
        words_of = _nearest if plain else _steps
        made.append(words_of(graph, numbers, some, f"words_{bits}"))
        order.append(places)
    all_words = made[0] if len(made) == 1 else graph.add("Concat", made, "words", axis=0)
    place = np.argsort(np.concatenate(order), kind="stable")[words.place]
    rows = graph.rows(all_words, place, "words.read")
    spans = graph.constant("words.spans", _column(np.int64(1) << formats.bits[words.place].astype(np.int64)))
    weights = graph.constant("words.weights", _column(np.int64(1) << words.bit.astype(np.int64)))
    positive = graph.add("Mod", [rows, spans], "words.positive")  # of the sign of the divisor: two's complement
    shifted = graph.add("Div", [positive, weights], "words.shifted")
    bit = graph.add("Mod", [shifted, graph.constant("words.two", np.array(2, np.int64))], "words.bit")
    return graph.cast(bit, "words.bits", "INT32")


def _nearest(graph: Graph, numbers: str, formats: WordFormats, name: str) -> str:
    """Return the nearest integers, halves down, saturated, int64 (K, N); NaN is 0."""
    gone = graph.add("IsNaN", [numbers], f"{name}.gone")
    wide = graph.cast(numbers, f"{name}.wide", "DOUBLE")
    zero = graph.constant(f"{name}.zero", np.array(0.0))
    known = graph.add("Where", [gone, zero, wide], f"{name}.known")
    low, high = (
        graph.constant(f"{name}.{end}", _column(np.array(values, np.float64)))
        for end, values in (("lowest", formats.lowest), ("highest", formats.highest))
    )
    inside = graph.add("Min", [graph.add("Max", [known, low], f"{name}.above"), high], f"{name}.inside")
    whole = graph.add("Floor", [inside], f"{name}.whole")
    rest = graph.add("Sub", [inside, whole], f"{name}.rest")
    more = graph.add("Greater", [rest, graph.constant(f"{name}.half", np.array(0.5))], f"{name}.more")
    nearest = graph.add("Add", [whole, graph.cast(more, f"{name}.one", "DOUBLE")], f"{name}.nearest")
    return graph.cast(nearest, f"{name}.words", "INT64")


def _steps(graph: Graph, numbers: str, formats: WordFormats, name: str) -> str:
    """Return how many thresholds are below numbers, from the lowest word on, int64 (K, N), bit by bit; NaN is 0."""
    lowest = np.array(formats.lowest, np.float64)
    first, per_unit = (
        graph.constant(f"{name}.{what}", _column(values))
        for what, values in (
            ("first", formats.offset + (lowest + 0.5) / formats.per_unit),
            ("per_unit", formats.per_unit),
        )
    )
    count = graph.constant(f"{name}.none", np.array(0.0))
    for bit in reversed(range(int(formats.bits[0]))):
        own = f"{name}.{bit}"
        last = graph.add("Add", [count, graph.constant(f"{own}.step", np.array(float((1 << bit) - 1)))], f"{own}.last")
        exact = graph.add("Add", [first, graph.add("Div", [last, per_unit], f"{own}.units")], f"{own}.exact")
        below = graph.add("Less", [graph.cast(exact, f"{own}.threshold", "FLOAT"), numbers], f"{own}.below")
        more = graph.add("Add", [last, graph.constant(f"{own}.one", np.array(1.0))], f"{own}.more")
        count = graph.add("Where", [below, more, count], f"{own}.count")
    gone = graph.add("IsNaN", [numbers], f"{name}.gone")
    zero = graph.constant(f"{name}.zero", _column(grid_zero(formats).astype(np.float64)))
    known = graph.add("Where", [gone, zero, count], f"{name}.known")
    moved = graph.add("Add", [known, graph.constant(f"{name}.lowest", _column(lowest))], f"{name}.moved")
    return graph.cast(moved, f"{name}.words", "INT64")


def _column(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values[:, None]
