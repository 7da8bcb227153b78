"""Verification of presets: every preset of up to 16,000 LUTs, in every format, by all layers that it has.

    python -m benchmarks.verify [PRESET ...] [--models FOLDER] [--formats NAMES] [--timeout S] [--rows N] [--json FILE]

Without `--models` the networks are not trained: the encoder is fitted on the task's data where they are here (else on
random samples of the task's shape), tables and wiring are what training begins with. That is as hard to export as a
trained network. Additive presets are grown on some rows. With `--models`, `FOLDER/<preset>-seed0/model.lut` or
`FOLDER/<task>-<preset>-seed0/model.lut` is taken where it exists. With `--large`, networks of more than 16,000 LUTs are
verified too, in BLIF and AIGER, by read-back and proof.

A table in Markdown goes to stdout, each row as soon as it is there: a cell says how a format is known to be the model.
What failed, or was not decided, is listed below it. Exit code 1: something failed, or a preset raised an error; the
others are verified nevertheless. Ctrl-C ends the run with what there is.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Circuit
from lutsmith.circuit.file import load as load_circuit
from lutsmith.data import DataError, Dataset, load
from lutsmith.hardware import FORMATS, Verification, verify
from lutsmith.hardware.verification.report import summary
from lutsmith.nn import Architecture, build, to_circuit
from lutsmith.presets import Preset, list_presets

MOST_LUTS = 16_000
"""Of a network that is verified in every format."""

LARGE_FORMATS = ("blif", "aiger")
FITTED_ROWS = 2_000
"""Training rows that the encoder is fitted on: thresholds need no more."""


def circuit_of(preset: Preset, models: Path | None) -> tuple[Circuit, Any, str]:
    """Return a preset's circuit, rows to simulate (None: random ones), and where the circuit comes from."""
    test = None
    rng = np.random.default_rng(0)
    try:
        if preset.task in (None, "cifar-10", "images"):
            raise DataError("a row of sizes: its data have no reader here")
        data = load(preset.task)
        x, test = data.x_train, data.x_test
        classes, shape, categorical = data.num_classes, data.input_shape, data.categorical
        chosen = rng.choice(len(x), min(FITTED_ROWS, len(x)), replace=False)
        samples, origin = x[chosen], f"untrained, fitted on {preset.task}"
    except (DataError, OSError):
        shape, classes, categorical = preset.shape or (16,), 10, ()
        samples = np.random.default_rng(0).integers(0, 256, (256, *shape)).astype(np.float32)
        origin = "untrained, fitted on random samples"
    for name in (f"{preset.name}-seed0", f"{preset.task}-{preset.name}-seed0"):
        path = None if models is None else models / name / "model.lut"
        if path is not None and path.exists():
            return load_circuit(path), test, "trained"
    if preset.method == "additive":  # what votes is grown on these rows
        labels = data.y_train[chosen] if origin.endswith(str(preset.task)) else rng.integers(0, classes, len(samples))
        settings = AdditiveSettings.from_json({**preset.settings, "chosen_by": "score", "validation": 0.1, "folds": 0})
        dataset = Dataset(samples, labels, None, None, tuple(range(classes)), preset.name, categorical=categorical)
        grown = AdditiveTrainer(settings).fit(dataset).circuit
        return grown, test, origin.replace("untrained, fitted on", "grown on few rows of")
    architecture = Architecture.from_json(dict(preset.architecture))
    if architecture.head != "output-code" and "num_groups" not in architecture.head_options:
        widths = [*architecture.luts]
        widths[-1] = -(-widths[-1] // classes) * classes
        architecture = Architecture.from_json({**preset.architecture, "luts": widths})
    model = build(architecture, samples, classes, 0, categorical)
    return to_circuit(model.eval(), shape), test, origin


def cell(found: Verification, format_: str) -> str:
    checks = found.of(format_)
    text = summary(checks)
    return f"**{text}**" if any(check.verdict == "failed" for check in checks) else text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", help="names of presets; all of up to 16,000 LUTs by default")
    parser.add_argument("--models", type=Path, help="a folder of trained runs")
    parser.add_argument("--formats", default=",".join(FORMATS), help="names, with commas")
    parser.add_argument("--rows", type=int, default=1000, help="test rows that are simulated; edge rows are added")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for each step")
    parser.add_argument(
        "--large", action="store_true", help="also larger presets, by read-back and proof of BLIF, AIGER"
    )
    parser.add_argument("--json", type=Path, help="write all rows to this file")
    arguments = parser.parse_args()
    presets = {preset.name: preset for preset in list_presets()}
    formats = arguments.formats.split(",")
    for what, given, known in (("preset", arguments.presets, presets), ("format", formats, FORMATS)):
        for name in given:
            if name not in known:
                parser.error(f"no {what} {name!r} is known, expected of {', '.join(known)}")
    names = ["design", *formats]
    print(f"| preset | LUTs | circuit | {' | '.join(names)} | seconds |")
    print(f"| --- | ---: | --- | {' | '.join('---' for _ in names)} | ---: |", flush=True)
    results: dict[str, Any] = {}
    notes = []
    try:
        for name in arguments.presets or presets:
            if sum(presets[name].architecture.get("luts", ())) > MOST_LUTS and not arguments.large:
                continue
            try:
                result, cells, found = verified(presets[name], formats, arguments)
            except Exception as error:
                result = {"ok": False, "error": f"{type(error).__name__}: {error}"}
                print(f"| {name} | | **error** |{' |' * len(names)} |", flush=True)
                notes.append(f"- {name}: {result['error']}")
            else:
                row = [name, f"{result['luts']:,}", result["origin"], *cells, f"{result['seconds']:.0f}"]
                print(f"| {' | '.join(row)} |", flush=True)
                notes += [
                    f"- {name}, {check.format}, {check.layer}, {check.part}: {check.verdict}. {check.reason}"
                    for check in (*found.failures, *found.open)
                ]
            results[name] = result
            if arguments.json is not None:
                arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    except KeyboardInterrupt:
        notes.append("- stopped")
    if notes:
        print("\n" + "\n".join(" ".join(note.split()) for note in notes))
    sys.exit(0 if all(result["ok"] for result in results.values()) and "- stopped" not in notes else 1)


def verified(
    preset: Preset, formats: list[str], arguments: argparse.Namespace
) -> tuple[dict[str, Any], list[str], Verification]:
    """Return what is known of a preset, ready for JSON; its cells; and the verification."""
    circuit, test, origin = circuit_of(preset, arguments.models)
    large = circuit.netlist.num_nodes > MOST_LUTS + 16
    mine = [name for name in formats if not large or name in LARGE_FORMATS]
    rows = None if test is None else test[: arguments.rows]
    began = time.perf_counter()
    found = verify(circuit, mine, rows, timeout=arguments.timeout, report=progress(preset.name))
    seconds = time.perf_counter() - began
    facts = {"luts": circuit.netlist.num_nodes, "origin": origin, "seconds": seconds, **found.to_json()}
    return facts, [cell(found, name) if name in ("design", *mine) else "" for name in ("design", *formats)], found


def progress(name: str) -> Any:
    return lambda check: sys.stderr.write(
        f"{name}: {check.format} {check.layer} {check.part}: {check.verdict} ({check.seconds:.1f} s)\n"
    )


if __name__ == "__main__":
    main()
