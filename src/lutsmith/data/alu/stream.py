"""Endless batches of an ALU's examples, in three parts without common examples, and data sets of them.

Each operation has an endless sequence of points in each part (`source.py`), which the seed decides. A stream chooses
the operation of each example of a batch by weights, and takes the next points of that operation. So changed weights
take effect with the next batch, whether or not points come from the disk, and a few numbers record the position of a
stream.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lutsmith.data.alu.encodings import ExampleEncoding, encoding
from lutsmith.data.alu.integers import Integers, dtype_of, width
from lutsmith.data.alu.operations import ALUNET, ZERO, operations
from lutsmith.data.alu.parts import PARTS
from lutsmith.data.alu.samplers import mixture
from lutsmith.data.alu.source import Points, PointSource
from lutsmith.data.dataset import DataError, Dataset
from lutsmith.ground.arguments import check_options, instance_of, number, one_of, options_of, whole_number
from lutsmith.ground.cache import cache_base

PRE_WEIGHTS: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(ALUNET, 10.0) | {"+": 19.0, "-": 12.0, "*": 110.0, "/": 15.0, "%": 36.0}
)
"""ALU_Net's `pre_weight=True`: the weights of its operations by the errors of an earlier run."""


class EncodedExamples(NamedTuple):
    """Examples, encoded and as integers.

    Attributes:
        x: inputs `(N, *input_shape)`, 0 and 1.
        y: results `(N, output_bits)`, 0 and 1.
        op: places in `encoder.ops`, int64 `(N,)`.
        a: first operands, integers `(N,)`.
        b: second operands, 0 for operations of one.
        z: results; Python integers where the results of an operation have more than 63 bits.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    op: NDArray[np.int64]
    a: Integers
    b: Integers
    z: Integers


@dataclass(frozen=True)
class ALU:
    """The examples of an ALU: which operations, operands, samplers and encoding.

        for batch in ALU(bits=15, ops=["+", "*"], sampler={"alunet": 0.8, "edge": 0.2}).stream(batch_size=2048): ...

    Attributes:
        bits: the width of the operands, at least 1.
        ops: the names of the operations; None: the twelve of ALU_Net.
        sampler: one of `samplers.SAMPLERS`, or a mixture: a mapping of names to weights.
        seed: of all that is random. Parts do not depend on it.
        encoding: one of `encodings.ENCODINGS`, or a mapping of its options and `name`. `flat` and `words` have the code
            of all twelve operations of ALU_Net where `ops` are among these.
        signed: whether operands are in two's complement.
        zero: how undefined points, such as division by zero, are handled: "ones" (as in hardware), "raise" an error
            where one is drawn, or "skip": another point is drawn.
        held_out: the share of all points that are in the validation part, and in the test part, above 0 and below 0.5.
        weights: how often each operation is drawn, by name; 1 where it is not named.
        cache: whether points are kept on disk and read again: in a folder, or with True in the user's cache.

    Raises:
        TypeError: an argument of a wrong type.
        ValueError: unknown names, or an argument that cannot be.
    """

    bits: int = 15
    ops: Iterable[str] | str | None = None
    _: KW_ONLY
    sampler: str | Mapping[str, float] = "alunet"
    seed: int = 0
    encoding: str | Mapping[str, Any] = "flat"
    signed: bool = False
    zero: str = "ones"
    held_out: float = 0.05
    weights: Mapping[str, float] | None = None
    cache: bool | str | os.PathLike[str] = False

    def __post_init__(self) -> None:
        width(self.bits)
        whole_number("seed", self.seed, 0)
        instance_of("signed", self.signed, bool)
        one_of("zero", self.zero, ZERO)
        number("held_out", self.held_out, lambda share: 0 < share < 0.5, "a share above 0 and below 0.5")
        object.__setattr__(self, "ops", tuple(operation.name for operation in operations(self.ops)))
        mixture(self.sampler)
        if not isinstance(self.cache, (bool, str, os.PathLike)):
            raise TypeError(f"cache is {self.cache!r}; expected a folder, True or False")
        _weights(self.names, self.weights or {})
        self.encoder  # noqa: B018 - refuses unknown options now

    @classmethod
    def of(cls, options: ALU | Mapping[str, Any] | None) -> ALU:
        """Return the ALU of these options, a mapping of its attributes.

        Raises:
            TypeError: they are not a mapping.
            DataError: there are unknown options.
        """
        if isinstance(options, cls):
            return options
        given = {} if options is None else options
        if not isinstance(given, Mapping):
            raise TypeError(f"options is {options!r}; expected an ALU, or a mapping of its attributes")
        check_options("alu", given, options_of(cls), DataError)
        return cls(**given)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the operations."""
        return tuple(self.ops or ())

    @cached_property
    def encoder(self) -> ExampleEncoding:
        """The encoding that writes examples as bits, and reads them."""
        name = self.encoding.get("name", "flat") if isinstance(self.encoding, Mapping) else self.encoding
        ops = ALUNET if name in ("flat", "words") and set(self.names) <= set(ALUNET) else self.names
        return encoding(self.encoding, self.bits, ops, self.signed)

    def stream(self, part: str = "train", batch_size: int = 2048) -> Stream:
        """Return endless batches of a part, from the first on."""
        return Stream(self, part, batch_size)

    def points(self, name: str, count: int, part: str = "test") -> Points:
        """Return the first points of one operation in a part: operands and results, each `(count,)`."""
        (source,) = self._sources(part, (one_of("operation", name, self.names),))
        return source.take(0, whole_number("count", count, 0))

    def dataset(self, samples: int = 100_000, test_samples: int = 10_000) -> Dataset:
        """Return a data set of several labels: the first batch of the training part, and of the test part."""
        train = next(self.stream("train", samples))
        test = next(self.stream("test", test_samples))
        return Dataset(train.x, train.y, test.x, test.y, (), "alu", objective="multilabel")

    def to_json(self) -> dict[str, Any]:
        """Return the attributes that decide which examples there are, as JSON can hold them."""
        given = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "cache"}
        return {name: dict(v) if isinstance(v, Mapping) else list(v) if isinstance(v, tuple) else v
                for name, v in given.items()}  # fmt: skip

    def _sources(self, part: str, names: tuple[str, ...]) -> list[PointSource]:
        folder = Path(self.cache) if not isinstance(self.cache, bool) else cache_base() / "alu" if self.cache else None
        shared = (one_of("part", part, PARTS), self.bits, self.signed, mixture(self.sampler), self.seed, self.zero)
        return [PointSource(operation, *shared, self.held_out, folder) for operation in operations(names)]


