"""`lutsmith eval`: the accuracy of a model file on its task's test data. It needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import (
    DataOption,
    DelimiterOption,
    HeaderOption,
    JsonOption,
    ModelArgument,
    TargetOption,
    lengths,
)
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def evaluate(
    model: ModelArgument,
    data: DataOption = None,
    target: TargetOption = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    word_lengths: Annotated[
        Any,
        typer.Option(
            "--words", parser=lengths, metavar="4,6,8", help="Also measure it with features as words of this many bits."
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Measure a model on the test part of the task that it was trained on, or on a table.

    On the table that it was trained on, only the held-out rows are used; on another table all rows. Without --data,
    it is the --test file of the model's run, or the held-out rows of its table.
    """

    def compute() -> dict[str, Any]:
        from lutsmith.runs import evaluate as measure

        found = measure(model, data, target=target, header=header, delimiter=delimiter, word_lengths=word_lengths or ())
        return found.to_json() if json_output else {**found.to_json(), "measured_on": found.measured_on}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    samples = f"{result['samples']:,} samples of {result['task']}"
    console.print(f"accuracy {result['accuracy']:.2%} on {samples}: {result['measured_on']}", soft_wrap=True)
    for row in result["word_lengths"]:
        console.print(
            f"{row['bits']:2} bits: accuracy {row['accuracy']:.2%} ({100 * row['change']:+.2f} points), "
            f"{row['comparators']:,} comparators"
        )
