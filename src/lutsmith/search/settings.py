"""The settings of a search, as data: the network, the method, what a step reads, and when it ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import lutsmith.search.methods  # noqa: F401 - makes the methods known
from lutsmith.circuit.circuit import Circuit
from lutsmith.ground.arguments import as_python, check_options, number, one_of, whole_number
from lutsmith.search.losses import LOSSES
from lutsmith.search.method import METHODS, method_named
from lutsmith.search.networks import NetworkArchitecture, network_circuit, random_architecture
from lutsmith.search.problem import BatchSchedule

IMAGE_LUTS = 512
"""Of the last layer of a network for 28 x 28 bytes whose architecture is not named."""
LUTS = (640, 160)
"""Of a network whose architecture is not named: deeper ones of random wires learn rows by heart."""


@dataclass(frozen=True)
class SearchSettings:
    """Settings of a search. All are JSON values.

    Attributes:
        method: by name, see `method.METHODS`.
        options: settings of the method, by name, that differ from its defaults.
        network: the architecture to begin with, by name or as a mapping (`networks.NetworkArchitecture`); None:
            for 28 x 28 bytes the first two layers of `cnn_iv0` and one of random wires, or those that suit the method
            (`SearchMethod.image_layers`), for all else two of random wires. Not used if a circuit is given.
        code: the words of classes, as `networks.network_circuit` takes them; None: the architecture's.
        bank: tables that nodes are kept to, as `networks.bank_of` takes them; None: any.
        loss: what the search lowers, by name, see `losses`.
        batch: samples that a step reads; None: all.
        growth: what the batch is multiplied by after every `passes` passes.
        passes: see there.
        accept_share: the share of the training rows that changes are accepted on and steps do not read.
        validation: the share of the training rows that no step reads: the best network on these is kept.
        steps: at most.
        every: steps between two looks at the validation rows.
        patience: looks without a better network, after which the search ends; None: it does not.
        max_seconds: after which no step begins; None: no limit.
        members: how many networks are searched beside each other, each with a seed of its own; above 1 they exchange
            circuits, see `members`. The steps are those of each.
        exchange_every: steps from one exchange to the next; the validation rows are looked at then.
        replaced: the share of the members, the worst, that take over the circuit of the best then, below 1.
        member_options: mappings of settings of the method that differ from `options`, for the members in turn.
        workers: processes of Ray that the members are spread over, each of one core; None: this process has them all.
            It changes no result.
        seed: the seed of all that is random.
        split_seed: the seed of what is held out: the validation rows, and the test rows of a table without any; None:
            `seed`. With one for all seeds, runs of several seeds are compared on the same rows.

    Raises:
        TypeError, ValueError: values that they cannot have.
    """

    method: str = "coordinate"
    options: Mapping[str, Any] = field(default_factory=dict)
    network: str | Mapping[str, Any] | None = None
    code: Any = None
    bank: Any = None
    loss: str = "wrong-bits"
    batch: int | None = None
    growth: float = 1.0
    passes: int = 1
    accept_share: float = 0.0
    validation: float = 0.1
    steps: int = 1000
    every: int = 50
    patience: int | None = None
    max_seconds: float | None = None
    members: int = 1
    exchange_every: int = 100
    replaced: float = 0.25
    member_options: tuple[Mapping[str, Any], ...] = ()
    workers: int | None = None
    seed: int = 0
    split_seed: int | None = None

    def __post_init__(self) -> None:
        one_of("method", self.method, METHODS)
        one_of("loss", self.loss, LOSSES)
        if not isinstance(self.options, Mapping):
            raise TypeError(f"options is {self.options!r}; expected settings of the method by name")
        method_named(self.method, self.options)
        if self.network is not None:
            NetworkArchitecture.of(self.network)
        self.schedule()
        number("validation", self.validation, lambda value: 0 <= value < 1, "a share from 0, below 1")
        for name, least in (("steps", 0), ("every", 1), ("seed", 0), ("members", 1), ("exchange_every", 1)):
            whole_number(name, getattr(self, name), least)
        self._check_members()
        if self.split_seed is not None:
            whole_number("split_seed", self.split_seed, 0)
        if self.patience is not None:
            whole_number("patience", self.patience, 1)
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, lambda value: 0 < value < np.inf, "seconds above 0")

    @property
    def rows_seed(self) -> int:
        """The seed of what is held out: `split_seed`, or `seed` where it is None."""
        return self.seed if self.split_seed is None else self.split_seed

    def _check_members(self) -> None:
        number("replaced", self.replaced, lambda value: 0 <= value < 1, "a share from 0, below 1")
        if self.workers is not None:
            whole_number("workers", self.workers, 1)
            if self.members == 1:
                raise ValueError(f"workers is {self.workers} and members is 1: processes are for several members")
        if not isinstance(self.member_options, (list, tuple)):
            raise TypeError(f"member_options is {self.member_options!r}; expected a list of settings of the method")
        object.__setattr__(self, "member_options", tuple(self.member_options))
        for own in self.member_options:
            if not isinstance(own, Mapping):
                raise TypeError(f"member_options holds {own!r}; expected settings of the method by name")
            method_named(self.method, {**self.options, **own})
        if self.member_options and self.members == 1:
            raise ValueError("member_options are of several members, and members is 1: leave them out")

    def schedule(self) -> BatchSchedule:
        """Return what a step reads."""
        return BatchSchedule(self.batch, self.growth, self.passes, self.accept_share)

    def circuit(self, input_shape: tuple[int, ...], num_classes: int, most: int) -> Circuit:
        """Return the network to begin with, its tables drawn by the seed.

        Args:
            input_shape: of a sample.
            num_classes: how many.
            most: the largest value of a feature.

        Raises:
            TypeError, ValueError: an architecture of samples of another shape or of smaller values; no code for it.
        """
        images, own = input_shape in ((28, 28), (1, 28, 28)), METHODS[self.method].image_layers
        if self.network is not None:
            plan = NetworkArchitecture.of(self.network)
        elif images and most < 256 and own is not None:
            plan = random_architecture(own, input_shape=input_shape)
        elif images and most < 256:
            front = NetworkArchitecture.of("cnn_iv0").to_json()["layers"][:2]
            plan = NetworkArchitecture.of({"layers": [*front, {"luts": IMAGE_LUTS}], "input_shape": input_shape})
        else:
            plan = random_architecture(LUTS, input_shape=input_shape, bits=max(1, most.bit_length()))
        if int(np.prod(plan.input_shape)) != int(np.prod(input_shape)):
            raise ValueError(f"{plan!r} is of samples of shape {plan.input_shape}; these are {input_shape}")
        if most >> plan.bits:
            raise ValueError(f"{plan!r} reads {plan.bits} bits of a feature, and there are values up to {most}")
        given = plan.code if self.code is None else self.code
        if given is None or (self.code is None and num_classes > 10):
            given = "drawn"
        return network_circuit(plan, given, seed=self.seed, bank=self.bank, classes=tuple(range(num_classes)))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        found: dict[str, Any] = as_python(dataclasses.asdict(self))
        return found

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> SearchSettings:
        """Return settings from fields by name.

        Raises:
            TypeError, ValueError: fields that do not exist or hold what they cannot.
        """
        check_options("a search", given, [item.name for item in dataclasses.fields(cls)])
        return cls(**given)
