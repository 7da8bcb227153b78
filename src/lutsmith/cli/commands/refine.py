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
        str | None, typer.Option(metavar="NAME", help="Whose training rows; default: the model's own task.")
    ] = None,
    data: DataOption = None,
    target: TargetOption = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    sweeps: Annotated[int | None, typer.Option(metavar="N", help="How often each LUT is fitted anew; 1.")] = None,
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", metavar="S", help="Begin no LUT after so many seconds.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The model file to write; else nothing is.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Fit the LUTs of a model that vote anew on the training rows of its task, or of a table.

    They are those that no other LUT reads. The model that comes out is no worse on the validation rows, which chose it.
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
