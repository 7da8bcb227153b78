"""What a verification found: a row for each format, layer and part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lutsmith.ground.alignment import aligned
from lutsmith.ground.printable import html_table

Verdict = Literal["proved", "simulated", "failed", "not decided", "not run"]
"""Holds for all inputs; held for all samples; does not hold; a proof ran out of time; was not tried."""

VERDICTS: tuple[Verdict, ...] = ("proved", "simulated", "failed", "not decided", "not run")
"""All verdicts."""

Outcome = Literal["holds", "fails", "not established"]
"""Of a verification: every format was shown to be the circuit; something is not; or neither is known."""

Layer = Literal["read-back", "formal", "simulation"]

LAYERS: tuple[Layer, ...] = ("read-back", "formal", "simulation")
"""All layers, cheapest first."""


DESIGN = "design"
"""In the column of formats: the logic that formats of logic are written from."""

LOGIC = ("verilog", "vhdl", "blif", "aiger", "aiger-ascii")
"""Formats that hold a design; the others hold the circuit."""

WHOLE = "all"
"""In the column of parts: everything that the format holds."""


@dataclass(frozen=True)
class Check:
    """What one layer of verification found about one part of one format.

    Attributes:
        format: what was checked: a format of exports, or "design", the logic that all of them are written from.
        layer: how.
        part: a part of the circuit: ports, encoder, network, popcount, decision; part NAME, which has instances;
            wiring, which joins them; registers; or all.
        verdict: the result of the check.
        reason: what was shown and how; what differs; or why nothing is known, and what to install.
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
    """The loss when features become fixed-point words. The design is equal to the circuit on the quantised features.

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
    """All checks of a verification and their results. `str()` is a table.

    Attributes:
        checks: the rows, in the order in which they were made.
        loss: the cost of fixed point; None where features stay float32, or where no data were given.
        formats: those that were asked for; by default those of the rows.
        foreign: those of them whose files were handed in.
    """

    checks: tuple[Check, ...]
    loss: Loss | None = None
    formats: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.formats:
            found = dict.fromkeys(check.format for check in self.checks if check.format != DESIGN)
            object.__setattr__(self, "formats", tuple(found))

    @property
    def ok(self) -> bool:
        """Whether every requested format was shown to be the circuit, and nothing failed."""
        return self.outcome == "holds"

    @property
    def outcome(self) -> Outcome:
        """The result for all formats together; "not established" where none was requested."""
        outcomes = [self.outcome_of(format_) for format_ in self.formats]
        if self.failures:
            return "fails"
        return "holds" if outcomes and set(outcomes) == {"holds"} else "not established"

    def outcome_of(self, format: str) -> Outcome:  # noqa: A002
        """Return the result for one format.

        It holds if nothing failed and one of these was shown for the whole format: every part is proved equal to the
        design, and the design to the circuit; the file was read back and equals the circuit node by node; or every row
        of the simulation was run and agrees. For files that a user passed in, a simulation is not enough, since they
        may be made to agree on the rows that are run: logic must be proved, and the code of programs must be the
        export's.
        """
        mine = self.of(format)
        if any(check.verdict == "failed" for check in mine):
            return "fails"
        read = [check.verdict == "proved" for check in mine if check.layer == "read-back"]
        simulated = [check.verdict == "simulated" for check in mine if check.layer == "simulation"]
        ways = self._proofs_of(format)
        if format not in self.foreign:
            ways.append(simulated)
        elif format not in LOGIC:
            ways.append(simulated and read and simulated + read)
        return "holds" if any(way and all(way) for way in ways) else "not established"

    def is_proved(self, format: str) -> bool:  # noqa: A002
        """Return whether a format holds for all inputs: it is proved or read back as a whole, not only simulated."""
        return self.outcome_of(format) == "holds" and any(way and all(way) for way in self._proofs_of(format))

    def _proofs_of(self, format: str) -> list[list[bool]]:  # noqa: A002
        """Whether each check came out by which a format would be proved, for each way to do so."""
        mine, design = self.of(format), [check.verdict == "proved" for check in self.of(DESIGN)]
        whole = [check.verdict == "proved" for check in mine if check.layer == "read-back" and check.part == WHOLE]
        formal = [check.verdict == "proved" for check in mine if check.layer == "formal"]
        return [
            formal and design and formal + design,
            whole if format == "json" else whole and design and whole + design,
        ]

    @property
    def failures(self) -> tuple[Check, ...]:
        """The rows that do not hold."""
        return tuple(check for check in self.checks if check.verdict == "failed")

    @property
    def open(self) -> tuple[Check, ...]:
        """The rows about which nothing is known: not run, or not decided."""
        return tuple(check for check in self.checks if check.verdict in ("not run", "not decided"))

    @property
    def _open_formats(self) -> tuple[str, ...]:
        return tuple(format_ for format_ in self.formats if self.outcome_of(format_) == "not established")

    def of(self, format: str | None = None, layer: str | None = None) -> tuple[Check, ...]:  # noqa: A002
        """Return the rows of a format and a layer."""
        return tuple(check for check in self.checks if format in (None, check.format) and layer in (None, check.layer))

    def to_json(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "ok": self.ok,
            "outcome": self.outcome,
            "formats": {format_: self.outcome_of(format_) for format_ in self.formats},
            "checks": [asdict(check) for check in self.checks],
            "loss": None if self.loss is None else asdict(self.loss),
        }

    def _repr_html_(self) -> str:
        return html_table(f"Verification: {self.outcome}", {name: _told(self, name) for name in self.formats})

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
        lines = aligned(rows, left=range(6))
        counts = [(verdict, sum(check.verdict == verdict for check in self.checks)) for verdict in VERDICTS]
        lines.append(", ".join(f"{count} {verdict}" for verdict, count in counts if count) or "nothing was checked")
        lines += [f"{format_}: {self.outcome_of(format_)}" for format_ in self.formats if format_ in self._open_formats]
        lines.append(self.outcome)
        if self.loss is not None:
            lines.append(str(self.loss))
        return "\n".join(lines)


def _told(verification: Verification, name: str) -> str:
    return f"{verification.outcome_of(name)} ({summary(verification.of(name))})"


def summary(checks: Iterable[Check]) -> str:
    """Return the verdicts of some rows in a few words, such as "proved" or "proved, simulated"."""
    found = {check.verdict for check in checks}
    return ", ".join(verdict for verdict in VERDICTS if verdict in found) or "not run"
