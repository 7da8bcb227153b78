"""`lutsmith merge`: several models that vote, as one model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, check_output
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def merge(
    circuits: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Model files with the same features.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The model file to write.")],
    json_output: JsonOption = False,
) -> None:
    """Write one model of several that vote: its scores are the sums of theirs, its numbers the mean.

    Features, classes and objective have to be the same. Equal thresholds and LUTs are shared.
    """
    check_output(output, circuits)

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load, save
        from lutsmith.ensembles import merge as merge_circuits

        members = [load(path) for path in circuits]
        merged = merge_circuits(members)
        save(merged, output)
        return {
            "models": [str(path.resolve()) for path in circuits],
            "output": str(output.resolve()),
            "luts_before": [member.netlist.num_nodes for member in members],
            "luts": merged.netlist.num_nodes,
            "comparators": len(merged.encoder),
        }

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    before = " + ".join(f"{luts:,}" for luts in result["luts_before"])
    console.print(f"{before} LUTs -> {result['luts']:,} LUTs, {result['comparators']:,} comparators", soft_wrap=True)
    console.print(f"{result['output']} written", soft_wrap=True)
