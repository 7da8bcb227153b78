"""Layers of a network as data: windows over boxes, random wiring, or indices; sizes follow from what they read.

A layer reads the bits of the layer before it, or of any that it names: 0 is the input, 1 the first layer, and so on;
their bits stand one after the other. Bits that lie in a box (`Span`) are known as such to the next layer, so that a
chain of windows gives the size of the first box alone.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.circuit.netlist_builder import MAX_LUT_RANK
from lutsmith.circuit.wiring import Rows, Span, checked_span, cut_rows
from lutsmith.ground.arguments import as_python, check_options, instance_of, one_of, whole_number
from lutsmith.ground.arrays import MAX_SIGNALS, frozen, integers

Box = tuple[int, int, int]
"""Sizes along x, y and z, x the fastest."""


class ReadBits(NamedTuple):
    """The bits that a layer reads.

    Attributes:
        size: how many there are.
        boxes: where each group of them begins, and its box.
    """

    size: int
    boxes: tuple[tuple[int, Box], ...]


@dataclass(frozen=True)
class SpanGroup:
    """Windows that slide over a box of what a layer reads: a LUT for each, of as many inputs as a window has cells.

    Windows begin at every hop; the last one of an axis ends at the border. Several groups may see the same bits as
    boxes of other shapes.

    Attributes:
        lens: a window's size along x, y and z; 1 to 8 cells in all.
        hops: from window to window, along each axis.
        dims: the box; None: the box of a group of what is read.
        offset: the bit where the box begins; None: where that group does, or 0 where `dims` is given.
        group: which group, from 0; None: there is only one.
    """

    lens: Box
    hops: Box
    dims: Box | None = None
    offset: int | None = None
    group: int | None = None

    @classmethod
    def of(cls, given: Any) -> SpanGroup:
        """Return a group, a mapping of its attributes, or `(offset, dims, lens, hops)` as a group."""
        if isinstance(given, SpanGroup):
            return given
        if isinstance(given, Mapping):
            check_options("a span", given, ("lens", "hops", "dims", "offset", "group"))
            if missing := [name for name in ("lens", "hops") if name not in given]:
                raise ValueError(f"a span without {' and '.join(missing)}: {dict(given)!r}; each has three numbers")
            values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
            return cls(**values)
        if isinstance(given, (tuple, list)) and len(given) == 4:
            offset, dims, lens, hops = given
            return cls.of({"lens": lens, "hops": hops, "dims": dims, "offset": offset})
        raise ValueError(f"{given!r} is not a span; expected lens, hops and, where they do not follow, dims and offset")

    def span(self, source: ReadBits) -> Span:
        """Return the windows over what is read.

        Raises:
            ValueError: they do not fit it, or it is not said which box they are of.
        """
        offset, dims = self.offset, self.dims
        if self.group is not None or dims is None:
            if self.group is None and len(source.boxes) != 1:
                raise ValueError(f"{len(source.boxes)} groups of bits are read: give the group of {self}, or its dims")
            number = whole_number("group", self.group or 0, 0, len(source.boxes) - 1, "a group of what is read")
            begin, box = source.boxes[number]
            dims = box if dims is None else dims
            offset = begin if offset is None else offset
        span = checked_span((offset or 0, dims, self.lens, self.hops), source.size)
        if span.rank > MAX_LUT_RANK:
            raise ValueError(f"{span} has windows of {span.rank} cells; a LUT has at most {MAX_LUT_RANK} inputs")
        return span

    def to_json(self) -> dict[str, Any]:
        """Return the attributes that are given, as plain values."""
        return {name: as_list(value) for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Layer(ABC):
    """LUTs that do not read each other.

    Attributes:
        reads: the layers whose bits it reads, one after the other, 0 the input; None: the layer before.
    """

    reads: tuple[int, ...] | None = None

    @abstractmethod
    def boxes(self, source: ReadBits) -> list[Box]:
        """Return the boxes of its outputs, group by group; ValueError where it does not fit what it reads."""

    @abstractmethod
    def rows(self, source: ReadBits, rng: np.random.Generator) -> list[Rows]:
        """Return which bits of what it reads its LUTs read: (LUTs, rank) for each group."""

    def to_json(self) -> dict[str, Any]:
        """Return the layer as plain values, which `layer_of` reads."""
        return {} if self.reads is None else {"reads": list(self.reads)}


@dataclass(frozen=True)
class SpanLayer(Layer):
    """Groups of windows, one after the other.

    Attributes:
        spans: the groups.
    """

    spans: tuple[SpanGroup, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.spans, Sequence) or not self.spans:
            raise ValueError(f"spans is {self.spans!r}; expected one or more groups of windows")
        object.__setattr__(self, "spans", tuple(map(SpanGroup.of, self.spans)))

    def boxes(self, source: ReadBits) -> list[Box]:
        return [group.span(source).counts for group in self.spans]

    def rows(self, source: ReadBits, _: np.random.Generator) -> list[Rows]:
        return [group.span(source).rows() for group in self.spans]

    def to_json(self) -> dict[str, Any]:
        return {"spans": [group.to_json() for group in self.spans], **super().to_json()}


@dataclass(frozen=True)
class RandomLayer(Layer):
    """LUTs whose inputs are drawn among all that is read.

    Attributes:
        luts: how many.
        rank: inputs of each, 1 to 8.
        wiring: `iid`: each input on its own, so that some may be read by nobody or twice by one LUT (LUTNets); or
            `random`: permutations cut into LUTs, so that all are read equally often, none twice by one LUT.
    """

    luts: int = 0
    rank: int = 6
    wiring: str = "iid"

    def __post_init__(self) -> None:
        luts = whole_number("luts", self.luts, 1, MAX_SIGNALS, "LUTs of a layer")
        rank = whole_number("rank", self.rank, 1, MAX_LUT_RANK, "inputs of a LUT")
        self.__dict__.update(luts=luts, rank=rank)
        one_of("wiring", self.wiring, ("iid", "random"))

    def boxes(self, source: ReadBits) -> list[Box]:
        if self.wiring == "random" and self.rank > source.size:
            raise ValueError(f"LUTs of {self.rank} distinct inputs read {source.size} bits; take the wiring iid")
        return [(self.luts, 1, 1)]

    def rows(self, source: ReadBits, rng: np.random.Generator) -> list[Rows]:
        if self.wiring == "iid":
            return [rng.integers(0, source.size, (self.luts, self.rank))]
        orders = (rng.permutation(source.size) for _ in range(-(-self.luts * self.rank // source.size)))
        return [cut_rows(source.size, self.luts, self.rank, orders)]

    def to_json(self) -> dict[str, Any]:
        wiring = {} if self.wiring == "iid" else {"wiring": self.wiring}
        return {"luts": self.luts, "rank": self.rank, **wiring, **super().to_json()}


@dataclass(frozen=True, eq=False)
class IndexLayer(Layer):
    """LUTs whose inputs are given.

    Attributes:
        indices: int64 (LUTs, rank), bits of what is read, input 0 (least significant) first.
    """

    indices: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def __post_init__(self) -> None:
        array = integers("indices", self.indices, low=0, high=MAX_SIGNALS)
        if array.ndim != 2 or not array.size or array.shape[1] > MAX_LUT_RANK:
            raise ValueError(f"indices has shape {array.shape}; expected (LUTs, rank) with a rank of 1 to 8")
        object.__setattr__(self, "indices", frozen(array, np.int64))

    def boxes(self, source: ReadBits) -> list[Box]:
        if (highest := int(self.indices.max())) >= source.size:
            raise ValueError(f"an index is {highest}; the layer reads {source.size} bits, 0 to {source.size - 1}")
        return [(len(self.indices), 1, 1)]

    def rows(self, _source: ReadBits, _: np.random.Generator) -> list[Rows]:
        return [self.indices]

    def to_json(self) -> dict[str, Any]:
        return {"indices": self.indices.tolist(), **super().to_json()}


_KINDS: Mapping[str, type[Layer]] = {"spans": SpanLayer, "luts": RandomLayer, "indices": IndexLayer}


def layer_of(given: Any, rank: int = 6) -> Layer:
    """Return a layer: as it is, or of a number of LUTs (random wiring), an array of indices, or a mapping of the
    attributes of `SpanLayer`, `RandomLayer` or `IndexLayer`.

    Args:
        given: one of these.
        rank: of random LUTs that do not say theirs.

    Raises:
        TypeError, ValueError: it is none of these.
    """
    if isinstance(given, Layer):
        return given
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return RandomLayer(luts=int(given), rank=rank)
    if isinstance(given, (np.ndarray, list, tuple)):
        return IndexLayer(indices=_as_indices(given))
    instance_of("a layer", given, Mapping, "with spans, luts or indices, a number of LUTs, or an array of indices")
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        raise ValueError(f"a layer has {', '.join(map(str, given)) or 'nothing'}; expected one of {', '.join(_KINDS)}")
    kind = _KINDS[kinds[0]]
    check_options(f"a layer of {kinds[0]}", given, [each.name for each in fields(kind)])
    values: dict[str, Any] = {"rank": rank} if kind is RandomLayer else {}
    values |= {name: as_python(value) for name, value in given.items()}
    if kind is IndexLayer:
        values["indices"] = _as_indices(given["indices"])
    if values.get("reads") is not None:
        values["reads"] = tuple(values["reads"]) if isinstance(values["reads"], Iterable) else (values["reads"],)
    return kind(**values)


def as_list(value: Any) -> Any:
    """Return tuples as lists."""
    return list(value) if isinstance(value, tuple) else value


def joined(sources: Sequence[ReadBits]) -> ReadBits:
    """Return the bits of several layers one after the other."""
    begin, boxes = 0, list[tuple[int, Box]]()
    for source in sources:
        boxes += [(begin + offset, box) for offset, box in source.boxes]
        begin += source.size
    return ReadBits(begin, tuple(boxes))


def source_of(boxes: Sequence[Box]) -> ReadBits:
    """Return the bits of groups that follow each other, with their boxes."""
    return joined([ReadBits(math.prod(box), ((0, box),)) for box in boxes])


def _as_indices(given: ArrayLike) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except ValueError as error:
        raise ValueError("indices are ragged; expected as many for each LUT of a layer") from error
