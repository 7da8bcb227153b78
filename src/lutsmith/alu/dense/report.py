"""The result of training a dense model: answers by operation, beside the published ones of ALU_Net."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lutsmith.alu.dense.scores import OperationScore
from lutsmith.circuit.circuit import Circuit
from lutsmith.data.alu import ALUNET
from lutsmith.ground.alignment import aligned

PUBLISHED: Mapping[str, float] = MappingProxyType(
    dict(zip(ALUNET, (0.873, 0.940, 0.0, 0.838, 0.571, 1.0, 0.987, 0.789, 1.0, 1.0, 1.0, 0.987), strict=True))
)
"""The exact shares of ALU_Net's stored notebook output of 2021-10-30, of about 80 points of each operation."""
PUBLISHED_MEAN = 0.827
"""Of its 1,000 points."""


@dataclass(frozen=True, eq=False)
class DenseReport:
    """The result of a run.

    Attributes:
        model: its name.
        options: those that differ from the model's defaults.
        parameters: numbers that are trained.
        device: one line about where it was trained.
        settings: of the run: steps, batch size, rates, loss, and all that decides what is drawn.
        answers: of each operation, on the test part, which training never sees.
        steps: that were taken, over all sessions.
        samples: that were trained on.
        seconds: from first step to last, measurements included, over all sessions.
        best_step: the step whose weights were kept, by the validation part.
        validation: the mean share of exact answers there, which chose the step.
        stopped: why it ended before its last step; None where it did not.
        circuit: of a network of LUTs, what it was lowered to.
        lowering: of a network of LUTs, whether the circuit was proved to be the network; `nn.prove_lowering`.
    """

    model: str
    options: Mapping[str, Any]
    parameters: int
    device: str
    settings: Mapping[str, Any]
    answers: tuple[OperationScore, ...]
    steps: int
    samples: int
    seconds: float
    best_step: int
    validation: float
    stopped: str | None = None
    circuit: Circuit | None = None
    lowering: str | None = None

    @property
    def mean(self) -> float:
        """The mean share of exact answers over the operations, hardened where that differs."""
        return sum(answer.exact for answer in self.answers) / len(self.answers)

    @property
    def soft_mean(self) -> float | None:
        """The same before hardening."""
        soft = [answer.soft_exact for answer in self.answers if answer.soft_exact is not None]
        return sum(soft) / len(soft) if soft else None

    def to_json(self) -> dict[str, Any]:
        """Return all of it but the circuit as JSON values, with the LUTs and the depth of the circuit."""
        circuit = self.circuit
        shape = None if circuit is None else {"luts": circuit.netlist.num_nodes, "depth": circuit.depth}
        plain = {name: value for name, value in vars(self).items() if name not in ("answers", "circuit")}
        answers = [answer.to_json() for answer in self.answers]
        return plain | {"answers": answers, "mean": self.mean, "soft_mean": self.soft_mean, "circuit": shape}

    def table(self) -> str:
        """Return the answers as a table in percent, at 15 bits with ALU_Net's beside them."""
        soft = self.soft_mean is not None
        published = PUBLISHED if self.settings["alu"]["bits"] == 15 else {}
        heading = ["op", "exact %", *(["soft exact %", "soft bits %"] if soft else []), "bits %", "constant %"]
        rows = [[*heading, "constant bits %", "published %"]]
        for answer in self.answers:
            figures = [answer.exact, *((answer.soft_exact, answer.soft_bits) if soft else ()), answer.bits]
            figures += [answer.constant, answer.constant_bits, published.get(answer.op)]
            rows.append([answer.op, *map(_percent, figures)])
        means = [self.mean, *((self.soft_mean, None) if soft else ()), None, None, None]
        whole = published.keys() == {answer.op for answer in self.answers}
        rows.append(["mean", *map(_percent, [*means, PUBLISHED_MEAN if whole else None])])
        return "\n".join(aligned(rows))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"
