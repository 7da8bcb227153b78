"""`to_graphviz`: a small circuit as a picture, in the language of Graphviz's `dot`."""

from __future__ import annotations

import math

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.results import Heads, IntegerHead, Result
from lutsmith.export.errors import ExportError

MAX_SHAPES = 2000
"""Comparators, LUTs, registers, groups and scores in one picture: `dot` takes minutes for more, and nobody reads it."""

_NODE = 'node [shape=box, fontname="monospace", fontsize=10]'


def to_graphviz(circuit: Circuit, *, name: str = "lutsmith") -> str:
    """Return a circuit as a `dot` graph: inputs, LUTs by level with their tables, groups of outputs, and scores.

    An edge into a LUT is labelled with the input that it drives; a dashed edge into a register is taken at the clock. A
    LUT or register of a part has the name of the part and the number of its instance. Edges into an integer are
    labelled with the bit that they drive; places have a number each.

    Args:
        circuit: of at most 2,000 inputs, LUTs, registers, groups, scores and integers in all.
        name: of the graph; any text.

    Raises:
        ExportError: the circuit is larger.
    """
    ends = circuit.netlist.outputs.size if circuit.head is None else sum(_shapes(part) for _, part in _heads(circuit))
    shapes = circuit.netlist.num_signals + ends
    if shapes > MAX_SHAPES:
        raise ExportError(
            f"a picture of {shapes} comparators, LUTs and scores is too large to be read: graphviz takes up to "
            f"{MAX_SHAPES}; export json for the whole circuit"
        )
    owners = _owners(circuit)
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=LR", f"  {_NODE}"]
    lines += _inputs(circuit, owners)
    lines += _levels(circuit, owners)
    lines += _outputs(circuit) if circuit.head is None else _results(circuit)
    return "\n".join([*lines, "}"]) + "\n"


def _heads(circuit: Circuit) -> list[tuple[str, Result]]:
    """The heads and what the names of their shapes begin with."""
    if isinstance(circuit.head, Heads):
        return [(f"{name} ", part) for name, part in circuit.head.items()]
    if circuit.head is None:
        return []
    return [("", Result(circuit.head, circuit.netlist.outputs.size, circuit.objective, circuit.classes))]


def _shapes(part: Result) -> int:
    head = part.head
    if isinstance(head, IntegerHead):
        return math.prod(head.shape) * len(head.words)
    return head.places * (head.num_groups + head.num_classes)


def _owners(circuit: Circuit) -> dict[int, str]:
    """The part and instance of each signal that is of one, as they are written behind it."""
    netlist, owners = circuit.netlist, {}
    for part in circuit.parts:
        for instance, signals in enumerate(part.signals(netlist)[:, part.netlist.num_inputs :].tolist()):
            owners.update(dict.fromkeys(signals, f", {part.name} {instance}"))
    return owners


def _inputs(circuit: Circuit, owners: dict[int, str]) -> list[str]:
    names, encoder, netlist = circuit.schema.names, circuit.encoder, circuit.netlist
    texts = [
        (feature, f" > {limit!s}") for feature, limit in zip(encoder.feature.tolist(), encoder.threshold, strict=True)
    ]
    if circuit.words is not None:
        bits = zip(circuit.words.feature.tolist(), circuit.words.bit.tolist(), strict=True)
        texts += [(feature, f", bit {bit}") for feature, bit in bits]
    texts += [(feature, " is missing") for feature in circuit.missing.tolist()]
    lines = []
    for place, (feature, text) in enumerate(texts):
        named = f"x{feature}" if names is None else names[feature]
        lines.append(f"  s{place} [shape=cds, label={_quoted(named + text)}]")
    for place, (start, after) in enumerate(
        zip(netlist.register_init.tolist(), netlist.register_next.tolist(), strict=True), netlist.num_inputs
    ):
        label = f"register, starts as {int(start)}{owners.get(place, '')}"
        lines.append(f"  s{place} [shape=box3d, label={_quoted(label)}]")
        lines.append(f"  s{after} -> s{place} [style=dashed, constraint=false]")
    return lines


