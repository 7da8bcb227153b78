"""`lutsmith sweep`: many runs of one task over a space of settings; the best one is kept."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.commands.train import TABLE_FIELDS, table_fields, train
from lutsmith.cli.config import fields_of
from lutsmith.cli.output import deliver, facts_page

if TYPE_CHECKING:
    from rich.console import Console

OF_TRAIN = (
    *("preset", "method", "data", "target", "test", *TABLE_FIELDS, "test_share"),
    *("luts", "max_luts", "max_seconds", "rank", "bits", "lr", "epochs", "start"),
)
"""Options of `train` that say what is the same in all runs, as arguments of `lutsmith.sweep`."""
SHOWN = 20
"""Combinations that are shown."""


def _whole_numbers(text: str) -> tuple[int, ...]:
    """Return seeds from a list such as `0,1,2`."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise typer.BadParameter(f"{text!r} is not a list of seeds; expected such as 0,1,2")
    return tuple(map(int, parts))


def sweep(
    task: Annotated[str, typer.Argument(metavar="TASK", help="As `lutsmith train` takes it.")],
    space: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A TOML file: [space] with a list or a range for each setting, [fixed], and seeds."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the sweep; the same command goes on in it.")],
    engine: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="optuna (by default), or ray: all cores or a cluster, with ASHA."),
    ] = None,
    grid: Annotated[
        bool | None,
        typer.Option(
            "--grid/--no-grid", help="Train each combination once; by default, if all are lists.", show_default=False
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(metavar="N", help="Combinations to train; 20 by default.")] = None,
    seeds: Annotated[
        Any, typer.Option(parser=_whole_numbers, metavar="0,1,2", help="In place of the seeds of the space.")
    ] = None,
    prune: Annotated[
        bool | None,
        typer.Option("--prune/--no-prune", help="Give up what is worse than others on the way.", show_default=False),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="S", help="Of the choice of combinations, and of the rows held out.")
    ] = 0,
    cores_per_trial: Annotated[
        float | None,
        typer.Option("--cores-per-trial", metavar="C", help="Threads of a run; with ray also such as 0.5."),
    ] = None,
    all_cores: Annotated[
        int | None, typer.Option("--all-cores", metavar="N", help="With ray: the cores to use; all by default.")
    ] = None,
    **options: Any,
) -> None:
    """Train combinations of settings with several seeds, compare them on validation rows, and keep the best circuit.

    Options of `lutsmith train` are the same for all runs.
    """

    def compute() -> dict[str, Any]:
        from lutsmith.sweeps import sweep as run_sweep

        given = {name: options[name] for name in OF_TRAIN if name not in TABLE_FIELDS and options[name] is not None}
        given |= {part: fields for part, fields in fields_of(options["set_"] or ()).items() if fields}
        if table := table_fields(options):
            given["table"] = table
        return run_sweep(
            task,
            space=space,
            out=out,
            engine=engine,
            grid=grid,
            trials=trials,
            seeds=seeds,
            prune=prune,
            seed=seed,
            cores_per_trial=cores_per_trial,
            all_cores=all_cores,
            **given,
        ).to_json()

    found = deliver(compute, _show, options["json_output"])
    if found["complete"] and found["best"] is None:
        raise typer.Exit(1)


def _with_options_of_train() -> None:
    """Let the command line see those options of `train` that sweeps have too, as they are there."""
    known = inspect.signature(train, eval_str=True).parameters
    own = [each for each in inspect.signature(sweep, eval_str=True).parameters.values() if each.name != "options"]
    taken = [known[name] for name in (*OF_TRAIN, "config", "set_", "json_output")]
    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own, *taken)]
    sweep.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    sweep.__annotations__ = {each.name: each.annotation for each in keywords} | {"return": None}


_with_options_of_train()


def _show(result: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    from lutsmith.sweeps.job import shown, value_shown

    settings, best = result["settings"], result["best"]
    names = list(settings[0]["settings"]) if settings else []
    table = Table(*names, "state", "seeds", "validation", "LUTs", "seconds", title="Combinations, the best first")
    for column in table.columns[len(names) + 1 :]:
        column.justify, column.no_wrap = "right", True
    for one in settings[:SHOWN]:
        values = [value_shown(one["settings"][name]) for name in names]
        spread = "" if one["spread"] is None else f" ± {100 * one['spread']:.2f}"
        score = "-" if one["validation"] is None else f"{100 * one['validation']:.2f}{spread} %"
        luts = "-" if one["luts"] is None else f"{one['luts']:,.0f}"
        seconds = "-" if one["seconds"] is None else f"{one['seconds']:,.1f}"
        table.add_row(*values, one["state"], str(one["seeds"]), score, luts, seconds)
    console.print(table)
    if len(settings) > SHOWN:
        console.print(f"{len(settings) - SHOWN} more are in table.csv")
    failed = [one for one in settings if one["error"]]
    for one in failed[:SHOWN]:
        console.print(f"failed: {shown(one['settings'])}: {one['error']}", soft_wrap=True)
    page = {}
    if best is not None:
        page["best"] = ", ".join(f"{name}={value}" for name, value in best["settings"].items())
        page["validation"] = f"{best['validation']:.2%}, seed {best['seed']}"
        if best["score"] is not None:
            page[best["measured_on"]] = f"{best['score']:.2%}, by which nothing was chosen"
        page["circuit"] = f"{best['luts']:,} LUTs"
        page["model"] = best["model"]
    if not result["complete"]:
        page["not done"] = "combinations are at work in other processes, or were stopped: the same command goes on"
    page["folder"] = f"{result['folder']}: table.csv, table.jsonl, report.html"
    facts_page(console, page)
