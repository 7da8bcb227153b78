"""`to_graphviz`: a small circuit as a picture, in the language of Graphviz's `dot`."""

from __future__ import annotations

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.export.errors import ExportError
from lutsmith.export.labels import class_names

MAX_SHAPES = 2000
"""Comparators, LUTs, registers, groups and scores in one picture: `dot` takes minutes for more, and nobody reads it."""

_NODE = 'node [shape=box, fontname="monospace", fontsize=10]'


def to_graphviz(circuit: Circuit, *, name: str = "lutsmith") -> str:
    """Return a circuit as a `dot` graph: comparators, LUTs by level with their tables, groups of outputs, and scores.

    An edge into a LUT is labelled with the input that it drives; a dashed edge into a register is taken at the clock.

    Args:
        circuit: of at most 2,000 comparators, LUTs, registers, groups and scores in all.
        name: of the graph; any text.

    Raises:
        ExportError: the circuit is larger.
    """
    netlist, head = circuit.netlist, circuit.head
    ends = netlist.outputs.size if head is None else head.num_groups + head.num_classes
    shapes = netlist.num_signals + ends
    if shapes > MAX_SHAPES:
        raise ExportError(
            f"a picture of {shapes} comparators, LUTs and scores is too large to be read: graphviz takes up to "
            f"{MAX_SHAPES}; export json for the whole circuit"
        )
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=LR", f"  {_NODE}"]
    lines += _inputs(circuit)
    lines += _levels(circuit)
    lines += _outputs(circuit) if head is None else _scores(circuit)
    return "\n".join([*lines, "}"]) + "\n"


def _inputs(circuit: Circuit) -> list[str]:
    names, encoder, netlist = circuit.schema.names, circuit.encoder, circuit.netlist
    lines = []
    for place, (feature, threshold) in enumerate(zip(encoder.feature.tolist(), encoder.threshold, strict=True)):
        named = f"x{feature}" if names is None else names[feature]
        lines.append(f"  s{place} [shape=cds, label={_quoted(f'{named} > {threshold!s}')}]")
    for place, (start, after) in enumerate(
        zip(netlist.register_init.tolist(), netlist.register_next.tolist(), strict=True), netlist.num_inputs
    ):
        lines.append(f"  s{place} [shape=box3d, label={_quoted(f'register, starts as {int(start)}')}]")
        lines.append(f"  s{after} -> s{place} [style=dashed, constraint=false]")
    return lines


def _levels(circuit: Circuit) -> list[str]:
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
            lines.append(f"    s{first + node} [label={_quoted(f'{kind} 0x{tables[node]:0{digits}x}')}]")
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


def _scores(circuit: Circuit) -> list[str]:
    head, names = circuit.head, class_names(circuit)
    assert head is not None
    size = circuit.netlist.outputs.size // head.num_groups
    objective = circuit.objective or "classification"
    kind = {"classification": "class", "multilabel": "label", "regression": "target"}[objective]
    lines = []
    for group in range(head.num_groups):
        lines.append(f"  g{group} [shape=ellipse, label={_quoted(f'count {group}')}]")
        for signal in circuit.netlist.outputs[group * size : (group + 1) * size].tolist():
            lines.append(f"  s{signal} -> g{group}")
    weights = np.eye(head.num_groups, dtype=np.int32) if head.weights is None else head.weights
    for score in range(head.num_classes):
        named = f"{kind} {score}" if names is None else f"{kind} {names[score]}"
        terms = [] if head.bias is None else [f"bias {head.bias[score]}"]
        if head.scale is not None or head.offset is not None:
            scale = 1.0 if head.scale is None else float(head.scale[score])
            offset = 0.0 if head.offset is None else float(head.offset[score])
            terms.append(f"x {scale!r} + {offset!r}")
        lines.append(f"  c{score} [shape=box, style=rounded, label={_quoted(', '.join([named, *terms]))}]")
        for group in np.flatnonzero(weights[score]).tolist():
            weight = "" if head.weights is None else f' [label="{weights[score, group]}"]'
            lines.append(f"  g{group} -> c{score}{weight}")
    return lines


def _quoted(text: str) -> str:
    """Return text as a quoted string of dot, shown as it is: a backslash would begin an escape, a quote end it."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
