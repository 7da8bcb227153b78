"""The comments at the top of a hardware description and of its modules: ports, words, latency, classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lutsmith.circuit.heads import Head
from lutsmith.circuit.netlist import Netlist
from lutsmith.circuit.parts import SharedPart
from lutsmith.circuit.results import IntegerHead
from lutsmith.circuit.words import WordFormats
from lutsmith.export.hdl.names import quoted
from lutsmith.export.hdl.notes import Notes, index_name, told
from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.words import Words

_DONE = {
    "encoder": "compares words with thresholds",
    "network": "the look-up tables that were learned",
    "popcount": "counts the ones in each group of outputs",
    "decision": "makes the result of the counts",
}


def summary(part: Part, module: str) -> str:
    """Return a line about the module of a part: what it does, and how large it is."""
    done = f"{_DONE[part.name]}; " if part.name in _DONE else ""
    boxes = [f"{len(each):,} of {each.name}" for each in part.shared]
    return f"{module}: {done}{_size(part.netlist)}{', instances included: ' if boxes else ''}{', '.join(boxes)}."


def shared_summary(shared: SharedPart, part: Part, module: str) -> str:
    """Return a line about the module of a part with instances."""
    count = f"{len(shared):,} instance{'s' if len(shared) != 1 else ''}"
    return f"{module}: a part of which the {part.name} has {count}; {_size(shared.netlist)}."


def _size(netlist: Netlist) -> str:
    luts, levels, registers = netlist.num_nodes, netlist.level_ptr.size - 1, netlist.num_registers
    size = f"{luts:,} LUT{'s' if luts != 1 else ''} in {levels} level{'s' if levels != 1 else ''}"
    return size + (f" between {registers:,} register{'s' if registers != 1 else ''}" if registers else "")


def header(design: Design, notes: Notes | None, form: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines at the top of a file that describes a design.

    Args:
        design: any.
        notes: what the comments say beyond it.
        form: what the description is made of.
        names: the names in the file of ports and shared parts that have other names in the design.
    """
    yield f"{design.name}: a network of look-up tables as logic, made of {form}. Written by lutsmith."
    yield ""
    yield f"Parts: {', '.join(part.name for part in design.parts)}."
    yield "Inputs:"
    yield from (_port(port, {"x": "the features of a sample, word k is feature k"}) for port in design.inputs)
    yield "Outputs:"
    yield from (_port(port, results_told(port, design, notes)) for port in design.outputs)
    yield "Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out."
    yield "Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is"
    yield "l<l>_<k>, register i is r<i>."
    if any(part.shared for part in design.parts):
        yield "Instance k of part p is u_<p>_i<k>, its output j <p>_i<k>_o<j>; what is inside of it has the names of"
        yield "its module, and what is around instances is numbered without them."
    if names:
        yield f"Names that are taken here: {', '.join(f'{own} is {name}' for own, name in names.items())}."
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
        yield from words_told(design.words, notes)
    elif notes is not None and len(notes.inputs) == sum(port.size for port in design.inputs):
        yield ""
        yield "Bits of the input, over which the encoder was left out:"
        for index, text in enumerate(notes.inputs_told(None)):
            yield f"  {index}: {text}"
    for prefix, objective, classes, head in told(design, notes):
        yield from _classes(prefix, objective, classes, head)


def _port(port: Port, told_: Mapping[str, str]) -> str:
    words = f"1 word of {port.width}" if port.count == 1 else f"{port.count} words of {port.width}"
    what = f"{words} bit{'s' if port.width != 1 else ''}"
    meaning = {"bits": "the bits of the encoder", "outputs": "the outputs of the network", **told_}.get(port.name)
    return f"  {port.name}: {what}{': ' + meaning if meaning else ''}."


def results_told(port: Port, design: Design, notes: Notes | None) -> dict[str, str]:
    """Return the meaning of the words of each port of results, by the name of the port, where it is known."""
    kind = "two's complement" if port.signed else "unsigned"
    for prefix, objective, _, head in told(design, notes):
        if port.name.startswith(prefix):
            meaning = _result(port.name.removeprefix(prefix), kind, index_name(objective), head)
            if meaning:
                return {port.name: f"of {prefix[:-1]}, {meaning}" if prefix else meaning}
    return {}


