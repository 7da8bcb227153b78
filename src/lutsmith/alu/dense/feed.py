"""The stream of an ALU's examples as training takes it, and operations drawn by how often they are still wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from lutsmith.alu.dense.scores import EncodedPoints, exact
from lutsmith.data.alu import ALU
from lutsmith.training import Callback, Epoch, EpochScores, Feed, Stage
from lutsmith.training.objectives import Objective
from lutsmith.training.samples import Array, Rows


class ALUFeed(Feed):
    """Endless batches of an ALU's examples; epochs are compared by the mean share of exact answers.

    Args:
        alu: what examples there are.
        batch_size: of a step.
        steps: in an epoch, which is the time from one measurement to the next.
        points: measured of each operation, of the validation part.
        soft: whether the model has a differentiable form that differs from its eval mode.

    Attributes:
        stream: the examples; its state is where training stands in the data.
    """

    validates = True

    def __init__(self, alu: ALU, batch_size: int, steps: int, points: int, *, soft: bool) -> None:
        self.alu, self.steps = alu, steps
        self.stream = alu.stream("train", batch_size)
        self._points, self._soft = points, soft
        self._validation = [EncodedPoints.of(alu, name, points, "validation") for name in alu.names]
        self._rows = np.arange(batch_size)
        self._batch: tuple[Array, Array] | None = None

    def fingerprint(self) -> str:
        parts = {"alu": self.alu.to_json(), "steps": self.steps, "points": self._points}
        return json.dumps(parts, sort_keys=True)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Rows]:
        """Yield numbers of samples, counted from the first of the run; `batch` gives those that were yielded last."""
        for number in range(start, self.steps):
            batch = next(self.stream)
            self._batch = batch.x, batch.y.astype(np.float32)
            yield self._rows + (epoch * self.steps + number) * len(self._rows)

    def example(self) -> Rows:
        batch = next(self.alu.stream("train", len(self._rows)))
        self._batch = batch.x, batch.y.astype(np.float32)
        return self._rows

    def batch(self, rows: Rows) -> tuple[Array, Array, None]:  # noqa: ARG002 - those that were asked for last
        assert self._batch is not None
        return *self._batch, None

    def generator(self, epoch: int, batch: int) -> np.random.Generator:
        return np.random.default_rng([self.alu.seed, epoch, batch])

    def check_outputs(self, outputs: Tensor, objective: Objective) -> None:
        objective.check_outputs(outputs, self._validation[0].y)

    def scores(self, network: nn.Module, model: nn.Module, objective: Objective) -> EpochScores:  # noqa: ARG002
        hard = {e.name: exact(e, e.bits(model, hardened=True)) for e in self._validation}
        figures = {f"exact {name}": share for name, share in hard.items()}
        soft = None
        if self._soft:
            shares = {e.name: exact(e, e.bits(network, hardened=False)) for e in self._validation}
            figures |= {f"soft exact {name}": share for name, share in shares.items()}
            soft = float(np.mean(list(shares.values())))
        return EpochScores(float(np.mean(list(hard.values()))), soft, figures)


@dataclass
class StreamPosition(Callback):
    """Keeps where the stream is in checkpoints; with `adaptive`, draws operations by their error rates.

    After each measurement the weight of an operation is its error in percent + 10, as ALU_Net's, from the next batch.

    Attributes:
        feed: whose stream it is.
        adaptive: whether weights change.
    """

    feed: ALUFeed = field(repr=False)
    adaptive: bool

    def after_epoch(self, stage: Stage, epoch: Epoch) -> None:  # noqa: ARG002
        if self.adaptive:
            names = self.feed.alu.names
            self.feed.stream.reweight({name: 1 - epoch.figures[f"exact {name}"] for name in names})

    def state_dict(self) -> dict[str, Any]:
        return self.feed.stream.state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.feed.stream.restore(state)
