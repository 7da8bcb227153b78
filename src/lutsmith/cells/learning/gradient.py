"""Cells learned by gradient: many restarts side by side, rounded at the end. Imports torch when it is used.

The tables are soft, the examples their labels. What a restart learns is judged by its rounded tables, so that a cell is
either exact or plainly wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import LearnedCell
from lutsmith.cells.learning.examples import Examples
from lutsmith.ground.arguments import number, one_of, whole_number
from lutsmith.ground.interrupts import Interrupts

if TYPE_CHECKING:
    from torch import Tensor

    from lutsmith.cells.layer import CellLayer

STOPS = ("first", "all", "never")
CHECK_EVERY = 20
"""Steps between two looks at the rounded tables."""
BLOCK = 2048
"""Examples that a look evaluates at once."""


@dataclass(frozen=True)
class GradientResult:
    """What restarts learned.

    Attributes:
        cells: that of each restart, at the step at which its rounded tables missed the fewest bits.
        losses: mean cross-entropy of a label's bit there, float64 (R,), of the soft tables and all examples.
        wrong: bits of the labels that each cell misses, int64 (R,), of all examples, those of `check` included.
        chosen: the restart that misses the fewest bits, and has the lowest loss of those.
        starts: how often each restart began, int64 (R,).
        steps: how many were made, one after the other.
        interrupted: whether Ctrl-C or SIGTERM ended them.
    """

    cells: tuple[LearnedCell, ...]
    losses: NDArray[np.float64]
    wrong: NDArray[np.int64]
    chosen: int
    starts: NDArray[np.int64]
    steps: int
    interrupted: bool = False

    @property
    def cell(self) -> LearnedCell:
        """The chosen one."""
        return self.cells[self.chosen]


def learn_gradient(
    fabric: Fabric,
    a: ArrayLike,
    b: ArrayLike | None,
    z: ArrayLike,
    width: int,
    *,
    check: tuple[ArrayLike, ArrayLike | None, ArrayLike, int] | None = None,
    restarts: int = 32,
    starts: int = 1,
    steps: int = 600,
    batch: int = 64,
    lr: float = 0.1,
    scale: float = 0.5,
    noise: float = 0.0,
    focus: float | None = None,
    stop: str = "first",
    seed: int = 0,
) -> GradientResult:
    """Learn a cell from examples by gradient: Adam on the logits of soft tables, restarts side by side.

    Args:
        fabric: how cells are wired.
        a: the first operands, integers (N,) of `width` bits.
        b: the second ones; None is 0, for cells of one operand.
        z: the results; see `Examples.of`.
        width: of the operands.
        check: further examples as (a, b, z, width), of any width, by which rounded tables are judged but which no step
            learns from: narrow operands learn fast, and wide ones show what those left open.
        restarts: how many cells learn side by side, each from its own start.
        starts: how often a restart may begin. One whose cell still misses examples after all its steps draws new tables
            and tries again; with `noise`, one whose cell misses more bits than the best.
        steps: at most so many from each start.
        batch: examples of a step, the same for all restarts; where there are fewer, all.
        lr: Adam's rate, which falls to nothing along half a cosine.
        scale: standard deviation of the logits at the start.
        noise: the share of the labels' bits that may be inverted, below 1/2. The loss expects so many, as forward
            correction does (Patrini et al. 2017), and an example counts as agreeing only without a wrong bit.
        focus: a bit's loss is weighted by its error to this power, as a focal loss does (Lin et al. 2017), so that a
            cell that is right on most bits, as that of a constant answer is, is not left alone with the others. None:
            1; 0 with `noise`, where inverted labels would weigh most.
        stop: at a look each 20 steps: when "first", a restart's rounded tables agree with all examples; when "all",
            those of each restart do; "never". With noise no table agrees, and all steps are made.
        seed: of all that is random.

    The result does not depend on the number of threads: one is used.

    Raises:
        TypeError, ValueError: examples that are none, or are not integers of so many bits; settings out of range.
    """
    examples = Examples.of(fabric, a, b, z, width)
    further = None if check is None else Examples.of(fabric, *check)
    for name, value in (("restarts", restarts), ("starts", starts), ("steps", steps), ("batch", batch)):
        whole_number(name, value, 1)
    whole_number("seed", seed, 0)
    number("lr", lr, lambda value: 0 < value < math.inf, "a number above 0")
    number("noise", noise, lambda value: 0 <= value < 0.5, "a share of at least 0, below 0.5")
    if focus is not None:
        number("focus", focus, lambda value: 0 <= value < math.inf, "a number of at least 0")
    one_of("stop", stop, STOPS)

    from lutsmith.cells.layer import CellLayer

    best = _Best(fabric, restarts)
    made = 0
    with _one_thread(), Interrupts() as interrupts:
        for start in range(starts):
            worse = np.flatnonzero((best.starts == 0) | (best.wrong > (best.wrong.min() if noise else 0)))
            if not len(worse) or interrupts.requested or (stop == "first" and len(worse) < restarts):
                break
            best.starts[worse] += 1
            draw = np.random.default_rng([seed, start])
            layer = CellLayer(fabric, len(worse), scale=scale, seed=int(draw.integers(1 << 62)))
            course = _Course(layer, examples, further, noise, float(not noise) if focus is None else focus)
            for step in range(1, steps + 1):
                made += 1
                left = (1 + math.cos(math.pi * step / steps)) / 2
                course.step(draw, min(batch, len(examples)), lr * left)
                last = step == steps or interrupts.requested is not None
                if last or step % CHECK_EVERY == 0:
                    course.look(best, worse)
                    agree = best.wrong == 0
                    if last or (stop == "first" and agree.any()) or (stop == "all" and agree.all()):
                        break
    return best.result(made, interrupts.requested is not None)


class _Best:
    """The tables of each restart that missed the fewest bits, and had the lowest loss of those."""

    def __init__(self, fabric: Fabric, restarts: int) -> None:
        self.fabric = fabric
        self.wrong = np.full(restarts, np.iinfo(np.int64).max)
        self.losses = np.full(restarts, np.inf)
        self.starts = np.zeros(restarts, np.int64)
        self.tables = {each.name: np.zeros((restarts, *each.shape), np.bool_) for each in fabric.tables}

    def take(
        self,
        restarts: NDArray[np.int64],
        wrong: NDArray[np.int64],
        losses: NDArray[np.float64],
        tables: Mapping[str, NDArray[np.bool_]],
    ) -> None:
        before = self.wrong[restarts], self.losses[restarts]
        better = (wrong < before[0]) | ((wrong == before[0]) & (losses < before[1]))
        self.wrong[restarts[better]], self.losses[restarts[better]] = wrong[better], losses[better]
        for name, entries in tables.items():
            self.tables[name][restarts[better]] = entries[better]

    def result(self, steps: int, interrupted: bool) -> GradientResult:
        cells = tuple(
            LearnedCell(self.fabric, {name: entries[restart] for name, entries in self.tables.items()})
            for restart in range(len(self.wrong))
        )
        chosen = int(np.lexsort((self.losses, self.wrong))[0])
        return GradientResult(cells, self.losses, self.wrong, chosen, self.starts, steps, interrupted)


class _Course:
    """The steps of restarts that begin together."""

    def __init__(
        self, layer: CellLayer, examples: Examples, further: Examples | None, noise: float, focus: float
    ) -> None:
        import torch

        self._layer = layer
        self._noise, self._focus = noise, focus
        self._a, self._b, self._z = _tensors(examples)
        self._blocks = _blocks(self._a, self._b, self._z)
        self._judges = self._blocks + ([] if further is None else _blocks(*_tensors(further)))
        self._optimizer = torch.optim.Adam(layer.parameters(), betas=(0.9, 0.99))

    def step(self, draw: np.random.Generator, batch: int, lr: float) -> None:
        import torch

        self._optimizer.param_groups[0]["lr"] = lr
        chosen = torch.from_numpy(draw.choice(len(self._a), batch, replace=False))
        self._optimizer.zero_grad()
        self._of_bits(self._layer(self._a[chosen], self._b[chosen]), self._z[chosen], self._focus).sum().backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def look(self, best: _Best, restarts: NDArray[np.int64]) -> None:
        """Compare these restarts' rounded tables with all examples, and keep what is better than before."""
        import torch

        with torch.no_grad():
            self._layer.eval()
            tables = {name: entries.numpy() > 0 for name, entries in self._layer.tables().items()}
            wrong = torch.stack([(self._layer(a, b) != z).sum((1, 2)) for a, b, z in self._judges]).sum(0)
            self._layer.train()
            each = [self._of_bits(self._layer(a, b), z).double() * len(a) for a, b, z in self._blocks]
            losses = torch.stack(each).sum(0) / len(self._a)
        best.take(restarts, wrong.numpy(), losses.numpy(), tables)

    def _of_bits(self, given: Tensor, labels: Tensor, focus: float = 0.0) -> Tensor:
        """Return the mean cross-entropy of a bit in each restart, (R,), of bits (R, N, result bits), weighted."""
        if self._noise:
            given = self._noise + (1 - 2 * self._noise) * given
        errors = (given - labels).abs()
        losses = -(1 - errors).clamp_min(1e-6).log()
        return (losses * errors.detach() ** focus if focus else losses).mean((1, 2))


def _tensors(examples: Examples) -> tuple[Tensor, Tensor, Tensor]:
    import torch

    a, b, z = (torch.from_numpy(bits.astype(np.float32)) for bits in (examples.a, examples.b, examples.z))
    return a, b, z


def _blocks(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    import torch

    return list(zip(*(torch.split(each, BLOCK) for each in tensors), strict=True))


class _one_thread:  # noqa: N801 - a `with` block
    """torch on one thread: sums are then the same for any number of cores, and these tensors are too small for more."""

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        import torch

        torch.set_num_threads(self._before)
