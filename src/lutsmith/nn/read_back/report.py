"""What reading a circuit back found: a row for each module of the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["proved", "failed", "not established"]
"""The circuit holds what the module states; it does not; nobody knows, and that is never taken for holding."""


@dataclass(frozen=True)
class ModuleProof:
    """The verdict on one module of a network that was read back.

    Attributes:
        name: where the module stands, such as `model.2`; "circuit" for rows that belong to no module.
        module: its class.
        verdict: what came out.
        reason: what was read back; or what differs, and where; or why nothing is known.
    """

    name: str
    module: str
    verdict: Verdict
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.module}): {self.verdict}: {self.reason}"


@dataclass(frozen=True)
class LoweringProof:
    """The verdict on each module, in the order of the model; `prove_lowering` says what "proved" means.

    Attributes:
        rows: the modules, and at the end the circuit's own fields.
        seconds: wall time.
    """

    rows: tuple[ModuleProof, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every row is proved."""
        return self.verdict == "proved"

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the rows: failed, not established, or proved if all are. Without rows it is not
        established.
        """
        found = {row.verdict for row in self.rows}
        if "failed" in found:
            return "failed"
        return "proved" if found == {"proved"} else "not established"

    @property
    def problems(self) -> tuple[ModuleProof, ...]:
        """The rows that are not proved, those that failed first."""
        return tuple(sorted((row for row in self.rows if row.verdict != "proved"), key=lambda row: row.verdict))

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and the verdict, as JSON values."""
        return {"verdict": self.verdict, "rows": [asdict(row) for row in self.rows], "seconds": self.seconds}

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))
