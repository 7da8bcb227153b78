"""`lutsmith polish`: tables and wires of a model are improved in place; it is no worse on validation rows. No torch."""

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


def polish(
    model: ModelArgument,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="The task with the training rows; by default that of the model.")
    ] = None,
    data: DataOption = None,
    target: TargetOption = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    sweeps: Annotated[int | None, typer.Option(metavar="N", help="Visits of each LUT; 8 by default.")] = None,
    candidates: Annotated[
        int | None, typer.Option(metavar="N", help="Signals to try for an input of each LUT; 0: wires stay.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", metavar="S", help="Start no LUT after this many seconds.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder for metrics.jsonl and a checkpoint to continue from.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The model file to write; else none is written.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Change table entries and wires of a model of any depth, if that lowers its loss on the training rows.

    The new model is not worse on the validation rows, which choose it.
    """
    if out is not None:
        check_output(out, [model])

    def compute() -> dict[str, Any]:
        from lutsmith.runs import polish as run_polishing

        return run_polishing(
            model,
            task=task,
            data=data,
            target=target,
            header=header,
            delimiter=delimiter,
            sweeps=sweeps,
            candidates=candidates,
            max_seconds=max_seconds,
            folder=folder,
            out=out,
        ).to_json()

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    page, changed = {}, result["changed"]
    if result["validation"] is not None:
        page["validation"] = f"{result['validation_before']:.2%} -> {result['validation']:.2%}"
    if result["measured_on"] != "validation":
        page[result["measured_on"]] = f"{result['before']:.2%} -> {result['score']:.2%}"
    page["changed"] = f"{changed['entries']:,} entries and {changed['wires']:,} wires of {changed['nodes']:,} LUTs"
    page["kept"] = f"sweep {changed['kept']} of {changed['sweeps']}" if changed["kept"] else "the model as it was"
    page["time"] = f"{result['seconds']:.1f} s"
    page["model"] = result["model"] or "not written: give --out FILE"
    facts_page(console, page)
