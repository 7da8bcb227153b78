"""What each aid of training gives a preset: accuracy on validation rows, and time of the processor.

    python -m benchmarks.levers PRESET [--levers NAME[+NAME] ...] [--epochs N] [--seeds 0 1] [--set NAME=VALUE ...]
                                [--data DIR] [--json FILE]

One training after the other, each with one lever more than the preset has (the first with none), or with those that
"+" joins. The test part is not
loaded into any of them: all figures are of the validation rows, of the last epoch, and of the best one in brackets.
"gap" is what hardening costs, soft less hard. Seconds are the processor's, from the first step to the last, validation
included; a teacher's own training is a column by itself. Rows that `--json` holds already are not trained again, so
that a long comparison may be stopped and gone on with.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import lutsmith
from lutsmith.cli.config import fields_of
from lutsmith.ground.atomic import write_atomically
from lutsmith.nn import Architecture
from lutsmith.nn.encoders.edges import PLACEMENTS
from lutsmith.training import Callback, Epoch, Settings, Stage
from lutsmith.training.fitting import Preparation

EDGES: dict[str, Any] = {"num_bits": 2, "step": 8}
LEVERS: dict[str, dict[str, dict[str, Any]]] = {
    "none": {},
    "freeze-wires": {"settings": {"freeze_wires": 0.5}},
    "score-every-2": {"settings": {"score_every": 2}},
    "score-every-4": {"settings": {"score_every": 4}},
    "freeze": {"settings": {"freeze": (0.7,)}},
    "hard-final": {"settings": {"sampling_final": "hard", "sampling_from": 0.8}},
    "resample": {"settings": {"resample": 0.6}},
    "refresh": {"settings": {"refresh": 0.5, "refresh_epochs": "half"}},
    "teacher": {"settings": {"teacher": "cnn"}},
    "average": {"settings": {"weight_average": 0.999}},
    "edges": {"architecture": {"encoder": "image", "encoder_options": {"edges": EDGES}}},
    "edges-of-sum": {"architecture": {"encoder": "image", "encoder_options": {"edges": {**EDGES, "of": "sum"}}}},
    "colour": {"settings": {"brightness": 0.2, "contrast": 0.2, "channel": 0.1}},
}
"""Each lever: the fields of settings and architecture that it sets. "half": every epoch of the first half."""


class Clock(Callback):
    """Seconds of the processor from the first step to the end of the last epoch, and what the last epoch reached."""

    def __init__(self) -> None:
        self.began, self.seconds, self.last, self.epochs = 0.0, 0.0, None, []

    def before_epoch(self, stage: Stage) -> None:
        if stage.epoch == 0 and stage.batch == 0:
            self.began = time.process_time()

    def after_epoch(self, stage: Stage, epoch: Epoch) -> None:  # noqa: ARG002
        self.seconds = time.process_time() - self.began
        if epoch.hard is not None:
            self.epochs.append(epoch)


def changed(preset: Any, lever: str, seed: int, epochs: int | None, given: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the architecture and the settings of a row."""
    architecture = {**preset.architecture, **given["architecture"]}
    placed = architecture.get("encoder", Architecture.encoder)
    settings = {**preset.settings, **given["settings"], "seed": seed, **({} if epochs is None else {"epochs": epochs})}
    for name in lever.split("+"):
        architecture |= LEVERS[name].get("architecture", {})
        settings |= LEVERS[name].get("settings", {})
    if "edges" in architecture.get("encoder_options", {}) and placed in PLACEMENTS:  # thresholds lie where they did
        architecture["encoder_options"] = {"placement": placed, **architecture["encoder_options"]}
    if settings.get("refresh_epochs") == "half":
        settings["refresh_epochs"] = list(range(1, max(1, settings.get("epochs", Settings.epochs) // 2) + 1))
    return Architecture.from_json(architecture), Settings.from_json(settings)


def measured(dataset: Any, architecture: Any, settings: Any) -> dict[str, Any]:
    """Train, and return what the validation rows say."""
    prepared = Preparation.of(dataset, architecture.shared_by(dataset.num_classes), settings)
    clock, began = Clock(), time.process_time()
    fitted = prepared.fit(quiet=True, callbacks=[clock])
    last = clock.epochs[-1]
    return {
        "soft": last.soft,
        "hard": last.hard,
        "best": max(epoch.hard for epoch in clock.epochs),
        "seconds": clock.seconds,
        "before": clock.began - began,
        "luts": fitted.report.luts,
    }


def _names(text: str) -> str:
    """Return names of levers that "+" joins, checked."""
    if unknown := [name for name in text.split("+") if name not in LEVERS]:
        raise argparse.ArgumentTypeError(f"no lever {unknown[0]!r}; there are {', '.join(LEVERS)}")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("--levers", nargs="*", default=list(LEVERS), type=_names, metavar="NAME")
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="as of lutsmith train, of all rows")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    preset = lutsmith.presets.get(arguments.preset)
    assert preset.task is not None, f"{preset.name} has no task of its own"
    assert preset.method == "gradients", f"{preset.name} learns by {preset.method}"
    dataset = lutsmith.data.load(preset.task, None if preset.task == "digits" else arguments.data)
    dataset = replace(dataset, x_test=None, y_test=None)  # nobody looks at these
    given = fields_of(arguments.set)
    kept: dict[str, Any] = {}
    if arguments.json and arguments.json.exists():
        kept = json.loads(arguments.json.read_text())
    table = Table("lever", "hard % (best)", "soft %", "gap", "LUTs", "train s", "teacher s")
    for lever in arguments.levers:
        rows = []
        for seed in arguments.seeds:
            try:
                architecture, settings = changed(preset, lever, seed, arguments.epochs, given)
                key = json.dumps([preset.name, lever, architecture.to_json(), settings.to_json()])
                if key not in kept:
                    kept[key] = measured(dataset, architecture, settings)
                    if arguments.json:
                        write_atomically(arguments.json, (json.dumps(kept, indent=1) + "\n").encode())
            except ValueError as error:  # a lever that this preset has no place for
                table.add_row(lever, "-", "", "", "", "", str(error)[:60])
                print(f"{lever}: {error}", flush=True)
                break
            rows.append(kept[key])
            print(f"{lever}, seed {seed}: {rows[-1]}", flush=True)
        if len(rows) == len(arguments.seeds) > 0:
            mean = {name: statistics.mean(row[name] for row in rows) for name in rows[0]}
            spread = f" ± {100 * statistics.stdev(row['hard'] for row in rows):.2f}" if len(rows) > 1 else ""
            table.add_row(
                lever,
                f"{100 * mean['hard']:.2f}{spread} ({100 * mean['best']:.2f})",
                f"{100 * mean['soft']:.2f}",
                f"{100 * (mean['soft'] - mean['hard']):.2f}",
                f"{mean['luts']:,.0f}",
                f"{mean['seconds']:.1f}",
                f"{mean['before']:.1f}" if "teacher" in lever.split("+") else "",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