def _levels(circuit: Circuit, owners: dict[int, str]) -> list[str]:
    netlist = circuit.netlist
    first = netlist.num_inputs + netlist.num_registers
    ranks, tables = netlist.ranks.tolist(), netlist.tables().tolist()
    lines = []
    for level, (start, stop) in enumerate(zip(netlist.level_ptr[:-1], netlist.level_ptr[1:], strict=True), 1):
        lines.append(f'  subgraph "cluster_level_{level}" {{')
        lines.append(f"    label={_quoted(f'level {level}')}")
        for node in range(int(start), int(stop)):
            digits = max(1, (1 << ranks[node]) // 4)
            kind = f"LUT{ranks[node]}" if ranks[node] else "constant"
            label = f"{kind} 0x{tables[node]:0{digits}x}{owners.get(first + node, '')}"
            lines.append(f"    s{first + node} [label={_quoted(label)}]")
        lines.append("  }")
    fanin, ptr = netlist.fanin.tolist(), netlist.fanin_ptr.tolist()
    for node in range(netlist.num_nodes):
        for slot, signal in enumerate(fanin[ptr[node] : ptr[node + 1]]):
            lines.append(f'  s{signal} -> s{first + node} [headlabel="{slot}"]')
    return lines


def _outputs(circuit: Circuit) -> list[str]:
    lines = []
    for place, signal in enumerate(circuit.netlist.outputs.tolist()):
        lines.append(f"  o{place} [shape=plaintext, label={_quoted(f'output {place}')}]")
        lines.append(f"  s{signal} -> o{place}")
    return lines


def _results(circuit: Circuit) -> list[str]:
    """Heads one by one, place by place: counts and scores, or integers."""
    lines, first, groups, ends = [], 0, 0, 0
    for prefix, part in _heads(circuit):
        outputs = circuit.netlist.outputs[first : first + part.outputs].tolist()
        first += part.outputs
        places = math.prod(part.head.shape)
        size = part.outputs // places
        for place in range(places):
            own = outputs[place * size : (place + 1) * size]
            named = prefix + (f"place {place} " if part.head.shape else "")
            if isinstance(part.head, IntegerHead):
                lines += _integers(part.head, own, named, ends)
                ends += len(part.head.words)
            else:
                lines += _scores(part, part.head, own, named, groups, ends)
                groups, ends = groups + part.head.num_groups, ends + part.head.num_classes
    return lines


def _integers(head: IntegerHead, outputs: list[int], named: str, first: int) -> list[str]:
    lines, end = [], 0
    for number, word in enumerate(head.words, first):
        kind = "signed" if word.signed else "unsigned"
        lines.append(f"  c{number} [shape=box, style=rounded, label={_quoted(f'{named}{word.name}, {kind}')}]")
        start, end = end, end + word.bits
        lines += [f'  s{signal} -> c{number} [headlabel="{bit}"]' for bit, signal in enumerate(outputs[start:end])]
    return lines


def _scores(part: Result, head: Head, outputs: list[int], named: str, groups: int, first: int) -> list[str]:
    """Counts from number `groups` on and scores from number `first` on, of one place."""
    names = None if part.classes is None else tuple(map(str, part.classes))
    size = len(outputs) // head.num_groups
    objective = part.objective or "classification"
    kind = {"classification": "class", "multilabel": "label", "regression": "target"}[objective]
    lines = []
    for group in range(head.num_groups):
        lines.append(f"  g{groups + group} [shape=ellipse, label={_quoted(f'{named}count {group}')}]")
        for signal in outputs[group * size : (group + 1) * size]:
            lines.append(f"  s{signal} -> g{groups + group}")
    weights = np.eye(head.num_groups, dtype=np.int32) if head.weights is None else head.weights
    for score in range(head.num_classes):
        label = f"{named}{kind} {score}" if names is None else f"{named}{kind} {names[score]}"
        terms = [] if head.bias is None else [f"bias {head.bias[score]}"]
        if head.scale is not None or head.offset is not None:
            scale = 1.0 if head.scale is None else float(head.scale[score])
            offset = 0.0 if head.offset is None else float(head.offset[score])
            terms.append(f"x {scale!r} + {offset!r}")
        lines.append(f"  c{first + score} [shape=box, style=rounded, label={_quoted(', '.join([label, *terms]))}]")
        for group in np.flatnonzero(weights[score]).tolist():
            weight = "" if head.weights is None else f' [label="{weights[score, group]}"]'
            lines.append(f"  g{groups + group} -> c{first + score}{weight}")
    return lines


def _quoted(text: str) -> str:
    """Return text as a quoted string of dot, shown as it is: a backslash would begin an escape, a quote end it."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
