"""Architectures of networks for search: layers as data, LUTNets' four by name, your own as a plain dict or TOML.

An architecture says how many bits a sample has and which of them each LUT reads. It has no tables: `networks.builder`
draws these. Nothing is global, so any number of networks can exist side by side.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.circuit.wiring import Rows
from lutsmith.circuit.words import MAX_BITS
from lutsmith.ground.arguments import as_python, check_options, instance_of, one_of, whole_number
from lutsmith.ground.arrays import MAX_SIGNALS, checked_shape
from lutsmith.search.networks.layers import Box, Layer, ReadBits, joined, layer_of, source_of


@dataclass(frozen=True, eq=False)
class NetworkArchitecture:
    """Layers of LUTs over the bits of a sample's features.

    Bit `feature * bits + p` of the input is bit plane p of a feature, the most significant first. As a box of windows
    the input is `bits` along x, the last axis of `input_shape` along y, and all else along z.

    Attributes:
        layers: what `layers.layer_of` takes: `SpanLayer`, `RandomLayer`, `IndexLayer`, mappings of their attributes,
            numbers of LUTs, arrays of indices. The last layer's outputs are the network's.
        input_shape: the shape of one sample.
        bits: of a feature, 1 to 64.
        rank: of random LUTs that do not say theirs.
        name: of the architecture.
        code: the code words of the classes where none are given: a name of `encodings.code_families.CODES`, or
            integers.

    Raises:
        TypeError, ValueError: layers that do not fit what they read; the message names the layer, from 1.
    """

    layers: tuple[Layer, ...]
    input_shape: tuple[int, ...] = (1, 28, 28)
    bits: int = 8
    rank: int = 6
    name: str = "own"
    code: str | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "input_shape", checked_shape(self.input_shape))
        whole_number("bits", self.bits, 1, MAX_BITS, "the bits of a feature")
        instance_of("name", self.name, str)
        if not isinstance(self.layers, (list, tuple)) or not self.layers:
            raise ValueError(f"layers is {self.layers!r}; expected a list of one or more layers")
        if self.code is not None and not isinstance(self.code, str):
            if not isinstance(self.code, (list, tuple)):
                raise TypeError(f"code is {self.code!r}; expected a name, or a list of integers")
            set_(self, "code", tuple(self.code))
        layers = []
        for number, given in enumerate(self.layers, 1):
            try:
                layers.append(layer_of(given, self.rank))
            except (ValueError, TypeError) as error:
                raise type(error)(f"layer {number}: {error}") from error
        set_(self, "layers", tuple(layers))
        if self._sizes_so_far() > MAX_SIGNALS:
            raise ValueError(
                f"{self._sizes_so_far()} inputs and LUTs are more than the {MAX_SIGNALS} that there may be"
            )

    @classmethod
    def of(cls, given: Any) -> NetworkArchitecture:
        """Return an architecture: as it is, by its name, or of a mapping of its attributes.

        Raises:
            TypeError, ValueError: an unknown name or attribute, or what the class raises.
        """
        if isinstance(given, NetworkArchitecture):
            return given
        if isinstance(given, str):
            return ARCHITECTURES[one_of("architecture", given.lower(), ARCHITECTURES)]
        instance_of("architecture", given, Mapping, "(a dict), a NetworkArchitecture, or a name")
        check_options("an architecture", given, tuple(cls.__dataclass_fields__))
        if "layers" not in given:
            raise ValueError("the architecture has no layers")
        return cls(**{name: value if name == "layers" else as_python(value) for name, value in given.items()})

    @classmethod
    def from_toml(cls, text: str) -> NetworkArchitecture:
        """Return the architecture that a TOML document is.

        Raises:
            TypeError, ValueError: it is not TOML, or no architecture.
        """
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"the architecture is not TOML: {error}") from error
        return cls.of(document)

    def to_json(self) -> dict[str, Any]:
        """Return the architecture as plain values that JSON and TOML hold, and `of` reads."""
        told = {"name": self.name, "input_shape": list(self.input_shape), "bits": self.bits, "rank": self.rank}
        code = {} if self.code is None else {"code": self.code if isinstance(self.code, str) else list(self.code)}
        return {**told, **code, "layers": [layer.to_json() for layer in self.layers]}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NetworkArchitecture) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.name, self.input_shape, self.bits, self.layer_sizes))

    def __repr__(self) -> str:
        sizes = " ".join(map(str, self.layer_sizes))
        return f"NetworkArchitecture({self.name!r}, {self.num_inputs} bits, LUTs {sizes})"

    @property
    def num_inputs(self) -> int:
        """I, the bits of a sample."""
        return int(np.prod(self.input_shape)) * self.bits

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """LUTs of each layer."""
        return tuple(source.size for source in self._outputs[1:])

    @property
    def num_luts(self) -> int:
        """N, LUTs of all layers."""
        return sum(self.layer_sizes)

    @property
    def num_outputs(self) -> int:
        """O, LUTs of the last layer: output bits."""
        return self.layer_sizes[-1]

    def wiring(self, seed: int = 0) -> list[list[Rows]]:
        """Return which signals the LUTs read: for each layer its groups, int64 (LUTs, rank) each.

        Signals 0 .. I - 1 are the input's bits, I + n is LUT n, in the order of layers and groups (LUTNets' indices).
        A layer that draws its inputs draws the same for one seed, whatever the other layers are.
        """
        found, begins = [], np.cumsum([0, *(source.size for source in self._outputs)])
        for number, layer in enumerate(self.layers):
            source = joined([self._outputs[read] for read in self._reads(number)])
            signals = np.concatenate([np.arange(begins[r], begins[r + 1]) for r in self._reads(number)])
            rng = np.random.default_rng([seed, 0, number])
            found.append([signals[rows] for rows in layer.rows(source, rng)])
        return found

    def unread(self, seed: int = 0) -> NDArray[np.int64]:
        """Return the signals that no LUT reads, but for the outputs, int64, ascending."""
        read = np.zeros(self.num_inputs + self.num_luts - self.num_outputs, np.bool_)
        for rows in self.wiring(seed):
            for group in rows:
                read[group[group < read.size]] = True
        return np.flatnonzero(~read)

    @cached_property
    def _outputs(self) -> tuple[ReadBits, ...]:
        """The bits of the input, and of each layer."""
        box: Box = (self.bits, self.input_shape[-1], int(np.prod(self.input_shape[:-1])))
        outputs = [source_of([box])]
        for number, layer in enumerate(self.layers):
            try:
                reads = self._reads(number)
                outputs.append(source_of(layer.boxes(joined([outputs[read] for read in reads]))))
            except ValueError as error:
                raise ValueError(f"layer {number + 1}: {error}") from error
        return tuple(outputs)

    def _reads(self, number: int) -> tuple[int, ...]:
        reads = self.layers[number].reads
        if reads is None:
            return (number,)
        if not reads or len(set(reads)) < len(reads):
            raise ValueError(f"reads is {reads}; expected one or more earlier layers, each once")
        return tuple(whole_number("reads", read, 0, number, "the input (0) or an earlier layer") for read in reads)

    def _sizes_so_far(self) -> int:
        return self.num_inputs + self.num_luts


def random_architecture(
    luts: Sequence[int],
    rank: int = 6,
    *,
    input_shape: Sequence[int] = (1, 28, 28),
    bits: int = 8,
    wiring: str = "iid",
    name: str = "random",
) -> NetworkArchitecture:
    """Return layers of random wiring, of these numbers of LUTs."""
    layers = [{"luts": size, "wiring": wiring} for size in as_python(luts)]
    return NetworkArchitecture.of(
        {"layers": layers, "rank": rank, "input_shape": input_shape, "bits": bits, "name": name}
    )


def _span(lens: Box, hops: Box, dims: Box | None = None, group: int | None = None) -> dict[str, Any]:
    given = {"lens": lens, "hops": hops, "dims": dims, "group": group}
    return {name: value for name, value in given.items() if value is not None}


_FIRST = [{"spans": [_span((6, 1, 1), (1, 1, 1))]}, {"spans": [_span((3, 2, 1), (1, 1, 1))]}]
_TAPERED = [8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8]

_ROWS: list[dict[str, Any]] = [
    {"name": "random", "code": "lutnets-8", "layers": [2352, 756, *_TAPERED]},
    {
        "name": "cnn_iv0",
        "code": "lutnets-8",
        "layers": [
            *_FIRST,
            {"spans": [_span((1, 3, 2), (1, 2, 1))]},
            {"spans": [_span((1, 2, 3), (1, 1, 2))]},
            {"spans": [_span((1, 2, 3), (1, 1, 2))]},
            {"spans": [_span((1, 3, 2), (1, 2, 1))]},
            {"indices": [[(3 * lut + slot) % 25 for slot in range(6)] for lut in range(8)]},
        ],
    },
    {"name": "cnn_iv1", "code": "lutnets-8", "layers": [*_FIRST, *_TAPERED]},
    {
        "name": "cnn_iv2",
        "code": "lutnets-20",
        "layers": [
            *_FIRST,
            {
                "spans": [
                    _span((1, 3, 2), (1, 3, 2)),
                    _span((1, 6, 1), (1, 6, 1), (9, 12, 7)),
                    _span((1, 3, 2), (1, 3, 2), (7, 9, 12)),
                ]
            },
            {
                "spans": [
                    _span((1, 2, 3), (1, 1, 2), group=0),
                    _span((3, 2, 1), (3, 2, 1), group=1),
                    _span((1, 3, 2), (1, 3, 2), group=2),
                ]
            },
            {
                "spans": [
                    _span((1, 6, 1), (1, 6, 1), (1, 98, 1)),
                    _span((1, 3, 2), (1, 2, 2), (2, 7, 7)),
                    _span((1, 6, 1), (1, 4, 1), (7, 14, 1)),
                ]
            },
            {"spans": [_span((1, 6, 1), (1, 6, 1), (1, 62, 1)), _span((3, 2, 1), (3, 2, 1), (31, 2, 1))]},
            {
                "spans": [
                    _span((1, 6, 1), (1, 3, 1), (1, 22, 1)),
                    _span((3, 2, 1), (2, 1, 1), (11, 2, 1)),
                    _span((1, 6, 1), (1, 2, 1), (2, 11, 1)),
                ]
            },
        ],
    },
]

ARCHITECTURES: Mapping[str, NetworkArchitecture] = {row["name"]: NetworkArchitecture.of(row) for row in _ROWS}
"""LUTNets' four architectures by name, for images of 28 x 28 bytes."""
