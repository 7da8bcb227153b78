"""One training step of convolutional networks in several forms: time, time of the processor, and peak memory.

    python -m benchmarks.convolution [--rows NAME ...] [--forms NAME ...] [--threads 1] [--steps 5] [--json FILE]

Forms: `fused` has `PooledConv`; `recompute` too, with layers computed anew in the backward pass; `apart` has a
`LogicConv2d` and an `OrPool2d`; `unfold` gathers all windows by torch's `unfold` and gives them to a `LogicDense`
(kernels of one LUT only); `torchlogix` has its `LogicConv2d` and `OrPooling2d`, eagerly (trees of gates only), and
`compiled` the same through `torch.compile`, which wants a C++ compiler and, the first time, minutes. What it compiled
for a number of threads is kept in torch's cache: run it once by itself with `--steps 1` before all forms are measured.

All forms read random bits, 128 images at a time, and make forward, cross entropy, backward and Adam. Each runs in a
process of its own; the memory is the peak (VmHWM) above that before the first step, when all is imported and built, and
a step of a network of a few LUTs has loaded what code there is to load.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks.large_layers import peak_megabytes
from lutsmith.kernels import threads
from lutsmith.nn import GroupSum, LogicConv2d, LogicDense, OrPool2d, PooledConv

BATCH, CLASSES = 128, 10
FORMS = ("fused", "recompute", "apart", "unfold", "torchlogix", "compiled")
THEIRS = ("torchlogix", "compiled")


class Row(NamedTuple):
    """Blocks of a kernel layer and a 2 x 2 OR pool, then dense layers, then a group sum."""

    image: int
    channels: int
    blocks: tuple[tuple[int, int, int, int], ...]  # kernels, window, padding of the kernels, padding of the pool
    dense: tuple[int, ...]
    rank: int
    depth: int = 1
    parametrization: str = "light"


ROWS = {
    "lut4": Row(32, 9, ((64, 3, 1, 0), (256, 3, 1, 0), (1024, 3, 1, 0)), (5000,), 4),
    "lut6": Row(32, 9, ((32, 3, 1, 0), (128, 3, 1, 0), (512, 3, 1, 0)), (5000,), 6),
    "cifar-s": Row(  # torchlogix's ClgnCifar10Small
        32, 9, ((32, 3, 1, 0), (128, 3, 1, 0), (512, 3, 1, 0), (1024, 3, 1, 0)), (40_960, 20_480, 10_240), 2, 3, "raw"
    ),
    "mnist-s": Row(  # torchlogix's ClgnMnistSmall
        28, 1, ((16, 5, 0, 0), (48, 3, 0, 1), (144, 3, 0, 1)), (20_480, 10_240, 5120), 2, 3, "raw"
    ),
}  # fmt: skip


class Unfolded(nn.Module):
    """The windows of all places as samples of a dense layer."""

    def __init__(self, conv: LogicConv2d) -> None:
        super().__init__()
        self.sliding = conv.sliding
        indices = conv.connections.inputs()
        inputs = conv.channels * conv.sliding.taps
        self.dense = LogicDense(inputs, conv.num_kernels, conv.lut_rank, indices=indices)

    def forward(self, x: Tensor) -> Tensor:
        out = self.sliding.out_shape(x.shape[2:])
        windows = nn.functional.unfold(x, self.sliding.window, padding=self.sliding.padding)
        return self.dense(windows.transpose(1, 2)).transpose(1, 2).reshape(len(x), -1, *out)


def ours(row: Row, form: str) -> nn.Sequential:
    """The network in a form of our own."""
    generator = torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    image, channels = row.image, row.channels
    options: Any = {"lut_rank": row.rank, "parametrization": row.parametrization, "generator": generator}
    more = {"recompute": form == "recompute"}
    for kernels, window, padding, around in row.blocks:
        conv = LogicConv2d(image, channels, kernels, row.depth, window, 1, padding, **more, **options)
        pool = OrPool2d(2, 2, around)
        if form == "unfold":
            layers += [Unfolded(conv), nn.MaxPool2d(2, 2, around)]
        else:
            layers += [conv, pool] if form == "apart" else [PooledConv(conv, pool)]
        image, channels = pool.out_shape(conv.out_shape((image, image))[1:])[0], kernels
    width = channels * image * image
    layers.append(nn.Flatten())
    for luts in row.dense:
        layers.append(LogicDense(width, luts, **options))
        width = luts
    return nn.Sequential(*layers, GroupSum(CLASSES, tau=20.0))


def theirs(row: Row) -> nn.Sequential:
    """The network of torchlogix's layers."""
    if sys.version_info < (3, 12):
        stand_in = types.ModuleType("torchlogix.circuit")
        stand_in.Circuit = None  # type: ignore[attr-defined]
        sys.modules["torchlogix.circuit"] = stand_in
    from torchlogix import layers as torchlogix

    layers: list[nn.Module] = []
    image, channels = row.image, row.channels
    options: Any = {"lut_rank": row.rank, "parametrization": row.parametrization, "device": "cpu"}
    for number, (kernels, window, padding, around) in enumerate(row.blocks):
        group = {"channel_group_size": 2 if number else 1} if channels > 1 else {}
        conv = torchlogix.LogicConv2d(
            image, channels, kernels, row.depth, window, 1, padding, connections_kwargs=group, **options
        )
        layers += [conv, torchlogix.OrPooling2d(kernel_size=2, stride=2, padding=around)]
        image, channels = (image + 2 * padding - window + 1 + 2 * around) // 2, kernels
    width = channels * image * image
    layers.append(nn.Flatten())
    for luts in row.dense:
        layers.append(torchlogix.LogicDense(width, luts, **options))
        width = luts
    return nn.Sequential(*layers, torchlogix.GroupSum(CLASSES, tau=20.0))


