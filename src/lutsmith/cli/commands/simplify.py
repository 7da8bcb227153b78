"""`lutsmith simplify`: an equal model of fewer LUTs, or a smaller one that is equal on given data only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument, TargetOption, check_output
from lutsmith.cli.output import Page, deliver

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from lutsmith.circuit import Circuit

    Part = tuple[NDArray[Any], NDArray[Any] | None]


def simplify(
    model: ModelArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The model file to write.")],
    level: Annotated[
        int,
        typer.Option(
            "--level",
            help="1: local passes; 2: cones are collapsed too; 3: the order of a feature's thresholds is used too; "
            "4: LUTs are taken apart too.",
        ),
    ] = 2,
    rank: Annotated[
        int, typer.Option("--rank", help="The most inputs of a LUT that a cone is collapsed into, 2 to 6.")
    ] = 6,
    data: Annotated[
        str | None,
        typer.Option(
            "--care", metavar="DATA",
            help="Also choose table entries that no row of DATA reads: a task such as mnist (its training part), the "
            "folder of the model's task, or a file of samples. The result is equal on these rows only.",
        ),
    ] = None,
    target: TargetOption = None,
    json_output: JsonOption = False,
) -> None:  # fmt: skip
    """Write a model with fewer LUTs and the same predictions, and show what each pass did."""
    if target is not None and data is None:
        raise typer.BadParameter("--target names the label column of --care DATA: give both")
    check_output(output, [model])

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load, save
        from lutsmith.circuit.simplify import simplify, simplify_on

        circuit = load(model)
        if data is None:
            done: Any = simplify(circuit, level, rank=rank)
        else:
            (rows, labels), held_out = _data(data, target, circuit)
            done = simplify_on(circuit, rows, labels, level=level, rank=rank, held_out=held_out)
        save(done.circuit, output)
        report = {"model": str(model.resolve()), "output": str(output.resolve()), **done.to_json()}
        return report if json_output else {**report, "page": Page(str(done))}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(result["page"], soft_wrap=True)
    console.print(f"{result['output']} written", soft_wrap=True)


def _data(care: str, target: str | None, circuit: Circuit) -> tuple[Part, tuple[NDArray[Any], NDArray[Any]] | None]:
    """Return the rows to keep equal, with their labels where there are any, and a task's test part.

    Of the table that the model was trained on the rows are those of its training, and the held-out rows the test part.
    """
    from lutsmith.data import TASKS, load, read_samples
    from lutsmith.runs.held_out import measured_rows

    path = Path(care)
    named = care if care in TASKS and not path.exists() else None
    if named is not None or path.is_dir():
        task = named or circuit.metadata.task
        if task is None:
            raise ValueError(f"{care} is a folder and the model does not say which task it was trained on")
        data = load(task, None if named else path, target)
        if not _one_class(circuit) or circuit.score_labels != data.classes:
            return (_flat(data.x_train), None), None
        held_out = None if data.x_test is None or data.y_test is None else (_flat(data.x_test), data.y_test)
        return (_flat(data.x_train), data.y_train), held_out
    label = circuit.metadata.target if target is None else target
    kind = "npz" if path.suffix.lower() == ".npz" else "csv"
    if label is not None and path.name.lower().endswith((".npz", ".csv", ".csv.gz")) and _one_class(circuit):
        found = measured_rows(circuit, kind, path, target)
        return ((found.x, found.y), None) if found.training is None else (found.training, (found.x, found.y))
    return (_flat(read_samples(path, circuit.schema)), None), None


def _one_class(circuit: Circuit) -> bool:
    """Whether it says one class of a sample, which labels tell."""
    from lutsmith.circuit.traits import traits_of

    return circuit.is_classifier and "places" not in traits_of(circuit)


def _flat(samples: NDArray[Any]) -> NDArray[Any]:
    """Return rows (N, F): files may lack the axis of the channel."""
    return samples.reshape(len(samples), -1) if len(samples) else samples
