"""Populations: members of one search, each with a seed of its own, that take over the best circuit now and then.

A round: every member takes the same number of steps, then all are compared, and the worst take over the circuit of the
best. Rounds are the same however members are spread over processes: `InThisProcess` has all of them, one after the
other, and says what a round means; `OnRay` has them in actors, which share the packed samples.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.engine.stages import PackedSamples
from lutsmith.circuit.table_bank import TableBank
from lutsmith.ground.strict_json import brief
from lutsmith.search.method import SearchMethod, State, method_named
from lutsmith.search.mutation import fresh_tables
from lutsmith.search.problem import Problem
from lutsmith.search.settings import SearchSettings

Arrays = dict[str, NDArray[Any]]


class Standing(NamedTuple):
    """Where a member stands after its steps.

    Attributes:
        loss: mean of a sample of acceptance.
        accuracy: on the validation rows; None without such.
        value: mean loss of these.
    """

    loss: float
    accuracy: float | None
    value: float | None

    @property
    def rank(self) -> tuple[float, float]:
        """What members are compared by, the higher the better: the validation rows, else the loss."""
        return (0.0, -self.loss) if self.accuracy is None or self.value is None else (self.accuracy, -self.value)


@dataclass(frozen=True, eq=False)
class Ground:
    """What all members stand on.

    Attributes:
        settings: of the search.
        circuit: the network to begin with.
        own: whether the network is the settings', so that members begin with tables of their own.
        training, validation: packed samples and labels; the latter None without validation rows.
        threads: to judge with.
    """

    settings: SearchSettings
    circuit: Circuit
    own: bool
    training: tuple[PackedSamples, NDArray[np.int64]]
    validation: tuple[PackedSamples, NDArray[np.int64]] | None
    threads: int | None = None


def seeds_of_members(settings: SearchSettings) -> list[int]:
    """Return the seed of each member: the search's, then others that follow from it."""
    further = np.random.SeedSequence([settings.seed, 0x3E3B]).generate_state(settings.members - 1, np.uint32)
    return [settings.seed, *map(int, further)]


def method_of_member(settings: SearchSettings, number: int) -> SearchMethod:
    """Return the method of a member: with its own options, where the settings have such, in turn."""
    own = settings.member_options
    return method_named(settings.method, {**settings.options, **(own[number % len(own)] if own else {})})


class Member:
    """A network that is searched, and how.

    Args:
        ground: what all stand on.
        number: of the member, from 0.

    Raises:
        TypeError, ValueError: data, network and method that do not fit each other.
    """

    def __init__(self, ground: Ground, number: int) -> None:
        settings, circuit = ground.settings, ground.circuit
        self._seed, bank = seeds_of_members(settings)[number], TableBank.of_circuit(circuit)
        self.problem = Problem(
            circuit.netlist,
            *ground.training,
            circuit.head,  # type: ignore[arg-type] # the trainer has looked
            loss=settings.loss,
            schedule=settings.schedule(),
            validation=ground.validation,
            bank=bank,
            seed=self._seed,
            threads=ground.threads,
        )
        self.method = method_of_member(settings, number)
        self.method.check(self.problem)
        if number and ground.own:
            rng, nodes = np.random.default_rng([self._seed, 1]), np.arange(self.problem.num_nodes)
            self.problem.restore(0, fresh_tables(rng, nodes, self.problem.ranks, bank), self.problem.fanin)

    def advance(self, until: int) -> Standing:
        """Take steps up to the one of this number."""
        problem = self.problem
        while problem.step < until:
            self.method.step(problem, np.random.default_rng([self._seed, 2, problem.step]))
            problem.step += 1
        part, checked = problem.accepting(), problem.validation
        return Standing(
            part.value / max(1, len(part)),
            None if checked is None else checked.accuracy,
            None if checked is None else checked.value / len(checked),
        )

    def state(self) -> Arrays:
        """Return tables, wires, and what the method keeps, each name of the latter after `method_`."""
        own = {f"method_{name}": array for name, array in self.method.state().items()}
        return {"tables": self.problem.tables, "fanin": self.problem.fanin, **own}

    def restore(self, step: int, state: Arrays) -> None:
        """Go on from a step with a state, of this member or of another."""
        self.problem.restore(step, state["tables"], state["fanin"])
        kept: State = {name[7:]: array for name, array in state.items() if name.startswith("method_")}
        self.method.restore(kept)
        self.method.check(self.problem)


class Members(ABC):
    """All members, wherever they are; those that are not in this process are left by `close`."""

    @abstractmethod
    def advance(self, until: int) -> list[Standing]:
        """Let every member take steps up to the one of this number; return where each stands."""

    @abstractmethod
    def states(self, numbers: Sequence[int]) -> list[Arrays]:
        """Return the states of some members."""

    @abstractmethod
    def restore(self, step: int, states: dict[int, Arrays]) -> None:
        """Let some members go on from states."""


