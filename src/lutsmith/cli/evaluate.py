"""`lutsmith eval`: the accuracy of a model file on its task's test data. It needs no torch."""

from __future__ import annotations

import time
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
        from lutsmith.circuit.file import load
        from lutsmith.data import load_test

        circuit = load(model)
        facts = circuit.facts
        task = facts.get("task")
        if not isinstance(task, str) or circuit.classes is None:
            raise ValueError(f"{model} does not say which task it was trained on; predict and compare instead")
        path = facts.get("data") if data is None else data
        column = facts.get("target") if target is None else target
        x, y = load_test(task, circuit.classes, path, column, facts.get("feature_names"))
        start = time.perf_counter()
        correct = int((circuit.predict(x) == y).sum())
        seconds = time.perf_counter() - start
        return {
            "model": str(model.resolve()),
            "task": task,
            "samples": len(y),
            "correct": correct,
            "accuracy": correct / len(y),
            "predict_seconds": seconds,
        }

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    console.print(
        f"accuracy {result['accuracy']:.2%} on {result['samples']:,} samples of {result['task']} "
        f"({result['correct']:,} right, {result['predict_seconds']:.3f} s)"
    )
