"""`lutsmith pivotal`: which nodes and inputs of a model matter, and how often a flip changes the answer. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import (
    DataOption,
    DelimiterOption,
    HeaderOption,
    JsonOption,
    ModelArgument,
    TargetOption,
)
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 10


def pivotal(
    model: ModelArgument,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="The task with the training rows; by default that of the model.")
    ] = None,
    data: DataOption = None,
    target: TargetOption = None,
    header: HeaderOption = None,
    delimiter: DelimiterOption = None,
    rows: Annotated[int, typer.Option(metavar="N", help="The number of training rows to use.")] = 1000,
    json_output: JsonOption = False,
) -> None:
    """Count on how many training rows inverting each node and input bit changes an output bit, and the answer.

    The page has the levels, and the nodes and features that matter most; --json has every node, bit and feature.
    """

    def compute() -> dict[str, Any]:
        from lutsmith.runs.pivotal import pivotal as count

        return count(
            model, task=task, data=data, target=target, header=header, delimiter=delimiter, rows=rows
        ).to_json()

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    import numpy as np
    from rich.table import Table

    rows, levels = result["rows"], np.array(result["levels"], np.int64)
    outputs, answers = np.array(result["node_outputs"]), np.array(result["node_answers"])
    classes = bool((answers >= 0).all()) and answers.size > 0
    console.print(f"on {rows:,} training rows, one inversion at a time", soft_wrap=True)
    table = Table("level", "nodes", "change an output", *(["change the answer"] if classes else []), "never matter")
    for level in range(levels.max(initial=-1) + 1):
        own = levels == level
        shares = [f"{outputs[own].mean() / rows:.2%}", *([f"{answers[own].mean() / rows:.2%}"] if classes else [])]
        table.add_row(str(level + 1), f"{own.sum():,}", *shares, f"{(outputs[own] == 0).sum():,}")
    console.print(table)
    counts = answers if classes else outputs
    order = np.argsort(-counts, kind="stable")[:SHOWN]
    console.print(
        "nodes that matter most: " + _listed([(f"{node}", counts[node] / rows) for node in order]), soft_wrap=True
    )
    features = np.array(result["feature_counts"])
    order = np.argsort(-features.reshape(-1), kind="stable")[:SHOWN]
    shown = [(str(tuple(map(int, np.unravel_index(place, features.shape)))), features.reshape(-1)[place] / rows)
             for place in order]  # fmt: skip
    console.print("features that matter most: " + _listed(shown), soft_wrap=True)
    console.print(f"features that never matter: {(features == 0).sum():,} of {features.size:,}")


def _listed(found: list[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in found) or "none"
