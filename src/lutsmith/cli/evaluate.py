"""`lutsmith eval`: the accuracy of a model file on its task's test data. It needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import DataOption, DelimiterOption, HeaderOption, JsonOption, ModelArgument, TargetOption
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def _lengths(text: str) -> tuple[int, ...]:
    """Return word lengths from a list such as `4,6,8`."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no list of word lengths; expected such as 4,6,8") from None


def evaluate(
    model: ModelArgument,
    data: DataOption = None,
    target: TargetOption = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    words: Annotated[
        Any, typer.Option(parser=_lengths, metavar="4,6,8", help="Measure it on words of so many bits a feature too.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Measure a model on the test part of its task, or on all rows of a table; by default its run's --test file."""

    def compute() -> dict[str, Any]:
        from lutsmith.runs import evaluate as measure

        return measure(
            model, data, target=target, header=header, delimiter=delimiter, word_lengths=words or ()
        ).to_json()

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(f"accuracy {result['accuracy']:.2%} on {result['samples']:,} samples of {result['task']}")
    for row in result["word_lengths"]:
        console.print(
            f"{row['bits']:2} bits: accuracy {row['accuracy']:.2%} ({100 * row['change']:+.2f} points), "
            f"{row['comparators']:,} comparators"
        )
