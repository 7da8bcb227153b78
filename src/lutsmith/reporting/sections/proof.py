"""What was shown, by which means, what this trusts, and what was not established."""

from __future__ import annotations

from lutsmith.reporting.blocks import PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.proofs import shown

_VERDICT = 1


def section(context: Context) -> Section | None:
    """A row for each step from data to exports."""
    found = Section("proof", "What was shown")
    rows = [list(row) for row in shown(context.subject, context.verification)]
    header = ("step", "verdict", "how", "what it trusts")
    found.blocks.append(PageTable("Each step, and what is known of it", header, rows, verdicts=_VERDICT, wide=True))
    found.blocks.append(
        Text(
            "Proved holds for all inputs, checked and simulated for the rows that are named. What was shown "
            "in training is quoted from the run's record and the model file, and was not repeated for this report."
        )
    )
    return found
