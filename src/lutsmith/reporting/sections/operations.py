"""For an ALU: what each operation was learned from, and how often it is right on fresh points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutsmith.alu.check import check
from lutsmith.alu.device import LearnedALU
from lutsmith.reporting.blocks import LeftOut, PageTable, Section, Text
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import NONE, count, counted, decimal, percent

POINTS = 1000
"""Pairs of operands that each operation is tried on, beside the edges."""


def section(context: Context) -> Section | None:
    """The operations of an ALU; None for other circuits."""
    if context.circuit is None or not context.subject.is_alu:
        return None
    found = Section("operations", "Operations")
    try:
        alu = LearnedALU(context.circuit)
        report = check(alu, POINTS)
    except (ValueError, TypeError) as error:
        found.blocks.append(LeftOut(f"The operations could not be tried: {error}."))
        return found
    learned = _learned(context.subject.alu)
    rows = []
    for one in report.operations:
        own = learned.get(one.name, {})
        rows.append(
            [
                one.name,
                count(own.get("examples")) if own else NONE,
                f"{decimal(own.get('seconds'))} s" if own else NONE,
                f"{count(one.exact.right)} of {count(one.exact.points)}",
                f"{count(one.edge.right)} of {count(one.edge.points)}",
                percent(one.constant),
            ]
        )
    header = ("operation", "examples", "learned in", "right: uniform points", "right: edge points", "best constant")
    caption = f"Operations on words of {counted(alu.bits, 'bit')}"
    found.blocks.append(PageTable(caption, header, rows, numbers=(1, 2, 3, 4, 5)))
    told = "All answers are right." if report.all_right else "Some answers are wrong."
    found.blocks.append(
        Text(
            f"{told} Points were drawn for this report, and the circuit was run on them. Edge points are those at "
            "which arithmetic goes wrong: zeros, powers of two and their neighbours, words of ones. The best constant "
            "is what the most frequent answer alone gets right. The proofs are below."
        )
    )
    wrong = [[one.name, text] for one in report.operations for text in one.errors]
    if wrong:
        found.blocks.append(PageTable("Some wrong answers", ("operation", "what was said"), wrong))
    return found


def _learned(alu: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """What the record of the run says of each operation."""
    listed = (alu or {}).get("learned")
    entries = listed if isinstance(listed, list) else []
    return {str(one.get("operation")): one for one in entries if isinstance(one, Mapping)}
