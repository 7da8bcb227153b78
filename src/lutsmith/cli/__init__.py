"""The command line: one thin file a command, and the promise that mistakes are one line on stderr and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from lutsmith.cli.commands import (
    alu,
    bench,
    card,
    compare,
    demo,
    doctor,
    evaluate,
    export,
    info,
    merge,
    pivotal,
    polish,
    predict,
    presets,
    refine,
    report,
    serve,
    simplify,
    sweep,
    synth,
    train,
    verify,
)
from lutsmith.cli.errors import Command, Mistake, UsageError
from lutsmith.ground.printable import printable
from lutsmith.version import __version__

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train networks of look-up tables, turn them into circuits, and predict from one small file.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(cls=Command)(train.train)
app.command(cls=Command)(sweep.sweep)
app.command(cls=Command)(presets.presets)
app.command(name="eval", cls=Command)(evaluate.evaluate)
app.command(cls=Command)(predict.predict)
app.command(cls=Command)(serve.serve)
app.command(cls=Command)(info.info)
app.command(cls=Command)(report.report)
app.command(cls=Command)(compare.compare)
app.command(cls=Command)(card.card)
app.command(cls=Command)(bench.bench)
app.command(cls=Command)(simplify.simplify)
app.command(cls=Command)(merge.merge)
app.command(cls=Command)(refine.refine)
app.command(cls=Command)(polish.polish)
app.command(cls=Command)(pivotal.pivotal)
app.command(cls=Command)(export.export)
app.command(cls=Command)(demo.demo)
app.command(cls=Command)(synth.synth)
app.command(cls=Command)(verify.verify)
app.command(cls=Command)(doctor.doctor)
_alu = typer.Typer(help="Learned ALUs: `lutsmith train alu` makes one.", rich_markup_mode=None)
_alu.command(cls=Command)(alu.check)
_alu.command(cls=Command)(alu.calc)
app.add_typer(_alu, name="alu")


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"lutsmith {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code.

    0: done. 2: a mistake in the arguments, the data or the model, told in one line on stderr. 130: Ctrl-C. 143: SIGTERM
    in training, which saves as Ctrl-C does. 1: the reader of stdout has gone (a closed pipe), without a word.

    Args:
        arguments: what follows the program's name; None takes `sys.argv`.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    code = run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush at exit
        code = 1
    raise SystemExit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; see `main`."""
    command = typer.main.get_command(app)
    try:
        code = command.main(args=list(arguments), prog_name="lutsmith", standalone_mode=False)
    except UsageError as error:
        path = error.ctx.command_path if error.ctx else "lutsmith"
        return _fail(f"{path}: {' '.join(error.format_message().split())} (see {path} --help)")
    except KeyboardInterrupt:
        return 130
    except Mistake as mistake:
        return _fail(f"lutsmith: {mistake}")
    return int(code or 0)


def _fail(message: str) -> int:
    sys.stderr.write(f"{printable(message)}\n")
    return 2
