"""Simplification of circuits: passes on the netlist, and the encoder without comparators that are no longer read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import MAX_RANK, Netlist, drop_unread_inputs
from lutsmith.circuit.parts import SharedPart
from lutsmith.circuit.simplify.boxes import simplify_around
from lutsmith.circuit.simplify.passes import Record, checked_settings, run_passes, simplify_netlist
from lutsmith.circuit.simplify.steps import Step, facts, table
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.printable import html_table

EQUAL = "for every sample"
"""Where the result is the circuit given."""


@dataclass(frozen=True, eq=False, repr=False)
class Simplification:
    """A simplified circuit that is equal to the given one, for every sample and in every clock cycle.

    Up to level 2 the networks are equal too, for all values of their inputs.

    Attributes:
        circuit: the result; its metadata records the simplification under `simplified`.
        level: see `simplify`.
        rank: the most inputs of a LUT that replaces a cone.
        steps: "given", each pass that changed something, "result". `str()` prints them as a table.
    """

    circuit: Circuit
    level: int
    rank: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return table(self.steps)

    def __repr__(self) -> str:
        before, after = self.steps[0], self.steps[-1]
        return f"Simplification({before.luts} to {after.luts} LUTs, depth {before.depth} to {after.depth})"

    def _repr_html_(self) -> str:
        return html_table("Simplification", facts(self.steps, EQUAL))

    def to_json(self) -> dict[str, Any]:
        """Return level, rank, where the circuits are equal, and the steps, ready for JSON."""
        steps = [dict(vars(step)) for step in self.steps]
        return {"level": self.level, "rank": self.rank, "equal": EQUAL, "steps": steps}


def simplify(circuit: Circuit, level: int = 2, *, rank: int = MAX_RANK) -> Simplification:
    """Return an equal circuit with fewer LUTs, and what each pass did.

    Outputs keep their number and order, and so do the head's groups; outputs that are constant stay outputs.
    Inputs that nothing reads any more are dropped. LUTs are never added; only level 4 may add levels of LUTs. Parts
    stay parts: each is simplified once, and so is the logic around their instances, which are boxes there.

    Args:
        circuit: any.
        level: 1 folds constants, absorbs buffers and inverters, drops inputs that make no difference, merges equal and
            complementary nodes and removes dead ones, until nothing changes. 2 also collapses cones into one LUT each.
            3 also makes use of the order of the comparators of one feature: circuits are equal for every sample, but
            their networks alone may differ on bits that no sample gives. 4 first takes LUTs apart and builds new ones
            from the pieces (`restructure`): slower, and meant for logic from other tools; a LUT of more than `rank`
            inputs then becomes several.
        rank: from level 2, the most inputs of such a LUT, 2 to 6: 6 for FPGAs of six-input LUTs.

    Raises:
        TypeError, ValueError: another level or rank, or what is not a circuit.
    """
    instance_of("circuit", circuit, Circuit)
    level, rank = checked_settings(level, rank)
    record = Record(circuit.netlist)
    parts: tuple[SharedPart, ...] = ()
    if circuit.parts:
        parts = _as_parts(record, circuit, level, rank)
    else:
        run_passes(record, level, rank, circuit.encoder)
    netlist, steps = record.netlist, record.steps()
    entry = {"equal": EQUAL, **recorded(steps, level, rank)}
    return Simplification(rebuilt(circuit, netlist, parts, simplified=entry), level, rank, steps)


def _as_parts(record: Record, circuit: Circuit, level: int, rank: int) -> tuple[SharedPart, ...]:
    """Simplify what is around the instances of parts, and each part once; return the parts of the result."""

    def around(netlist: Netlist) -> Netlist:
        own = Record(netlist)
        run_passes(own, level, rank, circuit.encoder)
        return own.netlist

    def inside(netlist: Netlist) -> Netlist:
        return simplify_netlist(netlist, 2 if level == 3 else level, rank=rank)[0]

    netlist, parts = simplify_around(record.netlist, circuit.parts, around, inside)
    record.run("around parts", lambda _: netlist)
    return parts


def rebuilt(circuit: Circuit, netlist: Netlist, parts: tuple[SharedPart, ...] = (), **metadata: Any) -> Circuit:
    """Return the circuit with another netlist on the same inputs, without inputs that it does not read.

    Args:
        circuit: where all else comes from.
        netlist: I inputs, as the circuit's.
        parts: those that it has.
        metadata: fields of its `Metadata` in place of the circuit's.
    """
    smaller, kept = drop_unread_inputs(netlist)
    left = circuit.inputs.kept(kept)
    return replace(
        circuit,
        encoder=left.comparators,
        words=left.words,
        missing=left.missing,
        netlist=smaller,
        parts=parts,
        metadata=replace(circuit.metadata, **metadata),
    )


def recorded(steps: tuple[Step, ...], level: int, rank: int) -> dict[str, object]:
    """Return the record for a circuit's metadata: settings, and LUTs before and after."""
    luts = {"luts_before": steps[0].luts, "luts": steps[-1].luts}
    return {"level": level, **({"rank": rank} if level > 1 else {}), **luts}
