"""`lutsmith eval`: the accuracy of a model file on its task's test data. It needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lutsmith.cli.arguments import DataOption, JsonOption, ModelArgument, TargetOption
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console


def evaluate(
    model: ModelArgument, data: DataOption = None, target: TargetOption = None, json_output: JsonOption = False
) -> None:
    """Measure a model on the test part of the task that it was trained on, or on all rows of a table."""

    def compute() -> dict[str, Any]:
        from lutsmith.runs import evaluate as measure

        return measure(model, data, target=target).to_json()

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(f"accuracy {result['accuracy']:.2%} on {result['samples']:,} samples of {result['task']}")
