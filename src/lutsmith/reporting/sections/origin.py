"""Where the model comes from: settings, versions, and checksums of model and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutsmith.ground.frozen import plain_json
from lutsmith.ground.printable import shortened
from lutsmith.reporting.blocks import LeftOut, PageTable, Section
from lutsmith.reporting.context import Context
from lutsmith.reporting.numerals import size
from lutsmith.reporting.rows import MeasuredRows
from lutsmith.runs.folder import versions


def section(context: Context) -> Section | None:
    """Settings, versions, checksums."""
    subject = context.subject
    found = Section("origin", "Settings, versions and checksums")
    sums = []
    if subject.circuit is not None:
        sums.append(
            [
                "model file" if subject.model is not None else "model, as it would be saved",
                subject.checksum,
                size(len(subject.content)),
            ]
        )
        training = subject.circuit.metadata.training
        if training is not None and training.held_out is not None:
            sums.append(["table that it was trained on", training.held_out.table, "all rows and labels"])
    if subject.plan is not None and subject.plan.fingerprint is not None:
        sums.append(["data in memory that it was trained on", subject.plan.fingerprint, "all rows and targets"])
    if isinstance(context.rows, MeasuredRows):
        sums.append(
            ["rows that it was measured on", context.rows.checksum, f"{len(context.rows.y):,} rows and targets"]
        )
    if sums:
        found.blocks.append(PageTable("SHA-256 checksums", ("what", "SHA-256", "of"), sums, wide=True))
    options = settings(context)
    if options:
        found.blocks.append(
            PageTable(
                "Settings that were given or chosen",
                ("setting", "value"),
                [[name, value] for name, value in options.items()],
            )
        )
    else:
        found.blocks.append(LeftOut("No settings are known: neither a run nor the model records any."))
    began = dict(subject.versions or {})
    now = versions()
    rows = [[name, str(began.get(name, "–")), now.get(name, "–")] for name in dict.fromkeys((*began, *now))]
    found.blocks.append(PageTable("Versions", ("package", "training", "this report"), rows))
    return found


def settings(context: Context) -> dict[str, str]:
    """Return the settings by name, as texts; those that are not set are left out."""
    plan = context.subject.plan
    if plan is not None:
        told: dict[str, Any] = {name: value for name, value in plan.to_json().items() if name not in ("data", "test")}
    elif context.circuit is not None and context.circuit.metadata.training is not None:
        training = context.circuit.metadata.training
        names = ("task", "preset", "method", "seed", "lutsmith", "architecture", "settings")
        told = {name: plain_json(getattr(training, name)) for name in names}
    else:
        told = {}
    if context.subject.alu is not None:
        told |= {name: context.subject.alu.get(name) for name in ("task", "method", "bits", "examples")}
    return dict(_flat(told))


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Names with dots, and values as texts."""
    found: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name}.")
        elif value is not None and value not in ((), [], ""):
            found.append((f"{before}{name}", shortened(_plain(value), 400)))
    return found


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
