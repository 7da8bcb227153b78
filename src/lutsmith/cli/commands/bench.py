"""`lutsmith bench`: how many samples a second a model predicts on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lutsmith.cli.arguments import JsonOption, ModelArgument
from lutsmith.cli.output import deliver

if TYPE_CHECKING:
    from rich.console import Console

_BATCHES = (1, 1_000, 64_000)
_SECONDS = 0.5
"""Time spent on each row of the table, beyond the fewest repetitions."""
_WARM_UP = 100
"""Samples enough for the compiled engine to be loaded before anything is measured."""


def bench(model: ModelArgument, json_output: JsonOption = False) -> None:
    """Measure prediction from raw features, encoding and argmax included: median samples/s by batch and cores."""

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load
        from lutsmith.reporting.speed import measured, random_samples

        circuit = load(model)
        samples = random_samples(circuit, _WARM_UP)
        circuit.predict(samples)
        rows = [
            {
                "batch": found.batch,
                "threads": found.threads,
                "median_seconds": found.seconds,
                "samples_per_second": found.batch / found.seconds,
            }
            for found in measured(circuit, _BATCHES, _SECONDS)
        ]
        return {"model": str(model.resolve()), "dtype": str(samples.dtype), "rows": rows}

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    from rich.table import Table

    table = Table("batch", "threads", "median", "samples/s", title=f"{result['dtype']} samples, random")
    for column in table.columns:
        column.justify = "right"
    for row in result["rows"]:
        seconds = row["median_seconds"]
        table.add_row(
            f"{row['batch']:,}", str(row["threads"]), f"{seconds * 1e3:,.3f} ms", f"{row['samples_per_second']:,.0f}"
        )
    console.print(table)
