"""`lutsmith export`: a model as hardware description, program, or file of another tool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument, hardware_words
from lutsmith.cli.errors import one_line
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console

    from lutsmith.circuit import Circuit
    from lutsmith.export import Format, Options


def export(
    model: ModelArgument,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder for the files; made if it is missing.")
    ],
    formats: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAMES",
            help="One or more, with commas: verilog, vhdl, axi-stream, constraints, c, c-compact, javascript, "
            "webassembly, onnx, blif, aiger, aiger-ascii, json, graphviz. Or all: every format that can hold "
            "the model.",
        ),
    ] = "all",
    words: Annotated[
        str | None,
        typer.Option(
            "--words", metavar="N|float32",
            help="Features as words of N bits, or as float32. Without it, hardware derives words where features are "
            "integers, and programs take float32.",
        ),
    ] = None,
    pipeline: Annotated[
        int | None, typer.Option("--pipeline", metavar="N", help="Registers after every N levels; without it, none.")
    ] = None,
    encoder: Annotated[
        bool, typer.Option("--encoder/--no-encoder", help="Whether the comparators are part of the logic.")
    ] = True,
    head: Annotated[
        bool, typer.Option("--head/--no-head", help="Whether popcounts and the decision are part of the logic.")
    ] = True,
    primitives: Annotated[
        Literal["portable", "xilinx"], typer.Option("--primitives", help="Expressions, or LUT1 to LUT6 with INIT.")
    ] = "portable",
    name: Annotated[
        str | None, typer.Option("--name", help="The name of files, modules and functions; else the model file's.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Write a model in one or more formats, and say what each file is.

    With --format all, formats that cannot express the model, or do not have an option that you gave, are named with the
    reason. If you ask for such a format by name, nothing is written at all.
    """

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.export import Options

        chosen = _formats(formats)
        if output.exists() and not output.is_dir():
            raise ValueError(f"{output} is a file; give -o the name of a folder")
        circuit = load(model)
        options = Options(
            name=_name(model, name),
            words=hardware_words(words, circuit),
            encoder=encoder,
            head=head,
            pipeline=pipeline,
            primitives=primitives,
        )
        files, refused = _texts(circuit, chosen, options, every=formats == "all")
        _check(output, model, files, overwrite)
        return {
            "model": str(model.resolve()),
            "files": _write(output, files),
            "not_written": [{"format": format_name, "reason": reason} for format_name, reason in refused.items()],
        }

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    for file in result["files"]:
        console.print(f"{file['file']}  {file['bytes']:,} bytes: {file['holds']}", soft_wrap=True)
    for refusal in result["not_written"]:
        console.print(f"{refusal['format']} is not written: {refusal['reason']}", soft_wrap=True)


def _formats(names: str) -> list[Format]:
    from lutsmith.export import FORMATS

    if names == "all":
        return list(FORMATS.values())
    chosen = list(dict.fromkeys(word.strip() for word in names.split(",")))
    unknown = [word for word in chosen if word not in FORMATS]
    if unknown:
        raise ValueError(f"there is no format {unknown[0]!r}; take all, or some of {', '.join(FORMATS)}")
    return [FORMATS[word] for word in chosen]


def _name(model: Path, given: str | None) -> str:
    """Return the name of the export; formats have rules of their own besides those of files."""
    if given is None:
        return model.stem if re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,63}", model.stem) else "lutsmith"
    if not re.fullmatch(r"\w[\w.-]{0,199}", given):
        raise ValueError(f"--name is {given!r}, which is not a name of files: take letters, digits and _")
    return given


def _texts(
    circuit: Circuit, chosen: list[Format], options: Options, *, every: bool
) -> tuple[dict[str, tuple[str, bytes]], dict[str, str]]:
    """Return {file: (what it holds, bytes)}, and {format: reason} of those that cannot hold the circuit."""
    from lutsmith.export import ExportError

    files: dict[str, tuple[str, bytes]] = {}
    refused: dict[str, str] = {}
    for format_ in chosen:
        try:
            texts = format_.files(circuit, options)
        except (ExportError, ModuleNotFoundError) as error:
            if not every:
                raise
            refused[format_.name] = one_line(error)
        else:
            files.update({file: (format_.holds, data) for file, data in texts.items()})
    return files, refused


def _check(folder: Path, model: Path, files: dict[str, tuple[str, bytes]], overwrite: bool) -> None:
    """Refuse files that are there before any is written."""
    if not folder.exists() and not folder.parent.is_dir():
        raise ValueError(f"cannot make {folder}: there is no folder {folder.parent}; create it first")
    taken = [folder / file for file in files if (folder / file).exists()]
    if any(path.samefile(model) for path in taken):
        raise ValueError("a file would replace the model itself: give --name another name")
    if taken and not overwrite:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise ValueError(f"{taken[0]}{more} would be replaced: give --overwrite, another --name or another folder")


def _write(folder: Path, files: dict[str, tuple[str, bytes]]) -> list[dict[str, Any]]:
    from lutsmith.ground.atomic import write_atomically

    folder.mkdir(exist_ok=True)
    for file, (_, data) in files.items():
        write_atomically(folder / file, data)
    return [{"file": str(folder / file), "bytes": len(data), "holds": holds} for file, (holds, data) in files.items()]
