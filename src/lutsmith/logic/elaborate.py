"""From a circuit to a design: every part of it as logic, once, for all formats that know only logic."""

from __future__ import annotations

from lutsmith.circuit.circuit import Circuit
from lutsmith.logic.decision import decision_part
from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.encoder import encoder_part
from lutsmith.logic.popcount import popcount_part
from lutsmith.logic.words import Words


def elaborate(
    circuit: Circuit,
    *,
    words: Words | int | None = None,
    encoder: bool = True,
    head: bool = True,
    scores: bool = True,
    name: str = "lutsmith",
) -> Design:
    """Return a circuit as a design, with the parts encoder, network, popcount and decision, as far as it has them.

    For words w, the design does exactly what the circuit does on `words.values(w)`. The scores of a regression are
    integers: the reader has to apply the scale and offset of the head.

    Parts of the circuit with instances stay parts of the network (`Part.shared`).

    A circuit with registers keeps them, in the network, and is a machine with a state: the outputs of a cycle follow
    from its inputs and the state, so latency stays 0. The circuit without a state is the first cycle.

    Args:
        circuit: any circuit.
        words: the form of the features; an int is the length of derived words, and None derives the length too:
            `Words.of`.
        encoder: whether comparators are part of the design. Without them its input is the port bits.
        head: whether popcounts and the decision are part of the design. Without them its output is the port outputs.
        scores: whether the design outputs scores beside a label or labels. A regression always outputs scores.
        name: a plain identifier, the name of the top module.

    Raises:
        TypeError, ValueError: words that do not fit the circuit.
    """
    parts: list[Part] = []
    seen = Words.of(circuit, words) if encoder else None
    if seen is not None:
        parts.append(encoder_part(circuit.inputs, seen))
    outputs = circuit.netlist.outputs.size
    ports = Port("bits", 1, len(circuit.inputs)), Port("outputs", 1, outputs)
    parts.append(Part("network", circuit.netlist, ports[:1], ports[1:], shared=circuit.parts))
    if head and circuit.head is not None:
        counted = popcount_part(circuit.head, outputs)
        parts += [] if counted is None else [counted]
        parts.append(decision_part(circuit.head, outputs, circuit.objective, scores=scores))
    return Design(name, tuple(parts), seen, circuit.classes, circuit.objective)
