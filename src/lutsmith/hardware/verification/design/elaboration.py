"""Whether a design is the circuit: each part is compared with the circuit before any format is written."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lutsmith.circuit.circuit import Circuit
from lutsmith.formats.assembly import CycleError
from lutsmith.hardware.tools.tool import ToolError, ToolMissing, ToolTimeout
from lutsmith.hardware.verification.design.cones import bypassed
from lutsmith.hardware.verification.design.decisions import counts_checked, decision_checked
from lutsmith.hardware.verification.design.functions import Outcome, proved
from lutsmith.hardware.verification.design.specification import (
    Ports,
    encoder_specification,
    heads_specification,
    ports_specification,
)
from lutsmith.hardware.verification.report import DESIGN, Check, Verdict
from lutsmith.logic import is_balanced
from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.words import Words


def check_design(
    circuit: Circuit, design: Design, timeout: float, *, head: bool = True, scores: bool = True
) -> Iterator[Check]:
    """Yield a row for the ports of a design, for each of its parts, and for its registers.

    Parts, their order, ports, widths and signs, classes and objective must be exactly those that follow from the
    circuit and the words. The encoder is proved against serial comparators, the network against the circuit's netlist;
    counts and scores are proved to be the sums that the head says, by substitution, in words of the specified width,
    which hold every sum; label and labels as functions of any scores, against a serial search. Registers are bypassed,
    and every path must cross the same number of them; those of a circuit that has a state are matched with its own.

    Rows that need a missing tool are "not run"; rows whose tool fails or takes too long are "not decided". No
    `ToolError` is raised.

    Args:
        circuit: any.
        design: elaborated from it. Without `words`, it begins with the bits of the comparators.
        timeout: seconds for each part.
        head: whether the design should have popcounts and the decision, if the circuit has a head.
        scores: whether the design should output scores beside a label or labels.
    """
    began = time.perf_counter()
    specified = ports_specification(circuit, design.words, head=head, scores=scores)
    problem = _ports_problem(circuit, design, specified)
    text = f"{len(specified)} parts, their ports, widths and signs, classes and objective are those of the circuit"
    verdict: Verdict = "failed" if problem else "proved"
    yield Check(DESIGN, "formal", "ports", verdict, problem or text, time.perf_counter() - began)
    known = {ports.name: ports for ports in specified}
    for part in design.parts:
        began = time.perf_counter()
        verdict, reason = _checked(circuit, design.words, part, known.get(part.name), timeout)
        yield Check(DESIGN, "formal", part.name, verdict, reason, time.perf_counter() - began)
    if design.latency or any(part.netlist.num_registers for part in design.parts):
        began = time.perf_counter()
        stateful = circuit.netlist.num_registers > 0  # then its network was compared, registers and all
        bad = [
            part.name
            for part in design.parts
            if not (part.latency == 0 if stateful and part.name == "network" else is_balanced(part))
        ]
        text = f"every path crosses {design.latency} registers" + (", but for the circuit's own" if stateful else "")
        reason = f"not all paths through {', '.join(bad)} cross as many registers" if bad else text
        yield Check(DESIGN, "formal", "registers", "failed" if bad else "proved", reason, time.perf_counter() - began)


def _ports_problem(circuit: Circuit, design: Design, specified: tuple[Ports, ...]) -> str:
    """Return what of a design, seen from outside, is not as it should be, or nothing."""
    names, wanted = [part.name for part in design.parts], [ports.name for ports in specified]
    if names != wanted:
        return f"the parts are {', '.join(names)}, specified are {', '.join(wanted)}"
    for part, ports in zip(design.parts, specified, strict=True):
        for kind, found, right in (("takes", part.inputs, ports.inputs), ("gives", part.outputs, ports.outputs)):
            if found != right:
                return f"{part.name} {kind} {_listed(found)}, specified is {_listed(right)}"
    if design.words is not None and design.words.num_features != circuit.encoder.num_features:
        return f"words of {design.words.num_features} features for a circuit of {circuit.encoder.num_features}"
    words, own = design.words, None if circuit.words is None else circuit.words.formats
    if words is not None:
        if words.formats != own:
            return f"features that are words are {words.formats!r}, those of the circuit {own!r}"
        read = circuit.inputs.feature
        if words.formats_only and own is not None and (own.place(read) < 0).any():
            return f"feature {read[own.place(read) < 0][0]} is read, and has no words in the design"
    if design.objective != circuit.objective:
        return f"the objective is {design.objective!r}, that of the circuit {circuit.objective!r}"
    if _typed(design.classes) != _typed(circuit.classes):
        return f"the classes are {design.classes!r}, those of the circuit {circuit.classes!r}"
    return ""


def _listed(ports: tuple[Port, ...]) -> str:
    return ", ".join(f"{port.count} words {port.name} of {port.width} {'signed ' * port.signed}bits" for port in ports)


def _typed(classes: tuple[object, ...] | None) -> list[tuple[type, object]] | None:
    return None if classes is None else [(type(name), name) for name in classes]


def _checked(circuit: Circuit, words: Words | None, part: Part, ports: Ports | None, timeout: float) -> Outcome:
    """Return what is known of one part."""
    if ports is None:
        return "not run", "a part that the design should not have"
    sizes = part.netlist.num_inputs, part.netlist.outputs.size
    if sizes != ports.sizes:
        return "failed", f"{sizes[0]} bits to {sizes[1]}, specified are {ports.sizes[0]} to {ports.sizes[1]}"
    try:
        if part.name == "network":
            netlist = part.netlist if circuit.netlist.num_registers else bypassed(part.netlist)
            verdict, reason = proved(netlist, circuit.netlist, timeout)
            return verdict, f"against the circuit's netlist: {reason}"
        netlist = bypassed(part.netlist)
        if part.name == "encoder" and words is not None:
            if words.num_features != circuit.encoder.num_features:
                return "failed", f"words of {words.num_features} features"
            verdict, reason = proved(netlist, encoder_specification(circuit.inputs, words), timeout)
            return verdict, f"each comparator against a serial one, and bits of words as they are: {reason}"
        specified = heads_specification(circuit)
        if not specified:
            return "not run", "a part that the design should not have"
        checked = counts_checked if part.name == "popcount" else decision_checked
        return checked(netlist, ports, specified, timeout)
    except CycleError:
        return "failed", "its registers feed themselves"
    except ToolMissing as missing:
        return "not run", str(missing)
    except ToolTimeout as slow:
        return "not decided", str(slow).partition(";")[0]
    except ToolError as problem:
        return "not decided", str(problem).partition("\n")[0]
