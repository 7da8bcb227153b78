"""Cells learned by gradient: many restarts side by side, rounded at the end. Imports torch when it is used.

The tables are soft, the examples their labels. What a restart learns is judged by its rounded tables, so that a cell is
either exact or plainly wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lutsmith.cells.fabric import Fabric
from lutsmith.cells.learned import MAX_WIDTH, LearnedCell, operand_bits
from lutsmith.ground.arguments import instance_of, number, one_of, whole_number
from lutsmith.ground.interrupts import Interrupts

if TYPE_CHECKING:
    from torch import Tensor

    from lutsmith.cells.layer import CellLayer

STOPS = ("first", "all", "never")
CHECK_EVERY = 20
"""Steps between two looks at the rounded tables."""


@dataclass(frozen=True)
class GradientResult:
    """What restarts learned.

    Attributes:
        cells: that of each restart, at the step at which its rounded tables missed the fewest bits.
        losses: mean cross-entropy of a label's bit there, float64 (R,), of the soft tables and all examples.
        wrong: bits of the labels that each cell misses, int64 (R,), of all examples.
        chosen: the restart that misses the fewest bits, and has the lowest loss of those.
        steps: how many were made.
        interrupted: whether Ctrl-C or SIGTERM ended them.
    """

    cells: tuple[LearnedCell, ...]
    losses: NDArray[np.float64]
    wrong: NDArray[np.int64]
    chosen: int
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
    restarts: int = 32,
    steps: int = 600,
    batch: int = 64,
    lr: float = 0.1,
    scale: float = 1.0,
    jitter: float = 0.0,
    noise: float = 0.0,
    stop: str = "first",
    seed: int = 0,
) -> GradientResult:
    """Learn a cell from examples by gradient: Adam on the logits of soft tables, restarts side by side.

    Args:
        fabric: how cells are wired.
        a: the first operands, integers (N,) of `width` bits.
        b: the second ones; None is 0, for cells of one operand.
        z: the results, integers (N,) from 0 to 2^result bits - 1: in two's complement where they are negative.
        width: of the operands.
        restarts: how many cells learn side by side, each from its own start.
        steps: at most so many.
        batch: examples of a step, the same for all restarts; where there are fewer, all.
        lr: Adam's rate, which falls to nothing along half a cosine.
        scale: standard deviation of the logits at the start.
        jitter: standard deviation of noise added to the logits in each step; falls with the rate.
        noise: the share of the labels' bits that may be inverted, below 1/2. The loss expects so many, as forward
            correction does (Patrini et al. 2017), and an example counts as agreeing only without a wrong bit.
        stop: at a look each 20 steps: when "first", a restart's rounded tables agree with all examples; when "all",
            those of each restart do; "never". With noise no table agrees, and all steps are made.
        seed: of all that is random.

    The result does not depend on the number of threads: one is used.

    Raises:
        TypeError, ValueError: examples that are none, or are no integers of so many bits; settings out of range.
    """
    examples = _Examples(fabric, a, b, z, width)
    for name, value in (("restarts", restarts), ("steps", steps), ("batch", batch)):
        whole_number(name, value, 1)
    number("lr", lr, lambda value: 0 < value < math.inf, "a number above 0")
    number("jitter", jitter, lambda value: 0 <= value < math.inf, "a number of at least 0")
    number("noise", noise, lambda value: 0 <= value < 0.5, "a share of at least 0, below 0.5")
    one_of("stop", stop, STOPS)

    from lutsmith.cells.layer import CellLayer

    layer = CellLayer(fabric, restarts, scale=scale, seed=seed)
    with _one_thread(), Interrupts() as interrupts:
        course = _Course(layer, examples, noise)
        draw = np.random.default_rng([seed, 1, 0])
        made = 0
        for made in range(1, steps + 1):
            left = (1 + math.cos(math.pi * made / steps)) / 2
            course.step(draw, min(batch, len(examples)), lr * left, jitter * left)
            last = made == steps or interrupts.requested is not None
            if last or made % CHECK_EVERY == 0:
                agree = course.look() == 0
                if last or (stop == "first" and agree.any()) or (stop == "all" and agree.all()):
                    break
        return course.result(made, interrupts.requested is not None)


class _Examples:
    """Checked examples: bits of a and b (N, width), and of z (N, result bits)."""

    def __init__(self, fabric: Fabric, a: ArrayLike, b: ArrayLike | None, z: ArrayLike, width: int) -> None:
        instance_of("fabric", fabric, Fabric)
        whole_number("width", width, 1, MAX_WIDTH, "the bits of an operand")
        self.a = operand_bits("a", a, width)
        self.b = np.zeros_like(self.a) if b is None else operand_bits("b", b, width)
        self.z = operand_bits("z", z, fabric.result_bits(width))
        sizes = {"a": len(self.a), "b": len(self.b), "z": len(self.z)}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"there are {sizes['a']} a, {sizes['b']} b and {sizes['z']} z; expected as many of each")
        if not len(self.a):
            raise ValueError("there are no examples; expected at least one")

    def __len__(self) -> int:
        return len(self.a)


class _Course:
    """The steps of one training, and what each restart's best tables were."""

    def __init__(self, layer: CellLayer, examples: _Examples, noise: float) -> None:
        import torch

        self._layer = layer
        self._noise = noise
        self._a, self._b, self._z = (
            torch.from_numpy(bits.astype(np.float32)) for bits in (examples.a, examples.b, examples.z)
        )
        self._optimizer = torch.optim.Adam(layer.parameters(), betas=(0.9, 0.99))
        self._wrong = np.full(layer.restarts, np.iinfo(np.int64).max)
        self._losses = np.full(layer.restarts, np.inf)
        self._best = {name: logits.detach().clone() for name, logits in layer.logits.items()}

    def step(self, draw: np.random.Generator, batch: int, lr: float, jitter: float) -> None:
        import torch

        self._optimizer.param_groups[0]["lr"] = lr
        chosen = torch.from_numpy(draw.choice(len(self._a), batch, replace=False))
        added = {}
        if jitter:
            for name, logits in self._layer.logits.items():
                added[name] = torch.from_numpy(draw.standard_normal(logits.shape, np.float32)) * jitter
                logits.data += added[name]
        self._optimizer.zero_grad()
        self._of_bits(self._layer(self._a[chosen], self._b[chosen]), self._z[chosen]).sum().backward()
        for name, each in added.items():
            self._layer.logits[name].data -= each
        self._optimizer.step()

    def look(self) -> NDArray[np.int64]:
        """Return how many bits each restart's rounded tables miss, and keep the tables that missed the fewest."""
        import torch

        with torch.no_grad():
            wrong = (self._layer.eval()(self._a, self._b) != self._z).sum((1, 2)).numpy()
            losses = self._of_bits(self._layer.train()(self._a, self._b), self._z).double().numpy()
            better = (wrong < self._wrong) | ((wrong == self._wrong) & (losses < self._losses))
            self._wrong[better], self._losses[better] = wrong[better], losses[better]
            for name, logits in self._layer.logits.items():
                self._best[name][better] = logits[better]
        return self._wrong

    def result(self, steps: int, interrupted: bool) -> GradientResult:
        self._layer.load_state_dict({f"logits.{name}": logits for name, logits in self._best.items()})
        cells = tuple(self._layer.cell(restart) for restart in range(self._layer.restarts))
        chosen = int(np.lexsort((self._losses, self._wrong))[0])
        return GradientResult(cells, self._losses, self._wrong, chosen, steps, interrupted)

    def _of_bits(self, given: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy of a bit in each restart, (R,), of bits (R, N, result bits)."""
        if self._noise:
            given = self._noise + (1 - 2 * self._noise) * given
        return -(1 - (given - labels).abs()).clamp_min(1e-6).log().mean((1, 2))


class _one_thread:  # noqa: N801 - a `with` block
    """torch on one thread: sums are then the same on every machine's cores, and these tensors are too small for more."""

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        import torch

        torch.set_num_threads(self._before)
