"""What the comments of a hardware description say: ports, words, latency, and the names that users gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.heads import Head
from lutsmith.export.hdl.names import quoted
from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.words import Words

INDEX_NAMES = {"multilabel": "label", "regression": "target"}
"""What the scores of an objective are of; of classes, where it is not said."""


@dataclass(frozen=True, eq=False)
class Notes:
    """What a circuit knows and a design does not. Immutable.

    Attributes:
        input_shape: the shape of one sample.
        encoder: the comparators, whose thresholds comments tell.
        head: its scale and offset are told; None where there is none.
        feature_names: one for each feature, or None.
    """

    input_shape: tuple[int, ...]
    encoder: Comparators
    head: Head | None = None
    feature_names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, circuit: Circuit) -> Notes:
        """Return the notes of a circuit."""
        return cls(circuit.input_shape, circuit.encoder, circuit.head, circuit.schema.names)

    def feature(self, index: int) -> str:
        """Return a feature's number, its place in a sample of several dimensions, and its name."""
        text = f"feature {index}"
        if len(self.input_shape) > 1:
            text += f" at ({', '.join(map(str, np.unravel_index(index, self.input_shape)))})"
        return text if self.feature_names is None else f"{text} {quoted(self.feature_names[index])}"

    def comparisons(self, words: Words | None) -> list[str]:
        """Return what each bit of the encoder compares, and on words of a grid, what with."""
        feature, threshold = self.encoder.feature, self.encoder.threshold
        named = {index: self.feature(index) for index in np.unique(feature).tolist()}
        texts = [
            f"{named[index]} > {float(value):.9g}" for index, value in zip(feature.tolist(), threshold, strict=True)
        ]
        if words is None or words.is_float:
            return texts
        limits = words.limits(feature, threshold).tolist()
        return [f"{text}: word > {limit}" for text, limit in zip(texts, limits, strict=True)]

    def owners(self, port: Port, classes: Sequence[object] | None, objective: str | None) -> Iterator[tuple[int, str]]:
        """Yield (first bit, of whom it is) for the words of counts and scores, and for each group of outputs."""
        head = self.head
        if head is None or port.name not in ("outputs", "counts", "scores"):
            return
        kind, groups = INDEX_NAMES.get(objective or "", "class"), head.num_groups
        of_class = port.name == "scores" or head.is_plain
        for index in range(head.num_classes if port.name == "scores" else groups):
            owner = f"{kind if of_class else 'group'} {index}"
            if of_class and classes is not None and str(classes[index]) != str(index):
                owner += f" {quoted(classes[index])}"
            if port.name == "outputs":
                if port.count >= groups:
                    yield index * (port.count // groups), f"from here: {owner}"
            else:
                yield index * port.width, f"{owner}: {port.name[:-1]}, from bit 0 up"


_DONE = {
    "encoder": "compares words with thresholds",
    "network": "the look-up tables that were learned",
    "popcount": "counts the ones in each group of outputs",
    "decision": "makes the result of the counts",
}


def summary(part: Part, module: str) -> str:
    """Return a line about the module of a part: what it does, and how large it is."""
    netlist = part.netlist
    done = f"{_DONE[part.name]}; " if part.name in _DONE else ""
    luts, levels, registers = netlist.num_nodes, netlist.level_ptr.size - 1, netlist.num_registers
    size = f"{luts:,} LUT{'s' if luts != 1 else ''} in {levels} level{'s' if levels != 1 else ''}"
    size += f" between {registers:,} register{'s' if registers != 1 else ''}" if registers else ""
    return f"{module}: {done}{size}."


def header(design: Design, notes: Notes | None, form: str) -> Iterator[str]:
    """Yield the lines at the top of a file that describes a design. `form`: of what the description is made."""
    yield f"{design.name}: a network of look-up tables as logic, made of {form}. Written by lutsmith."
    yield ""
    yield f"Parts: {', '.join(part.name for part in design.parts)}."
    for title, ports in (("Inputs", design.inputs), ("Outputs", design.outputs)):
        yield f"{title}:"
        for port in ports:
            yield from _port(port, design)
    yield "Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out."
    yield "Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is"
    yield "l<l>_<k>, register i is r<i>."
    if design.latency:
        cycles = f"{design.latency} clock cycle{'s' if design.latency != 1 else ''}"
        yield f"Latency: {cycles}, a sample in every cycle. Registers take their inputs at the rising edge of clk while"
        yield "ce is 1."
    elif any(part.netlist.num_registers for part in design.parts):
        yield "Latency: none, but the outputs depend on a state besides. Its registers step at the rising edge of clk"
        yield "while ce is 1."
    else:
        yield "Latency: none, the logic is combinational."
    if design.words is not None:
        yield ""
        yield from _words(design.words, notes)
    elif notes is not None and len(notes.encoder) == sum(port.size for port in design.inputs):
        yield ""
        yield "Bits of the input, over which the encoder was left out:"
        for index, text in enumerate(notes.comparisons(None)):
            yield f"  {index}: {text}"
    yield from _classes(design, notes)


def _port(port: Port, design: Design) -> Iterator[str]:
    kind = "two's complement" if port.signed else "unsigned"
    words = f"1 word of {port.width}" if port.count == 1 else f"{port.count} words of {port.width}"
    what = f"{words} bit{'s' if port.width != 1 else ''}"
    meaning = {
        "x": "the features of a sample, word k is feature k",
        "bits": "the bits of the encoder",
        "label": f"the class of the highest score, {kind}; the lowest class wins a tie",
        "labels": "whether each label is set: its score is above 0",
        "scores": f"word c is the score of {INDEX_NAMES.get(design.objective or '', 'class')} c, {kind}",
        "counts": "the ones in each group of outputs, unsigned",
        "outputs": "the outputs of the network",
    }.get(port.name)
    yield f"  {port.name}: {what}{': ' + meaning if meaning else ''}."


def _words(words: Words, notes: Notes | None) -> Iterator[str]:
    if words.grid is None:
        yield "A word holds the 32 bits of an IEEE 754 binary32 number. They are compared as numbers: -0 equals 0, and"
        yield "NaN is above nothing."
        return
    grid = words.grid
    yield f"The word of a number v is the lowest w, 0 to {grid.highest}, whose value low + w / per_unit is not below v:"
    yield f"v is rounded up. Numbers below low become word 0, numbers above all values word {grid.highest}, NaN word 0."
    if words.num_features and np.ptp(grid.low) == 0 and np.ptp(grid.per_unit) == 0:
        yield f"All features: low {float(grid.low[0])!r}, per_unit {float(grid.per_unit[0])!r}."
        return
    for index, (low, per_unit) in enumerate(zip(grid.low.tolist(), grid.per_unit.tolist(), strict=True)):
        yield f"  {notes.feature(index) if notes else f'feature {index}'}: low {low!r}, per_unit {per_unit!r}"


def _classes(design: Design, notes: Notes | None) -> Iterator[str]:
    kind = INDEX_NAMES.get(design.objective or "", "class")
    head = notes.head if notes is not None and design.objective == "regression" else None
    count = len(design.classes or ()) or (head.num_classes if head is not None else 0)
    if not count:
        return
    yield ""
    for index in range(count):
        text = f"  {kind} {index}"
        if design.classes is not None:
            text += f": {quoted(design.classes[index])}"
        if head is not None:
            scale = 1.0 if head.scale is None else float(head.scale[index])
            offset = 0.0 if head.offset is None else float(head.offset[index])
            text += f", value = score * {scale!r} + {offset!r}"
        yield text
