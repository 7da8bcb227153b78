"""What a verification found: a row for each format, layer and part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["proved", "simulated", "failed", "not decided", "not run"]
"""Holds for all inputs; held for all samples; does not hold; a proof ran out of time; was not tried."""

VERDICTS: tuple[Verdict, ...] = ("proved", "simulated", "failed", "not decided", "not run")
"""All verdicts."""

Layer = Literal["read-back", "formal", "simulation"]

LAYERS: tuple[Layer, ...] = ("read-back", "formal", "simulation")
"""All layers, cheapest first."""


@dataclass(frozen=True)
class Check:
    """One row.

    Attributes:
        format: what was checked: a format of exports, or "design", the logic that all of them are written from.
        layer: how.
        part: of the circuit: encoder, network, popcount, decision; wiring, which joins them; registers; or all.
        verdict: what came out.
        reason: what was shown and by which means; what differs; or why nothing is known, and what to install.
        seconds: wall time.
        samples: rows that were simulated; 0 in other layers.
    """

    format: str
    layer: Layer
    part: str
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    samples: int = 0


@dataclass(frozen=True)
class Loss:
    """What it costs that features become words of fixed point. The design is the circuit on the quantised features.

    Attributes:
        bits: of a word.
        samples: rows of the data.
        changed: share of the rows whose result differs from that of the features as they were.
        accuracy: share of right labels on the features as they were; None without labels.
        quantised_accuracy: the same on quantised features.
    """

    bits: int
    samples: int
    changed: float
    accuracy: float | None = None
    quantised_accuracy: float | None = None

    def __str__(self) -> str:
        text = f"words of {self.bits} bits change {self.changed:.2%} of the results on {self.samples:,} samples"
        if self.accuracy is not None and self.quantised_accuracy is not None:
            text += f"; accuracy {self.accuracy:.2%}, on words {self.quantised_accuracy:.2%}"
        return text


@dataclass(frozen=True)
class Verification:
    """All that was checked, and what came out. `str()` is a table.

    Attributes:
        checks: the rows, in the order in which they were made.
        loss: what fixed point costs; None where features stay float32, or where no data were given.
    """

    checks: tuple[Check, ...]
    loss: Loss | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing failed. Layers that were not run or not decided are in `open`."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The rows that do not hold."""
        return tuple(check for check in self.checks if check.verdict == "failed")

    @property
    def open(self) -> tuple[Check, ...]:
        """The rows about which nothing is known: not run, or not decided."""
        return tuple(check for check in self.checks if check.verdict in ("not run", "not decided"))

    def of(self, format: str | None = None, layer: str | None = None) -> tuple[Check, ...]:  # noqa: A002
        """Return the rows of a format and a layer."""
        return tuple(check for check in self.checks if format in (None, check.format) and layer in (None, check.layer))

    def to_json(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "ok": self.ok,
            "checks": [asdict(check) for check in self.checks],
            "loss": None if self.loss is None else asdict(self.loss),
        }

    def __str__(self) -> str:
        rows = [("format", "layer", "part", "verdict", "seconds", "")]
        rows += [
            (
                check.format,
                check.layer,
                check.part,
                check.verdict,
                f"{check.seconds:.2f}",
                " ".join(check.reason.split()),
            )
            for check in self.checks
        ]
        widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
            for row in rows
        ]
        counts = [(verdict, sum(check.verdict == verdict for check in self.checks)) for verdict in VERDICTS]
        lines.append(", ".join(f"{count} {verdict}" for verdict, count in counts if count) or "nothing was checked")
        if self.loss is not None:
            lines.append(str(self.loss))
        return "\n".join(lines)


def summary(checks: Iterable[Check]) -> str:
    """Return the verdicts of some rows in a few words, such as "proved" or "proved, simulated"."""
    found = {check.verdict for check in checks}
    return ", ".join(verdict for verdict in VERDICTS if verdict in found) or "not run"