class Stream(Iterator[EncodedExamples]):
    """Endless batches of one part.

    Args:
        alu: what examples there are.
        part: "train", "validation" or "test".
        batch_size: the examples of a batch.
    """

    def __init__(self, alu: ALU, part: str = "train", batch_size: int = 2048) -> None:
        self.alu, self.part = alu, part
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self._sources = alu._sources(part, alu.names)
        self._weights = _weights(alu.names, alu.weights or {})
        self._next = [0] * len(alu.names)
        self._batch = 0
        codes = alu.encoder.ops
        self._codes = np.array([codes.index(name) for name in alu.names])
        operands = dtype_of(alu.bits, alu.signed)
        results = {dtype_of(o.result_bits(alu.bits), o.result_signed(alu.signed)) for o in operations(alu.names)}
        self._dtypes = (operands, operands, results.pop() if len(results) == 1 else np.dtype(object))

    @property
    def weights(self) -> dict[str, float]:
        """How often each operation is drawn, in proportion, by name."""
        return dict(zip(self.alu.names, self._weights.tolist(), strict=True))

    def reweight(self, error_rates: Mapping[str, float]) -> None:
        """Draw operations according to their errors, from the next batch on: the weights are error % + 10, as in
        ALU_Net.

        Args:
            error_rates: shares of wrong answers by operation, 0 to 1; operations that are not named keep their weights.

        Raises:
            ValueError: an operation that the stream does not have, or an invalid rate.
        """
        for name, rate in error_rates.items():
            place = self.alu.names.index(one_of("operation", name, self.alu.names))
            number(f"the error rate of {name}", rate, lambda share: 0 <= share <= 1, "a share from 0 to 1")
            self._weights[place] = 100 * float(rate) + 10

    def state(self) -> dict[str, Any]:
        """Return where the stream is, as JSON can hold it; `restore` goes on from there."""
        return {
            "alu": self.alu.to_json(),
            "part": self.part,
            "batch_size": self.batch_size,
            "batch": self._batch,
            "points": dict(zip(self.alu.names, self._next, strict=True)),
            "weights": self.weights,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where a stream was: the next batch is the one that it would have given.

        Raises:
            DataError: the state belongs to other examples, another part or another batch size.
        """
        own = self.state()
        for name in ("alu", "part", "batch_size"):
            if state.get(name) != own[name]:
                raise DataError(f"the state's {name} is {state.get(name)!r}; expected {own[name]!r}, as of this stream")
        self._batch = whole_number("batch", state["batch"], 0)
        self._next = [whole_number("points", state["points"][name], 0) for name in self.alu.names]
        self._weights = _weights(self.alu.names, state["weights"])

    def __next__(self) -> EncodedExamples:
        rng = np.random.default_rng([self.alu.seed, PARTS.index(self.part), self._batch])
        bounds = np.cumsum(self._weights)
        of = np.minimum(np.searchsorted(bounds, rng.random(self.batch_size) * bounds[-1], "right"), len(bounds) - 1)
        counts = np.bincount(of, minlength=len(bounds)).tolist()
        order = np.argsort(of, kind="stable")
        taken = [source.take(start, n)
                 for source, start, n in zip(self._sources, self._next, counts, strict=True) if n]  # fmt: skip
        a, b, z = (
            _scattered(values, order, dtype)
            for values, dtype in zip(zip(*taken, strict=True), self._dtypes, strict=True)
        )
        self._next = [start + n for start, n in zip(self._next, counts, strict=True)]
        self._batch += 1
        op, encoder = self._codes[of], self.alu.encoder
        return EncodedExamples(encoder.inputs(op, a, b), encoder.outputs(op, z), op, a, b, z)


def _scattered(parts: tuple[Integers, ...], order: NDArray[np.int64], dtype: np.dtype[Any]) -> Integers:
    mixed = np.empty(len(order), dtype)
    mixed[order] = np.concatenate([part.astype(dtype, copy=False) for part in parts])
    return mixed


def _weights(names: tuple[str, ...], weights: Mapping[str, float]) -> NDArray[np.float64]:
    for name, weight in weights.items():
        one_of("operation", name, names)
        number(f"the weight of {name}", weight, lambda w: 0 <= w < np.inf, "a finite number of at least 0")
    found = np.array([float(weights.get(name, 1.0)) for name in names])
    if not found.any():
        raise ValueError(f"weights are {dict(weights)!r}; expected one of an operation above 0")
    return found
