"""What a circuit says as the columns of a table: their names, and what stands in them.

One decision has a column, `label`, or one for each score; integers have a column each. With places there is one of each
for every place, such as `label[0,2]`; of several heads, names begin with that of the head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from lutsmith.circuit.results import Heads, IntegerHead, Result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lutsmith.circuit import Circuit
    from lutsmith.ground.labels import Label


@dataclass(frozen=True)
class ColumnGroup:
    """The columns of one array of an answer.

    Attributes:
        names: of the columns.
        classes: what stands for class ids; None where there are none, or they have no names.
        is_label: whether the array holds class ids.
    """

    names: tuple[str, ...]
    classes: tuple[Label, ...] | None = None
    is_label: bool = False

    def values(self, answer: NDArray[Any]) -> list[NDArray[Any] | list[Label]]:
        """Return the columns, each of N values; bits are 0 and 1."""
        numbers = answer.astype(np.uint8) if answer.dtype.kind == "b" else answer
        table = numbers.reshape(len(numbers), len(self.names))
        if self.is_label and self.classes is not None:
            return [[self.classes[index] for index in column] for column in table.T.tolist()]
        return list(table.T)


def column_groups(circuit: Circuit, method: str) -> list[ColumnGroup]:
    """Return the columns of what a method says, array by array, in the order of `arrays`."""
    head = circuit.head
    if head is None or method == "outputs":
        return [ColumnGroup(tuple(f"output {number}" for number in range(circuit.netlist.outputs.size)))]
    if not isinstance(head, Heads):
        return _of_head(Result(head, circuit.netlist.outputs.size, circuit.objective, circuit.classes), method, "")
    each = [part for part in head.items() if part[1].has_scores or method == "predict"]
    return [group for name, part in each for group in _of_head(part, method, f"{name} ")]


def arrays(answer: Any) -> Iterator[NDArray[Any]]:
    """Yield the arrays of an answer, head by head and word by word."""
    if not isinstance(answer, dict):
        yield answer
        return
    for part in answer.values():
        yield from arrays(part)


def columns(groups: list[ColumnGroup], answer: Any) -> list[NDArray[Any] | list[Label]]:
    """Return all columns of an answer."""
    pairs = zip(groups, arrays(answer), strict=True)
    return [column for group, array in pairs for column in group.values(array)]


def size(answer: Any) -> int:
    """Return how many samples an answer is of."""
    return len(next(arrays(answer)))


def _of_head(part: Result, method: str, prefix: str) -> list[ColumnGroup]:
    head = part.head
    if isinstance(head, IntegerHead):
        return [ColumnGroup(_placed([prefix + word.name], head.shape)) for word in head.words]
    is_label = method == "predict" and part.objective in (None, "classification")
    if is_label:
        names = ["label"]
    elif part.classes is not None:
        names = [str(name) for name in part.classes]
    else:
        kind = "score" if method != "predict" else "label" if part.objective == "multilabel" else "value"
        count = head.num_classes
        names = [kind] if count == 1 else [f"{kind} {number}" for number in range(count)]
    return [ColumnGroup(_placed([prefix + name for name in names], head.shape), part.classes, is_label)]


def _placed(names: list[str], shape: tuple[int, ...]) -> tuple[str, ...]:
    if not shape:
        return tuple(names)
    places = product(*map(range, shape))
    return tuple(f"{name}[{','.join(map(str, place))}]" for place in places for name in names)
