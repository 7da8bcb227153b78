"""`lutsmith train`: data in, a trained network and its circuit out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import DataOption, DelimiterOption, HeaderOption, JsonOption, TargetOption
from lutsmith.cli.commands.alu import learn_alu
from lutsmith.cli.commands.offer import offer, presets_that_begin, show_offer, tasks_that_begin
from lutsmith.cli.config import ConfigOption, SetOption, fields_of
from lutsmith.cli.output import deliver, facts_page, levels

if TYPE_CHECKING:
    from rich.console import Console


def _widths(text: str) -> tuple[int, ...]:
    """Return the LUTs of each layer from a list such as `2000,1000`."""
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1:
        raise typer.BadParameter(f"{text!r} is not a list of layer widths; expected such as 2000,1000")
    return widths


def train(
    context: typer.Context,
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK",
            help="digits, mnist, cifar-10, adult, ..., table, csv, npz, images or alu; or the path of a table: a file, "
            "a folder of Parquet files, or X.npy with y.npy beside it. Without one, what can be learned is shown.",
            autocompletion=tasks_that_begin,
        ),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="OPS")] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A named network; `lutsmith presets` lists them.", autocompletion=presets_that_begin
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="gradients, as images by default; additive, as tables: LUTs grown one by one, without torch; or a "
            "search of tables and wires: evolve, bitflip, pivotal, coordinate, anneal, population, wires, memorize, "
            "greedy. "
            "Of alu: sat, search (finds the operation, too), count, gradient, or dense (a network, for comparison).",
        ),
    ] = None,
    data: DataOption = None,
    target: TargetOption = None,
    test: Annotated[Path | None, typer.Option(metavar="FILE", help="The test rows of a table.")] = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    decimal: Annotated[
        str | None, typer.Option(metavar="MARK", help="The decimal mark in numbers of a table: . or ,")
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Spellings of a missing value, such as '?,NA'; '' for empty cells alone. Any case."
        ),
    ] = None,
    numbers: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Read this column as numbers; text in it is missing.")
    ] = None,
    categories: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Read this column as names, even its numbers.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Leave this column out.")] = None,
    min_frequency: Annotated[
        float | None,
        typer.Option(metavar="N", help="Pool names in fewer rows than this number, or than this share of the rows."),
    ] = None,
    unseen: Annotated[
        str | None,
        typer.Option(metavar="error", help="What a name that did not occur in training is: missing, or an error."),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            "--test-share",
            metavar="0.2",
            help="Without --test: the share of a table that is held out to measure on; 0 measures on validation rows.",
        ),
    ] = None,
    luts: Annotated[
        Any,
        typer.Option(
            parser=_widths, metavar="2000,1000", help="LUTs of each layer, from input to output. Gradients only."
        ),
    ] = None,
    max_luts: Annotated[
        int | None, typer.Option("--max-luts", metavar="N", help="The largest number of LUTs. Additive learning only.")
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            "--max-seconds",
            metavar="S",
            help="Start no LUT (additive learning) or step (search) after this many seconds; alu: of each operation.",
        ),
    ] = None,
    rank: Annotated[int | None, typer.Option(metavar="6", help="Inputs of each LUT, 1 to 8.")] = None,
    bits: Annotated[
        int | None, typer.Option(metavar="3", help="Thresholds of each feature; for alu, the width of operands.")
    ] = None,
    lr: Annotated[float | None, typer.Option(metavar="RATE", help="Learning rate. Gradients only.")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Passes over the data. Gradients only.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="S", help="The same seed gives the same circuit.")] = None,
    ops: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="The operations that an alu learns, such as + '*'; twelve by default."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The network for the method dense of alu, such as res_mod.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Continue from this model, by gradients or search; the result is never worse on the validation rows.",
        ),
    ] = None,
    devices: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Processes that train together, one for each GPU, or for cores. Gradients only."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder of the run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in DIR.")] = False,
    allow_new: Annotated[bool, typer.Option("--allow-new", help="Let --resume start a new run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in DIR.")] = False,
    config: ConfigOption = None,  # noqa: ARG001 - its callback reads it
    set_: SetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Train a network of LUTs, turn it into a circuit, check it on the test part, and save it in DIR/model.lut."""
    if task is None:
        if given := [name for name in context.params if _is_given(context, name) and name != "json_output"]:
            option = f"--{given[0].rstrip('_').replace('_', '-')}"
            raise typer.BadParameter(f"there is {option} and no TASK; expected such as digits or table before it")
        deliver(offer, show_offer, json_output)
        return
    if more and not ops:
        raise typer.BadParameter(f"{more[0]!r} follows {task}; expected options: only the names of --ops go on")
    if task == "alu":
        if ops and not any(text.strip(", ") for text in ops):
            raise typer.BadParameter("--ops is empty; expected names of operations, such as + '*'")
        names = [name for text in [*(ops or ()), *(more or ())] for name in text.replace(",", " ").split()]
        _only(context, task, _OF_ALU | _OF_ANY)
        alu_options = {"ops": names or None, "bits": bits, "method": method, "seed": seed, "max_seconds": max_seconds}
        alu_options |= {"model": model, "resume": resume, "overwrite": overwrite}
        learn_alu(out, alu_options, json_output)
        return
    _only(context, task, {name for name in context.params if name not in _OF_ALU})

    def compute() -> dict[str, Any]:
        from lutsmith.runs import default_folder
        from lutsmith.runs import train as run_training
        from lutsmith.runs.requesting import named_task

        named, path = named_task(task, data)
        chosen = {"luts": luts, "lr": lr, "epochs": epochs, "max_luts": max_luts, "max_seconds": max_seconds}
        chosen["start"] = start
        chosen |= {part: given for part, given in fields_of(set_ or ()).items() if given}
        folder = out or default_folder(
            named, preset, seed, method=method, given=chosen, resume=resume, overwrite=overwrite
        )
        values = (header, delimiter, decimal, missing, numbers, categories, drop, min_frequency, unseen)
        return run_training(
            named,
            preset=preset,
            data=path,
            target=target,
            test=test,
            method=method,
            rank=rank,
            bits=bits,
            seed=seed,
            out=folder,
            resume=resume,
            allow_new=allow_new,
            overwrite=overwrite,
            table=table_fields(dict(zip(TABLE_FIELDS, values, strict=True))),
            test_share=test_share,
            devices=devices,
            **chosen,
        ).to_json()

    deliver(compute, _show, json_output)


