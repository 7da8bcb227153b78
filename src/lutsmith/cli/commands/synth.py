"""`lutsmith synth`: how many LUTs, registers or gates a model takes, part by part."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument, hardware_words
from lutsmith.cli.output import Page, deliver
from lutsmith.ground.printable import printable

if TYPE_CHECKING:
    from rich.console import Console


def synth(
    model: ModelArgument,
    target: Annotated[str, typer.Option("--target", help="xilinx, ecp5, ice40, gowin or asic.")] = "xilinx",
    words: Annotated[
        str | None, typer.Option("--words", metavar="BITS", help="Bits of a feature, or float32; derived by default.")
    ] = None,
    pipeline: Annotated[
        int | None, typer.Option("--pipeline", metavar="LEVELS", help="Registers after this many levels of LUTs.")
    ] = None,
    place: Annotated[bool, typer.Option("--place", help="Place and route the design, and report its clock.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds for each run of a tool.")] = 600.0,
    json_output: JsonOption = False,
) -> None:
    """Count the LUTs, registers or gates of encoder, network and head on a target, with open tools."""

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.hardware.synthesis import synth as synthesise

        circuit = load(model)
        result = synthesise(
            circuit,
            target,
            words=hardware_words(words, circuit),
            pipeline=pipeline,
            place=place,
            timeout=timeout,
            progress=_progress,
        )
        return {"model": str(model.resolve()), **result.to_json(), "table": Page(str(result))}

    deliver(compute, _show, json_output)


def _progress(line: str) -> None:
    sys.stderr.write(f"{printable(line)}\n")


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(result["table"], soft_wrap=True)
