"""`lutsmith verify`: whether every export of a model is the model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lutsmith.cli.arguments import DataOption, JsonOption, ModelArgument, TargetOption, hardware_words
from lutsmith.cli.errors import in_options
from lutsmith.cli.output import Page, deliver
from lutsmith.ground.printable import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from lutsmith.circuit import Circuit
    from lutsmith.hardware import Check


MAX_FILE = 1 << 30
"""Bytes of a file that is verified."""

EXIT_CODES = {"holds": 0, "fails": 1, "not established": 3}
"""What the command ends with, by the outcome of the verification."""


def verify(
    model: ModelArgument,
    formats: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAMES",
            help="One or more, with commas: verilog, vhdl, blif, aiger, aiger-ascii, json, c, c-compact, javascript, "
            "webassembly, onnx. Or all.",
        ),
    ] = "all",
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Verify this file instead; --format names its format."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="The top module or model in FILE, if the file does not say which it is."),
    ] = None,
    run: Annotated[
        bool,
        typer.Option("--run", help="Run FILE if it is a program, such as C: only if you trust its origin."),
    ] = False,
    data: DataOption = None,
    target: TargetOption = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Simulate at most this many test rows; edge rows are added.")
    ] = 2000,
    layers: Annotated[
        str | None,
        typer.Option("--layers", metavar="NAMES", help="Some of read-back, formal, simulation; by default all."),
    ] = None,
    proofs_only: Annotated[
        bool,
        typer.Option(
            "--proofs-only",
            help="Read back and prove, but simulate nothing; --format all then means the formats of logic.",
        ),
    ] = False,
    words: Annotated[
        str | None,
        typer.Option("--words", metavar="N|float32", help="Features as words of N bits, or float32; as in export."),
    ] = None,
    pipeline: Annotated[
        int | None, typer.Option("--pipeline", metavar="N", help="Registers after every N levels; without it, none.")
    ] = None,
    primitives: Annotated[
        Literal["portable", "xilinx"], typer.Option("--primitives", help="Expressions, or LUT1 to LUT6 with INIT.")
    ] = "portable",
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds for each step.")] = 120.0,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Prove, read back and simulate the exports of a model.

    Exit code 0: every format was shown to be the model. 1: something is not the model. 3: neither is known, because a
    tool is missing, a proof took too long, or the chosen layers say nothing about the format.
    The simulation uses the test rows of the model's task if they are available, else random rows.
    A FILE runs without a network, and only if the read-back succeeded. Give the options that it was written with.
    """
    if file is None and (name is not None or run):
        raise typer.BadParameter("--name and --run are for a --file")
    if file is not None and (formats == "all" or "," in formats):
        raise typer.BadParameter("--file needs --format with the one format of the file")
    if proofs_only and layers is not None:
        raise typer.BadParameter("--proofs-only says which --layers there are; give one of the two")

    def show_row(check: Check) -> None:
        line = f"{check.format} {check.layer} {check.part}: {check.verdict} ({check.seconds:.1f} s)"
        sys.stderr.write(f"{printable(line)}\n")

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.hardware import FORMATS
        from lutsmith.hardware import verify as check
        from lutsmith.hardware.verification.report import LOGIC

        circuit = load(model)
        names = list(LOGIC if proofs_only else FORMATS) if formats == "all" else formats.split(",")
        samples, labels = (None, None) if proofs_only else _samples(circuit, data, target, rows)
        chosen = "read-back,formal" if proofs_only else layers or "read-back,formal,simulation"
        found = check(
            circuit,
            names,
            samples,
            labels,
            layers=chosen.split(","),  # type: ignore[arg-type]
            words=hardware_words(words, circuit),
            pipeline=pipeline,
            primitives=primitives,
            artifacts=None if file is None else {names[0]: {file.name: _content(file)}},
            name=name,
            run=run,
            timeout=timeout,
            report=show_row if sys.stderr.isatty() else None,
        )
        said = found.to_json()
        checks = [{**check, "reason": in_options(check["reason"])} for check in said["checks"]]
        return {**said, "checks": checks, "table": Page(in_options(str(found)))}

    def computed() -> dict[str, Any]:
        return {name: value for name, value in compute().items() if name != "table" or not json_output}

    result = deliver(computed, _show, json_output)
    if code := EXIT_CODES[result["outcome"]]:
        raise typer.Exit(code)


def _content(file: Path) -> bytes:
    """Return what a file holds; refuse what is not a file, or too large to be an export."""
    if not file.is_file():
        raise ValueError(f"--file {file} is not a regular file, expected an export of the model")
    if (size := file.stat().st_size) > MAX_FILE:
        raise ValueError(f"--file {file} has {size:,} bytes, expected at most {MAX_FILE:,}")
    return file.read_bytes()


def _samples(
    circuit: Circuit, data: Path | None, target: str | None, rows: int
) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    """Return test rows of the model's task, or held-out rows of its table, with class ids; or nothing."""
    import numpy as np

    from lutsmith.data import DataError
    from lutsmith.runs.held_out import KINDS, measured_rows, measured_task

    try:
        found = measured_rows(circuit, measured_task(circuit), data, target)
    except (DataError, OSError):
        if data is not None:
            raise
        return None, None
    sys.stderr.write(f"lutsmith: samples are {KINDS[found.kind]}\n")
    x, y = found.x, found.y
    chosen = np.linspace(0, len(x) - 1, min(rows, len(x))).astype(int)
    return x[chosen], y[chosen]


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(result["table"], soft_wrap=True)