class InThisProcess(Members):
    """Members one after the other: what a round means."""

    def __init__(self, ground: Ground) -> None:
        self._members = [Member(ground, number) for number in range(ground.settings.members)]

    def advance(self, until: int) -> list[Standing]:
        return [member.advance(until) for member in self._members]

    def states(self, numbers: Sequence[int]) -> list[Arrays]:
        return [self._members[number].state() for number in numbers]

    def restore(self, step: int, states: dict[int, Arrays]) -> None:
        for number, state in states.items():
            self._members[number].restore(step, state)


class Seat:
    """Some of the members, in a process of their own; an actor of Ray.

    Args:
        ground: what all stand on, but for the samples.
        numbers: of the members.
        matrices: of the packed samples, in memory that processes share.
    """

    def __init__(self, ground: Ground, numbers: Sequence[int], *matrices: NDArray[np.uint64]) -> None:
        training, validation = ground.training, ground.validation
        own = replace(
            ground,
            training=(PackedSamples.of_matrix(matrices[0], len(training[1])), training[1]),
            validation=None
            if validation is None
            else (PackedSamples.of_matrix(matrices[1], len(validation[1])), validation[1]),
            threads=1,
        )
        self._members = {number: Member(own, number) for number in numbers}

    def advance(self, until: int) -> dict[int, Standing]:
        """Let the members of this process take steps."""
        return {number: member.advance(until) for number, member in self._members.items()}

    def states(self, numbers: Sequence[int]) -> dict[int, Arrays]:
        """Return the states of those that are here."""
        return {number: self._members[number].state() for number in numbers if number in self._members}

    def restore(self, step: int, states: dict[int, Arrays]) -> None:
        """Let those that are here go on from states."""
        for number, state in states.items():
            if number in self._members:
                self._members[number].restore(step, {name: array.copy() for name, array in state.items()})


class OnRay(Members):
    """Members in actors of Ray, spread evenly; the packed samples lie once in Ray's memory of objects.

    Args:
        ground: what all stand on.
        workers: actors, each of one core; at most as many as members are of use.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ValueError: there are fewer cores; as for `Member`.
        OSError: a process has ended.
    """

    def __init__(self, ground: Ground, workers: int) -> None:
        import ray

        rays: Any = ray
        self._ray, count = rays, ground.settings.members
        workers = min(workers, count)
        if (there := int(rays.cluster_resources().get("CPU", 0))) < workers:
            raise ValueError(f"workers is {workers}, and Ray has {there} cores: give at most workers={there}")
        parts = [part for part in (ground.training, ground.validation) if part is not None]
        matrices = [rays.put(samples.matrix) for samples, _ in parts]
        empty = PackedSamples.of_words(np.zeros((0, 0), np.uint64), 0)
        told = rays.put(
            replace(
                ground,
                training=(empty, ground.training[1]),
                validation=None if ground.validation is None else (empty, ground.validation[1]),
            )
        )
        actor: Any = rays.remote(num_cpus=1)(Seat)
        self._actors = [actor.remote(told, list(range(place, count, workers)), *matrices) for place in range(workers)]

    def advance(self, until: int) -> list[Standing]:
        found: dict[int, Standing] = {}
        for part in self._get([actor.advance.remote(until) for actor in self._actors]):
            found.update(part)
        return [found[number] for number in sorted(found)]

    def states(self, numbers: Sequence[int]) -> list[Arrays]:
        found: dict[int, Arrays] = {}
        for part in self._get([actor.states.remote(list(numbers)) for actor in self._actors]):
            found.update(part)
        return [found[number] for number in numbers]

    def restore(self, step: int, states: dict[int, Arrays]) -> None:
        given = self._ray.put(states)
        self._get([actor.restore.remote(step, given) for actor in self._actors])

    def _get(self, asked: list[Any]) -> list[Any]:
        """Return what the processes answer; what they raise is raised here."""
        try:
            found: list[Any] = self._ray.get(asked)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayActorError as error:
            raise OSError(
                "a process of the population has ended, as where memory runs out; what was saved last can be gone on "
                f"with (resume=True): {brief(error)}"
            ) from error
        return found

    def close(self) -> None:
        """End the processes."""
        for actor in self._actors:
            self._ray.kill(actor)


@contextlib.contextmanager
def members_of(ground: Ground) -> Iterator[Members]:
    """Make the members, in as many processes as the settings ask for, and end these after the block."""
    workers = ground.settings.workers
    if workers is None:
        yield InThisProcess(ground)
        return
    from lutsmith.ground.ray_cluster import ray_cluster

    with ray_cluster(workers):
        members = OnRay(ground, workers)
        try:
            yield members
        finally:
            members.close()


def exchange(members: Members, standings: Sequence[Standing], settings: SearchSettings, step: int) -> list[int]:
    """Let the worst members take over the circuit of the best; return their numbers. Of equals the first is the better.

    Args:
        members: all of them.
        standings: where each stands.
        settings: `replaced` is the share of the members that take over.
        step: how many steps each has taken.
    """
    order = sorted(range(len(standings)), key=lambda number: standings[number].rank, reverse=True)
    count = min(int(settings.replaced * len(standings)), len(standings) - 1)
    best = standings[order[0]].rank
    worst = [number for number in order[len(order) - count :] if standings[number].rank < best]
    if worst:
        (state,) = members.states([order[0]])
        members.restore(step, dict.fromkeys(worst, state))
    return worst
