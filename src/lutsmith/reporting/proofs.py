"""What was shown about a model, by which means, and what this trusts; steps that were not established are listed as
such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lutsmith.circuit.circuit import Circuit
from lutsmith.hardware.verification.report import LAYERS, Check, Verification
from lutsmith.reporting.numerals import count, counted
from lutsmith.reporting.subject import Subject

OPEN = "not established"
"""Where nothing was shown."""

TRUSTS = {
    "read-back": "the reader",
    "formal": "the tool that proved it",
    "simulation": "the tool that ran it, and that the rows are enough",
}
"""What each layer of a verification trusts."""


class Shown(NamedTuple):
    """One step, and what is known about it; all values are texts.

    Attributes:
        step: from what to what.
        verdict: the result: proved, checked, simulated, failed, equal by construction, or not established.
        how: what was shown, and by which tool.
        trusts: what has to be right for this to hold.
    """

    step: str
    verdict: str
    how: str
    trusts: str


def shown(subject: Subject, verification: Verification | None = None) -> list[Shown]:
    """Return what is known about each step from data to exports."""
    found = [*_operations(subject)] if subject.is_alu else [_lowering(subject)]
    if subject.circuit is not None:
        found += _changes(subject.circuit)
    if subject.model is not None:
        how = (
            "the file's checksum over every byte holds, and its contents were validated as it was read for this report"
        )
        found.append(Shown("circuit to model file", "checked", how, "the reader"))
    found.append(
        Shown("prediction", OPEN, "the engine is tested against plain NumPy, not proved for this model", "Numba, LLVM")
    )
    found += _exports(verification)
    return found


def _lowering(subject: Subject) -> Shown:
    """From the trained network to the circuit."""
    step, result = "network to circuit", subject.result
    if result is None:
        return Shown(step, OPEN, "only the record of a finished run says what was shown", "–")
    lowering, method, rows = result.get("lowering"), result.get("method", "gradients"), result.get("checked_rows")
    equal = f"equal scores on {count(rows)} rows" if rows else "on how many rows scores were compared is not recorded"
    if lowering == "proved":
        how = f"for every float32 input: tables, wires, thresholds and head are read back; {equal}"
        return Shown(step, "proved", how, "that a layer's forward pass is the tables that it states; PyTorch")
    if lowering is not None:
        return Shown(step, OPEN, f"{lowering}; {equal}", "PyTorch")
    if method == "additive" and rows:
        return Shown(step, "checked", f"built of the LUTs that were grown; {equal}", "the engine, NumPy")
    return Shown(step, "checked" if rows else OPEN, equal, "the engine, NumPy")


def _operations(subject: Subject) -> list[Shown]:
    """Of an ALU, from examples to each cell, and from cells to the circuit."""
    found = []
    learned = None if subject.alu is None else subject.alu.get("learned")
    if learned is None:
        how = "no record of the run; lutsmith alu check MODEL --prove proves each cell"
        found.append(Shown("examples to cells", OPEN, how, "that the textbook's cell is the operation"))
    for one in learned if isinstance(learned, (list, tuple)) else ():
        proof = one.get("proof") if isinstance(one, Mapping) else None
        proof = proof if isinstance(proof, Mapping) else {}
        outcome = proof.get("outcome")
        said = [
            f"for {proof.get('scope')}" if proof.get("scope") else "",
            str(proof.get("method") or ""),
            str(proof.get("reason") or ""),
        ]
        how = ", ".join(text for text in said if text)
        name = str(one.get("operation")) if isinstance(one, Mapping) else str(one)
        found.append(
            Shown(
                f"examples to cell {name}",
                str(outcome or OPEN),
                how or "no proof is recorded",
                "that the textbook's cell is the operation",
            )
        )
    found.append(
        Shown(
            "cells to circuit", OPEN, "lutsmith alu check MODEL --prove shows that the circuit is the ALU of its cells",
            "ABC",
        )
    )  # fmt: skip
    return found


def _changes(circuit: Circuit) -> list[Shown]:
    """What changed the circuit after training, as its metadata tells."""
    metadata, found = circuit.metadata, []
    if metadata.simplified is not None:
        luts = [count(metadata.simplified.get(name)) for name in ("luts_before", "luts")]
        how = f"{luts[0]} to {luts[1]} LUTs; hardware.prove proves it of a result"
        found.append(Shown("simplification", "equal by construction", how, "the passes, which tests compare"))
    if metadata.simplified_on_data is not None:
        how = "equal on the given rows only, which were evaluated on both circuits; nothing is known of other rows"
        found.append(Shown("simplification on data", "checked", how, "the engine"))
    if metadata.optimised is not None:
        found.append(Shown("optimisation by ABC", "proved", "each result was proved equal as it was made", "ABC"))
    return found


def _exports(verification: Verification | None) -> list[Shown]:
    if verification is None:
        how = "none was verified for this report; lutsmith verify MODEL proves the logic formats and simulates programs"
        return [Shown("exports", OPEN, how, "–")]
    found = []
    for name in verification.formats:
        checks = verification.of(name)
        layers = [layer for layer in LAYERS if any(check.layer == layer for check in checks)]
        outcome = verification.outcome_of(name)
        best = "proved" if verification.is_proved(name) else "simulated"
        told = {"holds": best, "fails": "failed", "not established": OPEN}[outcome]
        trusts = dict.fromkeys(TRUSTS[layer] for layer in layers)
        found.append(
            Shown(f"export: {name}", told, "; ".join(_layer(checks, layer) for layer in layers), "; ".join(trusts))
        )
    return found


def _layer(checks: tuple[Check, ...], layer: str) -> str:
    own = [check for check in checks if check.layer == layer]
    verdicts = {check.verdict: sum(other.verdict == check.verdict for other in own) for check in own}
    told = ", ".join(f"{counted(number, 'part')} {verdict}" for verdict, number in verdicts.items())
    reasons = dict.fromkeys(" ".join(check.reason.split()) for check in own if check.reason)
    return f"{layer}: {told}" + (f" ({'; '.join([*reasons][:2])})" if reasons else "")
