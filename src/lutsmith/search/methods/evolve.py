"""Mutations of a share of the nodes; the best of many is kept if it is better: LUTNets' two evolutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lutsmith.ground.arguments import instance_of, number, whole_number
from lutsmith.search.change import TableChanges
from lutsmith.search.method import SearchMethod, SearchStep, accept_best, register
from lutsmith.search.mutation import chosen_nodes, flipped_tables, fresh_tables
from lutsmith.search.problem import Problem


@dataclass(frozen=True)
class EvolutionSettings:
    """Settings of both evolutions.

    Attributes:
        ratio: the share of the nodes that change, above 0, at most 1.
        candidates: K, the number of mutations; the best one is kept.
        ties: also keep one that is only as good as the network.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    ratio: float = 0.001
    candidates: int = 200
    ties: bool = False

    def __post_init__(self) -> None:
        number("ratio", self.ratio, lambda value: 0 < value <= 1, "a share above 0, at most 1")
        whole_number("candidates", self.candidates, 1)
        instance_of("ties", self.ties, bool)


@dataclass(frozen=True)
class BitFlipSettings(EvolutionSettings):
    """As of evolution, with more nodes: a bit each."""

    ratio: float = 0.02


@register
class NaiveEvolution(SearchMethod):
    """Fresh random tables, or ones of the bank, for the same nodes in all candidates; LUTNets' `naive_evolutionary`.

    All candidates and the network as it is are judged on the same samples in the same step, so that no threshold can be
    out of date.
    """

    name = "evolve"
    Settings = EvolutionSettings

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: EvolutionSettings = self.settings
        nodes, ranks = chosen_nodes(rng, problem.num_nodes, how.ratio), problem.ranks
        tables = fresh_tables(rng, np.tile(nodes, how.candidates), ranks, problem.bank)
        return accept_best(problem, TableChanges(nodes, tables.reshape(how.candidates, -1)), ties=how.ties)


@register
class BitFlipEvolution(SearchMethod):
    """One random entry of each of the same nodes in all candidates inverted; LUTNets' `naive_bitflip`."""

    name = "bitflip"
    Settings = BitFlipSettings

    def check(self, problem: Problem) -> None:
        if problem.bank is not None:
            raise ValueError("bitflip leaves the bank of tables; use evolve, pivotal or coordinate")

    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        how: BitFlipSettings = self.settings
        nodes, ranks = chosen_nodes(rng, problem.num_nodes, how.ratio), problem.ranks
        tables = flipped_tables(rng, np.tile(nodes, how.candidates), problem.tables, ranks)
        return accept_best(problem, TableChanges(nodes, tables.reshape(how.candidates, -1)), ties=how.ties)