def prepared(row: Row, form: str, batch: int) -> Callable[[], None]:
    """A network and a batch, and what makes a step of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = (theirs(row) if form in THEIRS else ours(row, form)).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    if form == "compiled":
        model.compile()
    x = torch.randint(0, 2, (batch, row.channels, row.image, row.image)).float()
    if form in ("fused", "recompute", "apart"):  # as our encoders leave it
        x = x.flatten(1).t().contiguous().t().view(x.shape)
    y = torch.randint(0, CLASSES, (batch,))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def measure(name: str, form: str, count: int, steps: int) -> dict[str, Any]:
    """Time and memory of a step in this process."""
    torch.set_num_threads(count if form in (*THEIRS, "unfold") else 1)
    threads.set_num_threads(count)
    torch.manual_seed(0)
    row = ROWS[name]
    small = row._replace(blocks=tuple((4, *block[1:]) for block in row.blocks), dense=(4 * CLASSES,) * len(row.dense))
    prepared(small, "torchlogix" if form == "compiled" else form, 2)()
    step = prepared(row, form, BATCH)
    before, times, processor = peak_megabytes(), [], []
    for _ in range(steps + 1):
        start, used = time.perf_counter(), time.process_time()
        step()
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return {
        "row": name,
        "form": form,
        "threads": count,
        "milliseconds": 1e3 * statistics.median(times[1:]),
        "processor_milliseconds": 1e3 * statistics.median(processor[1:]),
        "megabytes": peak_megabytes() - before,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", action="store_true", help="one row and form in this process, as JSON")
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.rows[0], arguments.forms[0], arguments.threads, arguments.steps)))
        return
    results = []
    for name in arguments.rows:
        for form in arguments.forms:
            if form in (("unfold",) if ROWS[name].depth > 1 else ("recompute", *THEIRS)):
                continue
            if form == "compiled" and shutil.which(os.environ.get("CXX", "g++")) is None:
                print(f"{name:8} {form:10} not run: torch.compile wants a C++ compiler, and there is no g++ here")
                continue
            options = ["--rows", name, "--forms", form, "--threads", arguments.threads, "--steps", arguments.steps]
            command = [sys.executable, "-m", "benchmarks.convolution", "--here", *map(str, options)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            results.append(found)
            print(
                f"{name:8} {form:10} {found['milliseconds']:8.1f} ms a step, processor "
                f"{found['processor_milliseconds']:8.1f} ms, {found['megabytes']:6.0f} MB",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
