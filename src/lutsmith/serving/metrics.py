"""Counts of a server, in the text format that Prometheus reads.

https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)


class Histogram:
    """How many values lie at or below each bound, and their sum.

    Args:
        bounds: ascending.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.total = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str, labels: str) -> Iterator[str]:
        """Yield the lines of a histogram."""
        below = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {below}'
        yield f"{name}_sum{{{labels}}} {self.total:.9g}"
        yield f"{name}_count{{{labels}}} {below}"


class ModelMetrics:
    """Counts of one model. `predicted` is called by the model's thread alone, everything else in the event loop.

    Attributes:
        requests: by the status of their answer.
        seconds: from the head of a request to the end of its answer.
        batch_rows: rows that were predicted together.
        reloads: by outcome: "loaded" or "refused".
    """

    def __init__(self) -> None:
        self.requests, self.reloads = Counter[int](), Counter[str]()
        self.seconds, self.batch_rows = Histogram(SECONDS), Histogram(ROWS)
        self._rows = self._batches = 0
        self._predict_seconds = 0.0

    def predicted(self, rows: int, seconds: float) -> None:
        """Count a batch."""
        self._rows, self._batches = self._rows + rows, self._batches + 1
        self._predict_seconds += seconds
        self.batch_rows.add(rows)

    def answered(self, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests[status] += 1
        self.seconds.add(seconds)

    def families(self, name: str, version: str, waiting: int, failed: bool) -> dict[str, list[str]]:
        """Return the lines of each family, by its name."""
        label = f'model="{name}"'
        return {
            "lutsmith_requests_total": [
                f'lutsmith_requests_total{{{label},status="{status}"}} {count}'
                for status, count in sorted(self.requests.items())
            ],
            "lutsmith_request_seconds": list(self.seconds.lines("lutsmith_request_seconds", label)),
            "lutsmith_rows_total": [f"lutsmith_rows_total{{{label}}} {self._rows}"],
            "lutsmith_batches_total": [f"lutsmith_batches_total{{{label}}} {self._batches}"],
            "lutsmith_batch_rows": list(self.batch_rows.lines("lutsmith_batch_rows", label)),
            "lutsmith_predict_seconds_total": [
                f"lutsmith_predict_seconds_total{{{label}}} {self._predict_seconds:.9g}"
            ],
            "lutsmith_waiting_rows": [f"lutsmith_waiting_rows{{{label}}} {waiting}"],
            "lutsmith_reloads_total": [
                f'lutsmith_reloads_total{{{label},outcome="{outcome}"}} {self.reloads[outcome]}'
                for outcome in ("loaded", "refused")
            ],
            "lutsmith_model_stale": [f"lutsmith_model_stale{{{label}}} {int(failed)}"],
            "lutsmith_model_info": [f'lutsmith_model_info{{{label},version="{version}"}} 1'],
        }


_FAMILIES = {
    "lutsmith_requests_total": ("counter", "Requests for predictions, by the status of their answer."),
    "lutsmith_request_seconds": ("histogram", "Seconds from the head of a request to the end of its answer."),
    "lutsmith_rows_total": ("counter", "Rows predicted."),
    "lutsmith_batches_total": ("counter", "Batches predicted: requests that came together are one."),
    "lutsmith_batch_rows": ("histogram", "Rows of a batch."),
    "lutsmith_predict_seconds_total": ("counter", "Seconds spent on prediction."),
    "lutsmith_waiting_rows": ("gauge", "Rows that wait for an answer."),
    "lutsmith_reloads_total": ("counter", "New files of a model, taken or refused."),
    "lutsmith_model_stale": ("gauge", "1 where the model's file cannot be loaded and an earlier one answers."),
    "lutsmith_model_info": ("gauge", "The sha256 of the model's file."),
}


def exposition(models: list[dict[str, list[str]]]) -> str:
    """Return the families of all models as the text that Prometheus reads."""
    lines: list[str] = []
    for family, (kind, help_text) in _FAMILIES.items():
        lines += [f"# HELP {family} {help_text}", f"# TYPE {family} {kind}"]
        lines += [line for model in models for line in model[family]]
    return "\n".join(lines) + "\n"
