"""Every benchmark in turn: `python -m benchmarks`. JSON results go to benchmarks/results/."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    RESULTS.mkdir(exist_ok=True)
    if find_spec("torchlogix") is None:  # without its dependencies: it asks for packages that training does not use
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "torchlogix"], check=True)
    model = Path("runs/benchmark/mnist-4k-seed0/model.lut")
    for name, *arguments in (
        ("kernels",),
        ("engine",),
        ("stages",),
        ("cycles",),
        ("parts",),
        ("alu_data",),
        ("alu_gradient",),
        ("alu_noise",),
        ("alu_proofs",),
        ("alu_sat",),
        ("alu_templates",),
        ("serving",),
        ("server",),
        ("simplify", "--large"),
        ("prove",),
        ("training_step",),
        ("step_parts",),
        ("mixed_precision",),
        ("dense_mapping",),
        ("large_layers",),
        ("convolution",),
        ("lut_neurons",),
        ("augmentation",),
        ("additive",),
        ("read_back",),
        ("accuracy", "--seeds", "0"),
        ("tabular", "--seeds", "0"),
        ("startup", str(model)),
    ):
        command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--json", str(RESULTS / f"{name}.json")]
        sys.stderr.write(f"$ python -m {' '.join(command[2:])}\n")
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
