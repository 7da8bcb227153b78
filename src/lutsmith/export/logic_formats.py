"""`to_blif` and `to_aiger`: a whole circuit as logic, its bits named after ports, features and classes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Unpack
from urllib.parse import quote

from lutsmith import formats
from lutsmith.circuit.circuit import Circuit
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.labels import class_names
from lutsmith.logic.design import Design, Port

_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What stands in names as it is, besides letters and digits."""


def to_blif(circuit: Circuit, **options: Unpack[DesignOptions]) -> str:
    """Return a circuit as one BLIF model; options as of `designed`: words, encoder, head, pipeline and name.

    Bits are named `<port>[<word>][<bit>]`, words by feature or class where they have names: `x[age][3]`,
    `scores[setosa][0]`; an index is left out where there is one word, or one bit. `formats.from_blif` gives the names
    back. Comment lines at the end say what the words stand for, and what a regression does with its scores.

    Raises:
        TypeError, ValueError: what `designed` refuses.
    """
    design = designed(circuit, **options)
    inputs, outputs = _names(circuit, design)
    text = formats.to_blif(design.flat().netlist, name=design.name, inputs=inputs, outputs=outputs)
    return text + "".join(f"# {line}\n" for line in _notes(circuit, design))


def to_aiger(circuit: Circuit, *, binary: bool = True, **options: Unpack[DesignOptions]) -> bytes:
    """Return a circuit as an AIGER file, binary or ascii, with a symbol table; otherwise as `to_blif`."""
    design = designed(circuit, **options)
    inputs, outputs = _names(circuit, design)
    data = formats.to_aiger(design.flat().netlist, binary=binary, inputs=inputs, outputs=outputs)
    return data + "\n".join(["c", *_notes(circuit, design), ""]).encode()


def _names(circuit: Circuit, design: Design) -> tuple[list[str], list[str]]:
    """Return the names of all bits that come in, and of all that go out."""
    words = {"x": circuit.schema.names, "scores": class_names(circuit), "labels": class_names(circuit)}
    sides = []
    for ports in (design.inputs, design.outputs):
        sides.append([bit for port in ports for bit in _bits(port, words.get(port.name))])
    return sides[0], sides[1]


def _bits(port: Port, labels: Sequence[str] | None) -> list[str]:
    """Return the names of the bits of a port, whose words, or single bits, may have names."""
    named = port.size if port.width == 1 else port.count
    if port.count == 1 and port.width > 1 and labels is None:
        words = [port.name]
    else:
        words = [f"{port.name}[{label}]" for label in _distinct(labels, named)]
    return words if port.width == 1 else [f"{word}[{bit}]" for word in words for bit in range(port.width)]


def _distinct(labels: Sequence[str] | None, count: int) -> list[str]:
    """Return printable names; with the index before them where two would be the same, or one is empty."""
    if labels is None or len(labels) != count:
        return [str(index) for index in range(count)]
    plain = [quote(label, safe=_PLAIN, errors="backslashreplace") for label in labels]
    if len(set(plain)) == count and "" not in plain:
        return plain
    return [f"{index}:{label}" for index, label in enumerate(plain)]


def _notes(circuit: Circuit, design: Design) -> list[str]:
    """Return what no bit says, each as one line of JSON."""
    notes: dict[str, Any] = {"name": design.name, "task": design.objective, "latency": design.latency}
    if design.words is not None:
        notes["words"] = "float32" if design.words.grid is None else {
            "bits": design.words.bits,
            "low": design.words.grid.low.tolist(),
            "per_unit": design.words.grid.per_unit.tolist(),
        }  # fmt: skip
    if circuit.classes is not None:
        notes["classes"] = list(circuit.classes)
    head = circuit.head
    if head is not None and any(port.name == "scores" for port in design.outputs):
        for key, values in (("scale", head.scale), ("offset", head.offset)):
            if values is not None:
                notes[key] = values.tolist()
    return [f"lutsmith {key}: {json.dumps(value)}" for key, value in notes.items()]
