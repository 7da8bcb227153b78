"""Search methods: small classes, each with a name, settings and a step. You can add your own."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import check_options, instance_of, one_of
from lutsmith.ground.registry import add_own, own_hint
from lutsmith.search.change import Change
from lutsmith.search.problem import Problem

State = dict[str, NDArray[Any]]
"""What a method keeps between steps, arrays by name, for a checkpoint."""


@dataclass(frozen=True)
class SearchStep:
    """The result of a step of a search.

    Attributes:
        before: the loss on the samples of acceptance before the step.
        after: the loss on them after the step.
        tried: how many candidates were judged.
        accepted: whether the network changed.
    """

    before: float
    after: float
    tried: int
    accepted: bool


class SearchMethod(ABC):
    """A search method. Make a subclass with a name, settings and `step`, and pass it to `register`.

    Args:
        settings: of the class `Settings`; None: the defaults.

    Attributes:
        name: by which it is chosen.
        Settings: a frozen dataclass.
        image_layers: LUTs of random wires, layer by layer, that it searches on images of 28 x 28 bytes where no network
            is named; None: the network that the others search.
        settings: as given.
    """

    name: ClassVar[str]
    Settings: ClassVar[type]
    image_layers: ClassVar[tuple[int, ...] | None] = None

    def __init__(self, settings: Any = None) -> None:
        self.settings: Any = self.Settings() if settings is None else settings
        instance_of("settings", self.settings, self.Settings)

    @abstractmethod
    def step(self, problem: Problem, rng: np.random.Generator) -> SearchStep:
        """Propose changes, judge them, and accept or reject them.

        The generator is the step's own: a step depends on the problem, the generator and `state` alone, so that a
        search that was interrupted goes on to the same bits.
        """

    def most_steps(self, problem: Problem) -> int | None:  # noqa: ARG002
        """Return after how many steps nothing is left to do; None: there is always a next one."""
        return None

    def check(self, problem: Problem) -> None:
        """Raise ValueError if the method cannot search this problem."""

    def state(self) -> State:
        """Return what `restore` needs, arrays by name."""
        return {}

    def restore(self, state: State) -> None:
        """Go on with a state."""


def accept_best(problem: Problem, changes: Sequence[Change], *, ties: bool = False) -> SearchStep:
    """Accept the change that lowers the loss on the samples of acceptance most, if there is one; the first of equals.

    Args:
        problem: on which the losses are computed, all of them now.
        changes: the candidates.
        ties: also accept a change that does not change the loss.
    """
    part = problem.accepting()
    before, losses = part.value, part.judge(changes)
    if not losses.size:
        return SearchStep(before, before, 0, False)
    best = int(losses.argmin())
    if losses[best] < before or (ties and losses[best] == before):
        problem.accept(changes[best])
        return SearchStep(before, float(losses[best]), losses.size, True)
    return SearchStep(before, before, losses.size, False)


_METHODS: dict[str, type[SearchMethod]] = {}


class _Registry(Mapping[str, type[SearchMethod]]):
    """The methods by name, those registered later too."""

    def __getitem__(self, name: str) -> type[SearchMethod]:
        return _METHODS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_METHODS)

    def __len__(self) -> int:
        return len(_METHODS)


METHODS: Mapping[str, type[SearchMethod]] = _Registry()
"""The methods by name; `lutsmith.search.methods` has those that come with lutsmith."""


def register(method: type[SearchMethod]) -> type[SearchMethod]:
    """Register a method under its name; a decorator for its class.

    Raises:
        TypeError: it is not a `SearchMethod` with a name and settings that are a dataclass.
        ValueError: the name is taken. The same class may be registered again, as when a notebook's cell is run again.
    """
    if not (isinstance(method, type) and issubclass(method, SearchMethod)):
        raise TypeError(f"{method!r} is not a subclass of SearchMethod")
    name, settings = getattr(method, "name", None), getattr(method, "Settings", None)
    if not isinstance(name, str) or not dataclasses.is_dataclass(settings):
        raise TypeError(f"{method.__name__} needs a name, a text, and Settings, a frozen dataclass")
    add_own(_METHODS, "method", name, method)
    return method


def method_named(name: str, settings: Mapping[str, Any] | None = None) -> SearchMethod:
    """Return a method by its name, with settings by theirs.

    Raises:
        TypeError, ValueError: no such method or settings, or values that they cannot have.
    """
    kind, given = (
        METHODS[one_of("method", name, METHODS, hint=own_hint("lutsmith.search.register"))],
        dict(settings or {}),
    )
    check_options(f"method {name!r}", given, [field.name for field in dataclasses.fields(kind.Settings)])
    return kind(kind.Settings(**given))
