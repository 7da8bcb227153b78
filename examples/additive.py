"""Additive learning from data to hardware: digits, without PyTorch, in seconds.

    python examples/additive.py [--task mnist] [--luts 600]

Grows a network of LUTs that vote, shows how its accuracy rises with the LUTs, fits every LUT anew once, saves the
circuit, checks that the file says what training counted, and writes it as Verilog and as a C library's source.
LUTSMITH_DATA names the folder that holds MNIST; digits need none.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import lutsmith
from lutsmith.additive import AdditiveSettings, AdditiveTrainer, Growth
from lutsmith.data import load


def show(step: Growth) -> None:
    """A line for every tenth of the network, and for each sweep."""
    if step.stage != "growing" or step.luts * 10 // step.total != (step.luts - 1) * 10 // step.total:
        print(f"{step.stage:8} {step.luts:5} LUTs, loss {step.loss:.4f}, validation {step.validation:.2%}")


def main() -> None:
    """Grow, refit, save, read back, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--luts", type=int, default=600)
    arguments = parser.parse_args()
    data = load(arguments.task)
    settings = AdditiveSettings(max_luts=arguments.luts, tau=4.0, exchanges=6, sweeps=1)
    _, circuit, report = AdditiveTrainer(settings).fit(data, watch=show)
    print(f"{report.score:.2%} of the {report.measured_on} rows with {report.luts} LUTs, depth {report.depth}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.lut"
        lutsmith.save(circuit, path)
        again = lutsmith.load(path)
        assert data.x_test is not None
        assert np.array_equal(again.predict(data.x_test), circuit.predict(data.x_test))
        print(f"{path.name}: {path.stat().st_size:,} bytes, predicts the same")
        print(f"Verilog: {len(lutsmith.export.to_verilog(circuit)):,} characters")
        print(f"C: {len(lutsmith.export.to_c(circuit)):,} characters, one header")


if __name__ == "__main__":
    main()