TABLE_FIELDS = (
    "header", "delimiter", "decimal", "missing", "numbers", "categories", "drop", "min_frequency", "unseen"
)  # fmt: skip
"""Options that say how a table is read, in the order of the command."""


def table_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of `data.TableOptions` from options of the command line; those that were not given are left out."""
    found = {name: given[name] for name in TABLE_FIELDS if given[name] not in (None, [])}
    return {name: value.split(",") if name == "missing" else value for name, value in found.items()}


_OF_ALU = frozenset({"ops", "more", "model"})
"""Options that only arithmetic has."""
_OF_ANY = frozenset(
    {"task", "config", "bits", "method", "seed", "max_seconds", "out", "resume", "overwrite", "json_output"}
)
"""Options of every task that arithmetic has too."""


def _is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option was given, on the command line or in a file of options."""
    source = context.get_parameter_source(name)
    return source is not None and source.name in {"COMMANDLINE", "DEFAULT_MAP"}


def _only(context: typer.Context, task: str, names: Collection[str]) -> None:
    """Refuse an option that was given and is not among those that a task has."""
    for name in context.params:
        if name not in names and _is_given(context, name):
            takers = "alu" if name in _OF_ALU else "other tasks"
            raise typer.BadParameter(f"{task} takes no --{name.replace('_', '-')}, which goes with {takers}")


def _show(result: dict[str, Any], console: Console) -> None:
    reached = f"{result['accuracy']:.2%}"
    if result.get("method") == "additive":
        chose, checked = "how many LUTs are kept", ("checked", _counted(result["checked_rows"]))
    elif result.get("soft_accuracy") is None:
        chose, checked = "the step", ("checked", f"scores as counted on {result['checked_rows']:,} validation rows")
    else:
        reached += f" hardened, {result['soft_accuracy']:.2%} soft,"
        chose, checked = "the epoch", ("lowering", _lowering(result.get("lowering")))
    chosen = f", which chose {chose}" if result["measured_on"] == "validation" else ""
    page = {
        "accuracy": f"{reached} on the {result['measured_on']} rows{chosen}",
        "circuit": _circuit(result),
        checked[0]: checked[1],
        "time": f"{result['train_seconds']:.1f} s training, {result['setup_seconds']:.1f} s setup",
        "model": result["model"],
    }
    facts_page(console, page)


def _counted(rows: int) -> str:
    return f"the circuit's scores equal the counted votes on all {rows:,} training and validation rows"


def _lowering(outcome: str | None) -> str:
    if outcome == "proved":
        return "proved: every table, wire, threshold and the head read back from the circuit"
    return outcome or "not recorded: the run is of an earlier version"


def _circuit(result: dict[str, Any]) -> str:
    comparators, encoder = result.get("comparators"), result.get("encoder_luts")
    counted = "" if comparators is None else f", {comparators:,} comparators"
    own = f" ({encoder:,} of them the encoder's)" if encoder else ""
    return f"{result['luts']:,} LUTs{own}{counted}, {levels(result['depth'])}"
