"""`to_blif` and `to_aiger`: a whole circuit as logic, its bits named after ports, features and classes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack
from urllib.parse import quote

from lutsmith import formats
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import IntegerHead
from lutsmith.export.designs import DesignOptions, designed
from lutsmith.export.hdl.header import kinds_of
from lutsmith.logic.design import Design, Port
from lutsmith.logic.heads import EachHead, heads_of_circuit

_PLAIN = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
"""What stands in names as it is, besides letters and digits."""


def to_blif(circuit: Circuit, **options: Unpack[DesignOptions]) -> str:
    """Return a circuit as one BLIF model; options as of `designed`: words, encoder, head, pipeline and name.

    Bits are named `<port>[<word>][<bit>]`, words by feature or class where they have names: `x[age][3]`,
    `scores[setosa][0]`; an index is left out where there is one word, or one bit. Where there are places, their number
    comes first: `pixel_scores[63][sky][0]`. A result with the name of an input, such as x, gets `_o` behind it.
    `formats.from_blif` returns the names. Instances of shared parts are flattened. Comment lines at the end mention
    this, and say what the words stand for and what a regression does with its scores.

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
    entering = [
        bit for port in design.inputs for bit in _bits(port, circuit.schema.names if port.name == "x" else None)
    ]
    taken, others = ({port.name for port in side} for side in (design.inputs, design.outputs))
    leaving: list[str] = []
    heads = (
        heads_of_circuit(circuit) if design.outputs[:1] != (Port("outputs", 1, circuit.netlist.outputs.size),) else ()
    )
    for port in design.outputs:
        labels, places = None, None
        for each in heads:
            own = [word.name for word in each.head.words] if isinstance(each.head, IntegerHead) else _RESULTS
            if port.name in {each.prefix + name for name in own}:
                places = math.prod(each.head.shape) if each.head.shape else None
                if each.classes is not None and port.name.removeprefix(each.prefix) in ("scores", "labels"):
                    labels = [*map(str, each.classes)]
        name = port.name
        while name in taken or (name != port.name and name in others):
            name += "_o"
        leaving += _bits(replace(port, name=name), labels, places)
    return entering, leaving


_RESULTS = ("label", "labels", "scores")
"""What ports of popcounts give."""


def _bits(port: Port, labels: Sequence[str] | None, places: int | None = None) -> list[str]:
    """Return the names of the bits of a port, whose words, or single bits, may have names, and may be of places."""
    named = (port.size if port.width == 1 else port.count) // (places or 1)
    if labels is None and named == 1 and (port.width > 1 or places is not None):
        own = [""]
    else:
        own = [f"[{label}]" for label in _distinct(labels, named)]
    words = own if places is None else [f"[{place}]{word}" for place in range(places) for word in own]
    bits = [""] if port.width == 1 else [f"[{bit}]" for bit in range(port.width)]
    return [f"{port.name}{word}{bit}" for word in words for bit in bits]


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
    words = design.words
    if words is not None and not words.formats_only:
        notes["words"] = "float32" if words.grid is None else {
            "bits": words.bits,
            "low": words.grid.low.tolist(),
            "per_unit": words.grid.per_unit.tolist(),
        }  # fmt: skip
    if words is not None and words.formats is not None:
        notes["word formats"] = [kind._asdict() for kind in kinds_of(words.formats)]
    if circuit.classes is not None:
        notes["classes"] = list(circuit.classes)
    for each in heads_of_circuit(circuit):
        notes |= {f"{each.prefix[:-1]} {key}".strip(): value for key, value in _head_notes(each, design).items()}
    counts = {shared.name: len(shared) for part in design.parts for shared in part.shared}
    if counts:
        notes["instances, put in their places"] = counts
    return [f"lutsmith {key}: {json.dumps(value)}" for key, value in notes.items()]


def _head_notes(each: EachHead, design: Design) -> dict[str, Any]:
    """Return what is said of a head."""
    head = each.head
    notes: dict[str, Any] = {}
    if each.prefix and isinstance(head, Head):
        notes["task"] = each.objective
        if each.classes is not None:
            notes["classes"] = list(each.classes)
    if head.shape:
        notes["places"] = list(head.shape)
    if isinstance(head, IntegerHead):
        notes["integers"] = {word.name: {"bits": word.bits, "signed": word.signed} for word in head.words}
    elif any(port.name == f"{each.prefix}scores" for port in design.outputs):
        notes |= {
            key: values.tolist()
            for key, values in (("scale", head.scale), ("offset", head.offset))
            if values is not None
        }
    return notes
