"""Dense models and flat networks of LUTs on ALU_Net's task: exact answers by operation, beside what it published.

    python -m benchmarks.alu_dense [--model NAME ...] [--minutes 30] [--steps N] [--units N] [--layers N] [--stacks N]
        [--option NAME=VALUE ...] [--ops + '*' ...] [--bits 15] [--points 10000] [--out DIR] [--json FILE]

Each model is trained on an endless stream of examples, drawn as ALU_Net draws them, with its loss and batches of 2,048,
for so many minutes or steps, whichever ends first, and measured on points of the test part. Shares are in percent:
exact answers, right bits, what one constant answer gets, and ALU_Net's stored result (82.7 of its 1,000 points). Of
networks of LUTs, exact answers before and after hardening. With `--out`, a run that was stopped goes on.

The residual network of six layers of 512:

    python -m benchmarks.alu_dense --minutes 30 --model res_mod --units 512 --layers 6 --stacks 1 --threads 2
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lutsmith.alu.dense import MODELS, describe_device, train_dense
from lutsmith.data.alu import OPERATIONS

SIZES = ("units", "layers", "stacks")


def option(text: str) -> tuple[str, Any]:
    """Return the name and the value, JSON or else a text, of `NAME=VALUE`."""
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=list(MODELS), default=["res_mod"], metavar="NAME")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int)
    for size in SIZES:
        parser.add_argument(f"--{size}", type=int)
    parser.add_argument("--option", type=option, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--ops", nargs="+", choices=list(OPERATIONS), metavar="OP")
    parser.add_argument("--bits", type=int, default=15)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--loss", choices=("mse", "bce"))
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="32-true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--adaptive", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    seconds = None if given.minutes is None else 60 * given.minutes
    print(describe_device(given.device))
    reports = []
    for name in given.model:
        sizes = {size: getattr(given, size) for size in SIZES if getattr(given, size) is not None}
        report = train_dense(
            given.ops, given.bits, name,
            options={key: value for key, value in (sizes | dict(given.option)).items() if key in MODELS[name].options},
            seconds=seconds, steps=given.steps, resume=bool(given.out),
            out=None if given.out is None else given.out / name,
            lr=given.lr, loss=given.loss, precision=given.precision, device=given.device, torch_threads=given.threads,
            seed=given.seed, adaptive=given.adaptive, points=given.points,
        )  # fmt: skip
        reports.append(report.to_json())
        print(f"\n{name} {dict(report.options)}: {report.parameters:,} parameters, {report.samples:,} samples in "
              f"{report.steps:,} steps, {report.seconds:.0f} s")  # fmt: skip
        print(report.table())
        if report.circuit is not None:
            print(
                f"circuit: {report.circuit.netlist.num_nodes:,} LUTs, depth {report.circuit.depth}, {report.lowering}"
            )
    if given.json is not None:
        given.json.write_text(json.dumps(reports, indent=2) + "\n")


if __name__ == "__main__":
    main()
