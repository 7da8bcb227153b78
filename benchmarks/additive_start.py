"""Networks that were grown, trained further by gradients: what the two reach together.

    python -m benchmarks.additive_start [PRESET ...] [--seeds 0 1 2] [--epochs N] [--data DIR] [--json FILE]

For each preset and seed a network is grown; then its tables and wires are trained by gradients, each wire among 8
candidates near it (`nn.from_circuit`), on images shifted by up to a pixel. The validation rows of both are the same,
and choose the epoch; epoch 0 is the network that was grown. Accuracies are those of the circuits on the official test
part. Data come from `--data` or `LUTSMITH_DATA`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path

import lutsmith
from lutsmith.nn import Architecture
from lutsmith.training import Settings, fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", default=["additive-mnist-1k", "additive-mnist-2k"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--held-out", action="store_true", help="measure on validation rows, not on the test part")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = {row.name: row for row in lutsmith.list_presets()}
    found = []
    for name in arguments.presets:
        task = rows[name].task
        assert task is not None
        data = lutsmith.data.load(task, arguments.data)
        if arguments.held_out:
            data = replace(data, x_test=None, y_test=None)
        for seed in arguments.seeds:
            share = 0.0 if arguments.held_out else None
            grown = lutsmith.train(data, preset=name, seed=seed, test_share=share, quiet=True)
            told = grown.circuit.metadata.training.settings
            architecture = Architecture(
                connections="learnable", num_candidates=8, init_method="local", connection_options={"window": 5},
                tau=told["tau"],
            )  # fmt: skip
            settings = Settings(
                epochs=arguments.epochs, lr=arguments.lr, shift=1, seed=seed, validation=told["validation"]
            )
            tuned = fit(data, architecture, settings, start=grown.circuit, quiet=True).report
            found.append(
                {"preset": name, "seed": seed, "luts": tuned.luts, "grown": grown.accuracy, "tuned": tuned.accuracy,
                 "growing s": grown.train_seconds, "tuning s": tuned.train_seconds, "epoch": tuned.best_epoch}
            )  # fmt: skip
            print(json.dumps(found[-1]), flush=True)
        mine = [run for run in found if run["preset"] == name]
        print(f"{name}: grown {100 * statistics.mean(run['grown'] for run in mine):.2f} %, "
              f"tuned {100 * statistics.mean(run['tuned'] for run in mine):.2f} %", flush=True)  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