def _result(name: str, kind: str, owner: str, head: Head | IntegerHead | None) -> str | None:
    """Return what the words of a port of results are."""
    if isinstance(head, IntegerHead):
        if name not in {word.name for word in head.words}:
            return None
        places = f", word p that of place p of {_shape(head)}" if head.shape else ""
        return f"an integer, {kind}{places}"
    if head is None or not head.shape:
        return {
            "label": f"the class of the highest score, {kind}; the lowest class wins a tie",
            "labels": "whether each label is set: its score is above 0",
            "scores": f"word c is the score of {owner} c, {kind}",
            "counts": "the ones in each group of outputs, unsigned",
        }.get(name)
    classes, groups = head.num_classes, head.num_groups
    told = {
        "label": f"word p is the class of the highest score at place p, {kind}; the lowest class wins a tie",
        "labels": f"bit p * {classes} + c is whether label c is set at place p: its score is above 0",
        "scores": f"word p * {classes} + c is the score of {owner} c at place p, {kind}",
        "counts": f"word p * {groups} + g is the ones in group g of outputs at place p, unsigned",
    }.get(name)
    return told and f"{told}; places are {_shape(head)}"


def _shape(head: Head | IntegerHead) -> str:
    return f"{' x '.join(map(str, head.shape))}, the last index first to change"


def words_told(words: Words, notes: Notes | None) -> Iterator[str]:
    """Yield lines that say what the words at the port x stand for."""
    if words.formats is not None:
        yield "Features that are words in the network are in the low bits of their words; bits above are not read:"
        yield from _formats_told(words.formats)
        if words.formats_only:
            yield "Other features are read by nothing."
            return
        yield "Of other features:"
    if words.grid is None:
        yield "A word holds the 32 bits of an IEEE 754 binary32 number. They are compared as numbers: -0 equals 0, and"
        yield "NaN is above nothing."
        return
    grid = words.grid
    yield f"The word of a number v is the lowest w, 0 to {grid.highest}, whose value low + w / per_unit is not below v:"
    yield f"v is rounded up. Numbers below low become word 0, numbers above all values word {grid.highest}, NaN word 0."
    others = np.arange(words.num_features)
    if words.formats is not None:
        others = others[words.formats.place(others) < 0]
    low, per_unit = grid.low[others], grid.per_unit[others]
    if others.size and np.ptp(low) == 0 and np.ptp(per_unit) == 0:
        all_ = "All features" if words.formats is None else "All of them"
        yield f"{all_}: low {float(low[0])!r}, per_unit {float(per_unit[0])!r}."
        return
    for index, least, scale in zip(others.tolist(), low.tolist(), per_unit.tolist(), strict=True):
        yield f"  {notes.feature(index) if notes else f'feature {index}'}: low {least!r}, per_unit {scale!r}"


class WordKind(NamedTuple):
    """Features whose words are alike: their numbers as text, and what `WordFormats` says of each."""

    features: str
    bits: int
    signed: bool
    offset: float
    per_unit: float


def kinds_of(formats: WordFormats) -> Iterator[WordKind]:
    """Yield the features that are words, those of one kind together."""
    kinds: dict[tuple[Any, ...], list[int]] = {}
    columns = [column.tolist() for column in (formats.bits, formats.signed, formats.offset, formats.per_unit)]
    for feature, kind in zip(formats.feature.tolist(), zip(*columns, strict=True), strict=True):
        kinds.setdefault(kind, []).append(feature)
    yield from (WordKind(_ranges(features), *kind) for kind, features in kinds.items())


def _formats_told(formats: WordFormats) -> Iterator[str]:
    """Yield what the words of features are."""
    for features, bits, signed, offset, per_unit in kinds_of(formats):
        number = "v" if (offset, per_unit) == (0, 1) else f"(v - {offset!r}) * {per_unit!r}"
        sign = "two's complement" if signed else "unsigned"
        yield f"  features {features}: {bits} bit{'s' if bits > 1 else ''}, {sign}; the integer nearest to {number},"
        yield "    halves down; the lowest or the highest where that is none of them, and 0 for NaN."


def _ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as ranges: 0 to 63, 70."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in spans)


def _classes(
    prefix: str, objective: str | None, classes: tuple[object, ...] | None, known: Head | IntegerHead | None
) -> Iterator[str]:
    head = known if objective == "regression" and isinstance(known, Head) else None
    count = len(classes or ()) or (head.num_classes if head is not None else 0)
    if not count:
        return
    yield ""
    if prefix:
        yield f"{prefix[:-1]}:"
    for index in range(count):
        text = f"  {index_name(objective)} {index}"
        if classes is not None:
            text += f": {quoted(classes[index])}"
        if head is not None:
            scale = 1.0 if head.scale is None else float(head.scale[index])
            offset = 0.0 if head.offset is None else float(head.offset[index])
            text += f", value = score * {scale!r} + {offset!r}"
        yield text
