"""`lutsmith refine`: the LUTs of a model that vote are fitted anew; it is no worse on validation rows. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import (
    DataOption,
    DelimiterOption,
    HeaderOption,
    JsonOption,
    ModelArgument,
    TargetOption,
    check_output,
)
from lutsmith.cli.output import deliver, facts_page

if TYPE_CHECKING:
    from rich.console import Console


def refine(
    model: ModelArgument,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="The task with the training rows; by default that of the model.")
    ] = None,
    data: DataOption = None,
    target: TargetOption = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    sweeps: Annotated[int | None, typer.Option(metavar="N", help="Fits of each LUT; 1 by default.")] = None,
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", metavar="S", help="Start no LUT after this many seconds.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The model file to write; else none is written.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Fit the voting LUTs of a model anew on the training rows of its task, or of a table.

    These are the LUTs that no other LUT reads. The new model is not worse on the validation rows, which choose it.
    """
    if out is not None:
        check_output(out, [model])

    def compute() -> dict[str, Any]:
        from lutsmith.runs import refine as run_refining

        return run_refining(
            model,
            task=task,
            data=data,
            target=target,
            header=header,
            delimiter=delimiter,
            sweeps=sweeps,
            max_seconds=max_seconds,
            out=out,
        ).to_json()

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    page = {}
    if result["validation"] is not None:
        page["validation"] = _change(result["validation_before"], result["validation"])
    if result["measured_on"] != "validation":
        page[result["measured_on"]] = _change(result["before"], result["score"])
    page["LUTs"] = f"{result['luts_before']:,} -> {result['luts']:,}"
    page["time"] = f"{result['train_seconds']:.1f} s"
    page["model"] = result["model"] or "not written: give --out FILE"
    facts_page(console, page)


def _change(before: float, after: float) -> str:
    return f"{before:.2%} -> {after:.2%}"
