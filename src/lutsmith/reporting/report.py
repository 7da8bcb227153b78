"""`report`: a run, a model or a circuit as one page."""

from __future__ import annotations

from os import PathLike
from typing import Any

from lutsmith.ground.arguments import instance_of
from lutsmith.hardware.verification.report import Verification
from lutsmith.reporting.context import Context
from lutsmith.reporting.overview import summary, tiles
from lutsmith.reporting.page import HtmlPage, page
from lutsmith.reporting.rows import Source, find_rows
from lutsmith.reporting.sections import SECTIONS
from lutsmith.reporting.subject import Subject


def report(
    source: Any,
    path: str | PathLike[str] | None = None,
    *,
    X: Any = None,
    y: Any = None,
    data: Source = None,
    task: str | None = None,
    target: str | int | None = None,
    verification: Verification | None = None,
    title: str | None = None,
) -> HtmlPage:
    """Return a page about a run or a model, and write it if a path is given.

        lutsmith.report("runs/mnist", "report.html")
        lutsmith.report(circuit, X=X_test, y=y_test)  # a notebook shows it

    One HTML file with its charts inside: it loads nothing, runs no script, and follows the reader's light or dark
    setting. What is not known, such as the curves of a model without its run, is left out, with one line that says why.
    The speed of prediction is measured on the machine at hand.

    Args:
        source: the folder of a run, finished or not; a model file; a `Circuit`; or a `Run`.
        path: where the page goes: whole or not at all; a file that is there is replaced.
        X: samples to measure it on, as for `Circuit.predict`.
        y: the true answers for them: labels as in `circuit.classes`, numbers, or 0 and 1 for several labels.
        data: where to find the rows to measure on, as for `evaluate`; default: the run's own data, or `LUTSMITH_DATA`.
        task: default: the task that the model was trained on.
        target: the label column of a table; default: the one that the model was trained on.
        verification: the result of `hardware.verify` for the circuit's exports.
        title: of the page; the name of the folder or file by default.

    Raises:
        TypeError: a source of another type.
        ValueError: a folder without a run, a file that is not a model, or rows that do not fit the circuit; requested
            rows that are missing (`MissingDataError`).
        OSError: nothing is at `source`, or the page cannot be written.
    """
    if verification is not None:
        instance_of("verification", verification, Verification)
    subject = Subject.of(source)
    context = Context(subject, find_rows(subject, X, y, data, task, target), verification)
    sections = [found for make in SECTIONS if (found := make(context)) is not None]
    made = page(
        "lutsmith report",
        subject.name if title is None else title,
        summary(context),
        tiles(context),
        subject.notes,
        sections,
    )
    if path is not None:
        made.save(path)
    return made
