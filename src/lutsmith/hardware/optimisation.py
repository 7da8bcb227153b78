"""Logic synthesis of a circuit's network by ABC; the result is used only if it is proved to be the same function."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.netlist import MAX_RANK, Netlist
from lutsmith.circuit.simplify.circuits import rebuilt
from lutsmith.circuit.simplify.cones import checked_rank
from lutsmith.ground.arguments import one_of
from lutsmith.hardware import abc
from lutsmith.hardware.equivalence import TIMEOUT, Proof, prove
from lutsmith.hardware.tools.tool import ToolError, ToolTimeout


class Unproved(ToolError):  # noqa: N818
    """An optimised netlist was not proved to be the same function, so it is not returned.

    Attributes:
        proof: what is known; its verdict is "undecided" or "different".
    """

    def __init__(self, message: str, proof: Proof) -> None:
        super().__init__(message)
        self.proof = proof


@dataclass(frozen=True)
class Recipe:
    """A recipe: commands of ABC.

    Attributes:
        commands: `{rank}` stands for the largest rank of a LUT.
        about: what they do.
        exchange: whether ABC gets ANDs ("aiger") or the LUTs as they are ("blif").
    """

    commands: str
    about: str
    exchange: str = "aiger"


# `compress2rs` of ABC's resource file, whose aliases the program itself does not know.
_COMPRESS = (
    "balance -l; resub -K 6 -l; rewrite -l; resub -K 6 -N 2 -l; refactor -l; resub -K 8 -l; balance -l; "
    "resub -K 8 -N 2 -l; rewrite -l; resub -K 10 -l; rewrite -z -l; resub -K 10 -N 2 -l; balance -l; "
    "resub -K 12 -l; refactor -z -l; resub -K 12 -N 2 -l; rewrite -z -l; balance -l"
)

RECIPES: dict[str, Recipe] = {
    "default": Recipe("dch; if -K {rank}; mfs2", "structural choices, mapping for depth, don't-cares"),
    "area": Recipe("dch; if -K {rank} -a; mfs2 -a", "the same, mapped for few LUTs"),
    "repack": Recipe("mfs2 -a; lutpack", "keeps the LUTs: don't-cares between them, and fewer of them", "blif"),
    "compress": Recipe(
        f"{_COMPRESS}; dch; if -K {{rank}} -a; mfs2 -a", "resubstitution and rewriting of ANDs (compress2rs), then area"
    ),
    "synch2": Recipe("&get -n; &synch2; &if -K {rank} -a; &put; mfs2 -a", "choices from several syntheses, then area"),
    "deep": Recipe(
        "&get -n; &deepsyn -T 60; &put; dch; if -K {rank} -a; mfs2 -a", "a search of 60 seconds (&deepsyn), then area"
    ),
}
"""Recipes of ABC's commands, by name."""


@dataclass(frozen=True)
class Optimised:
    """An optimised netlist, compared with the one that it was made from.

    Attributes:
        netlist: proved to be the same function.
        proof: how.
        luts: (before, after), the numbers of nodes of rank 1 and more.
        depth: (before, after), levels of LUTs.
        seconds: in all.
    """

    netlist: Netlist
    proof: Proof
    luts: tuple[int, int]
    depth: tuple[int, int]
    seconds: float


def optimise(
    circuit: Circuit, recipe: str = "default", timeout: float | None = TIMEOUT, *, rank: int = MAX_RANK
) -> Circuit:
    """Return a circuit with the same function and a network that ABC has optimised.

    Inputs that are no longer read are dropped; encoder, head and the order of the outputs stay. Instances of parts are
    flattened where something changes, because ABC sees only nodes (`simplify` keeps parts). `metadata.optimised` says
    what was done, with LUTs and depth before and after. Where the recipe does not help, the network stays.

    Args:
        circuit: any; registers stay where they are.
        recipe: one of `RECIPES`.
        timeout: seconds for synthesis and proof together; None waits for ever.
        rank: inputs of the largest LUT to make, 2 to 6.

    Raises:
        Unproved: the proof did not succeed, or not in time: nothing is returned.
        ToolMissing, ToolFailed: there is no ABC, it failed, or (ToolTimeout) took too long.
        TypeError: no circuit, or a rank that is not an integer.
        ValueError: no such recipe or rank, or a recipe that keeps LUTs of a higher rank.
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f"a circuit is needed, not {type(circuit).__name__}; optimise_netlist takes netlists")
    made = optimise_netlist(circuit.netlist, recipe, timeout, rank=rank)
    record = {
        "recipe": recipe,
        "rank": int(rank),
        "luts": list(made.luts),
        "depth": list(made.depth),
        "proved": made.proof.method,
    }
    parts = circuit.parts if made.netlist is circuit.netlist else ()
    return rebuilt(circuit, made.netlist, parts, optimised=record)


def optimise_netlist(
    netlist: Netlist, recipe: str = "default", timeout: float | None = TIMEOUT, *, rank: int = MAX_RANK
) -> Optimised:
    """Return a netlist that ABC has optimised, with the same function, inputs, outputs and registers.

    Arguments and errors are those of `optimise`.
    """
    one_of("recipe", recipe, RECIPES)
    rank = checked_rank(rank)
    began = time.perf_counter()
    chosen = RECIPES[recipe]
    made = abc.run(netlist, chosen.commands.format(rank=rank), timeout, exchange=chosen.exchange).netlist
    before, after = _size(netlist), _size(made)
    if int(netlist.ranks.max(initial=0)) <= rank and after >= before:
        made, after = netlist, before
    if int(made.ranks.max(initial=0)) > rank:
        raise ValueError(f"recipe {recipe!r} keeps LUTs of rank {made.ranks.max()}, and rank is {rank}: take another")
    left = None if timeout is None else timeout - (time.perf_counter() - began)
    if left is not None and left <= 0:
        raise ToolTimeout(f"recipe {recipe!r} left no time of {timeout:g} s for the proof")
    proof = prove(netlist, made, left)
    if not proof:
        raise Unproved(f"what recipe {recipe!r} made is not proved to be the same function: {proof}", proof)
    seconds = time.perf_counter() - began
    return Optimised(made, proof, (before[0], after[0]), (before[1], after[1]), seconds)


def _size(netlist: Netlist) -> tuple[int, int]:
    return int((netlist.ranks > 0).sum()), netlist.depth
