"""The answers of a C header for rows, as arrays in its own types, and as the answers of a circuit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.results import Heads, IntegerHead, OutputWord
from lutsmith.export.programs.c.interface import HeadInterface, interfaces
from lutsmith.hardware.simulation.answers import Answers, exactly

_RESULTS: dict[str, Any] = {"classification": np.int32, "multilabel": np.uint8, "regression": np.float64}
_ANSWERS: dict[str, Any] = {"classification": np.int64, "multilabel": np.bool_, "regression": np.float64}


def c_fields(circuit: Circuit, count: int) -> list[tuple[str, Any, tuple[int, ...]]]:
    """Return name, type and shape of each array that a header's functions give of so many rows, in their order."""
    fields: list[tuple[str, Any, tuple[int, ...]]] = [("outputs", np.uint8, (count, circuit.netlist.outputs.size))]
    for each in interfaces(circuit):
        of = f" of {each.scope}" if each.scope else ""
        if isinstance(each.head, IntegerHead):
            limbs = sum(_limbs(word) for word in each.head.words)
            fields.append((f"results{of}", np.uint64, (count, *each.head.shape, limbs)))
            continue
        shape, classes = each.head.shape, each.head.num_classes
        decided = shape if each.objective == "classification" else (*shape, classes)
        fields.append((f"scores{of}", np.int32, (count, *shape, classes)))
        fields.append((f"results{of}", _RESULTS[each.objective], (count, *decided)))
    return fields


def c_answers(circuit: Circuit, arrays: Sequence[NDArray[Any]]) -> Answers:
    """Return such arrays in the types of a circuit's own answers, which must hold exactly what is there."""
    heads, place = interfaces(circuit), 1
    scores: dict[str, Any] = {}
    results: dict[str, Any] = {}
    for each in heads:
        if isinstance(each.head, IntegerHead):
            results[each.scope] = _integers(each.head, arrays[place])
            place += 1
            continue
        scores[each.scope] = arrays[place]
        results[each.scope] = _decided(each, arrays[place + 1])
        place += 2
    outputs = exactly("outputs", arrays[0], np.bool_)
    if isinstance(circuit.head, Heads):
        return Answers(outputs, scores or None, results)
    return Answers(outputs, scores.get(""), results.get(""))


def _limbs(word: OutputWord) -> int:
    return -(-word.bits // 64)


def _decided(each: HeadInterface, values: NDArray[Any]) -> NDArray[Any]:
    decided = exactly("results", values, _ANSWERS[each.objective])
    single = each.objective == "regression" and not isinstance(each.head, IntegerHead) and each.head.num_classes == 1
    return decided[..., 0] if single else decided


def _integers(head: IntegerHead, limbs: NDArray[np.uint64]) -> Any:
    """Return the integers of all bits that a program gave: those above a word's own are its sign or zero."""
    values, start = {}, 0
    for word in head.words:
        size = _limbs(word)
        own = np.ascontiguousarray(limbs[..., start : start + size], "<u8")
        start += size
        if size == 1:
            low = own[..., 0].astype(np.uint64)
            values[word.name] = low if word.bits == 64 and not word.signed else low.view(np.int64)
            continue
        data = own.tobytes()
        made = np.empty(own.shape[:-1], object)
        made.reshape(-1)[:] = [
            int.from_bytes(data[at : at + 8 * size], "little", signed=word.signed)
            for at in range(0, len(data), 8 * size)
        ]
        values[word.name] = made
    return values if len(values) > 1 else next(iter(values.values()))
