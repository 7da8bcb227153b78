"""Layers whose neurons add up LUTs: one training step against plain PyTorch, and the model of DeepLUT's README.

    python -m benchmarks.lut_neurons [--ranks 2 4 6] [--rounds N] [--threads N] [--json FILE]
    python -m benchmarks.lut_neurons --readme --data DATA [--passes 20] [--json FILE]
    python -m benchmarks.lut_neurons --circuit [--json FILE]

A step is forward, mean squared error, backward for tables and inputs, and Adam, of a layer 256 to 256 with a LUT for
each weight (65,536 LUTs), on 128 samples. The plain form is the same maths in plain PyTorch: an address for each LUT
and sample, one gather, and table differences backward. Both take turns, so that what disturbs one disturbs the other.
DeepLUT's own times (2.1 s, 19 s and 16.8 GiB, and not enough memory) are of its code on two other, idle cores.

`--circuit` lowers a binary network 784-256-256-256-256-10 with random weights, and proves its circuit.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from lutsmith.data import load
from lutsmith.deeplut.mask.MaskExpanded import MaskExpanded
from lutsmith.deeplut.nn.Linear import Linear as dLinear
from lutsmith.deeplut.optim.OptimWrapper import OptimWrapper as dOptimWrapper
from lutsmith.deeplut.trainer.LagrangeTrainer import LagrangeTrainer
from lutsmith.kernels import threads
from lutsmith.nn import prove_lowering, to_circuit
from lutsmith.nn.neurons import BinarizeSign, BinaryLinear, LUTLinear

FEATURES, BATCH = 256, 128
BATCH_README = 100
DEEPLUT = {2: 2.11, 4: 19.0}
"""Seconds of a step of DeepLUT, by k."""


class Gather(torch.autograd.Function):
    """Sums of LUTs by address and gather: what one writes without kernels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, mask: Tensor, outputs: int) -> Tensor:
        k = mask.shape[1]
        bits = (x > 0)[:, mask.t().reshape(-1)].view(len(x), k, -1)
        address = (bits * (1 << torch.arange(k)).view(k, 1)).sum(1)
        flat = address + torch.arange(len(mask)) * weight.shape[1]
        ctx.save_for_backward(weight, mask, flat)
        ctx.outputs, ctx.features = outputs, x.shape[1]
        return weight.sign().view(-1)[flat].view(len(x), outputs, -1).sum(-1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        weight, mask, flat = ctx.saved_tensors
        each = grad.unsqueeze(2).expand(-1, -1, len(mask) // ctx.outputs).reshape(len(grad), -1)
        dw = torch.zeros_like(weight).view(-1).index_add_(0, flat.view(-1), each.reshape(-1)).view_as(weight)
        signs, dx = weight.sign().view(-1), torch.zeros(len(grad), ctx.features)
        for slot in range(mask.shape[1]):
            bit = 1 << slot
            slope = (signs[flat | bit] - signs[flat & ~bit]) / 2 * each
            dx.index_add_(1, mask[:, slot], slope)
        return dx, dw * (weight.abs() <= 1), None, None


class Plain(nn.Module):
    """A layer with the tables and the mask of another, by `Gather`."""

    def __init__(self, layer: LUTLinear) -> None:
        super().__init__()
        self.weight, self.mask = nn.Parameter(layer.weight.detach().clone()), layer.mask.view(-1, layer.rank).long()

    def forward(self, x: Tensor) -> Tensor:
        return Gather.apply(x, self.weight, self.mask, FEATURES)  # type: ignore[no-untyped-call,no-any-return]


def stepper(model: nn.Module) -> Callable[[], None]:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(BATCH, FEATURES, generator=generator).requires_grad_()
    y = torch.randn(BATCH, FEATURES, generator=generator)

    def step() -> None:
        optimizer.zero_grad()
        x.grad = None
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()

    return step


def layers(rank: int) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    ours = LUTLinear(FEATURES, FEATURES, rank, bias=False, scale="none")
    like = dLinear(FEATURES, FEATURES, rank, 1, True, LagrangeTrainer, MaskExpanded, bias=False)
    return {"LUTLinear": ours, "deeplut.Linear": like, "plain PyTorch": Plain(ours)}


def check(models: dict[str, nn.Module]) -> None:
    """The plain form is the same maths: the same outputs, the same gradients."""
    x, found = torch.randn(BATCH, FEATURES), []
    for name in ("LUTLinear", "plain PyTorch"):
        own = x.clone().requires_grad_()
        out = models[name](own)
        found.append((out, *torch.autograd.grad(out, (own, models[name].weight), torch.ones_like(out))))
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-3)


def steps(ranks: list[int], rounds: int) -> list[dict[str, Any]]:
    found = []
    for rank in ranks:
        models = layers(rank)
        check(models)
        calls = {name: stepper(model) for name, model in models.items()}
        walls: dict[str, list[float]] = {name: [] for name in calls}
        cores: dict[str, list[float]] = {name: [] for name in calls}
        for turn in range(rounds + 1):
            for name, call in calls.items():
                for _ in range(1 if name == "plain PyTorch" else 5):
                    wall, core = time.perf_counter(), time.process_time()
                    call()
                    if turn:
                        walls[name].append(time.perf_counter() - wall)
                        cores[name].append(time.process_time() - core)
        plain = statistics.median(walls["plain PyTorch"]), statistics.median(cores["plain PyTorch"])
        for name in calls:
            wall, core = statistics.median(walls[name]), statistics.median(cores[name])
            row: dict[str, Any] = {"layer": name, "rank": rank, "seconds": wall, "cpu_seconds": core}
            row |= {"plain": plain[0] / wall, "plain_cpu": plain[1] / core}
            row["deeplut"] = DEEPLUT[rank] / wall if rank in DEEPLUT else None
            found.append(row)
    return found


def memory(rank: int) -> float:
    """Most GiB of this process after some steps of our own layer alone."""
    step = stepper(layers(rank)["LUTLinear"])
    for _ in range(3):
        step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


class LFC(nn.Module):
    """The model of DeepLUT's README, completed by what it lacks: `nn.` before its first layer, and a `forward`."""

    def __init__(self, k: int, input_expanded: bool, mask_builder_type: Any, device: Any) -> None:
        super().__init__()
        options: dict[str, Any] = {
            "k": k,
            "binary_calculations": True,
            "input_expanded": input_expanded,
            "trainer_type": LagrangeTrainer,
            "mask_builder_type": mask_builder_type,
            "bias": False,
            "device": device,
        }
        hidden: list[nn.Module] = []
        for _ in range(3):
            hidden += [dLinear(256, 256, **options), nn.BatchNorm1d(256), nn.ReLU()]
        first = nn.Flatten(), nn.Linear(784, 256), nn.BatchNorm1d(256), nn.ReLU()
        self.layers = nn.Sequential(*first, *hidden, dLinear(256, 10, **options), nn.BatchNorm1d(10))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(x)
        return found


def readme(data: Path, passes: int, seed: int = 0) -> dict[str, Any]:
    """Train the README's model on MNIST for some passes, on digits that are moved by up to one pixel and at rates that
    fall to 0, three times as high for tables as for all else (chosen on validation rows, as the size of batches was);
    take the statistics of its batch norms anew, from all training rows as they are; measure it once.
    """
    torch.manual_seed(seed)
    dataset = load("mnist", data)
    train, test = (
        (torch.from_numpy(x).float() / 127.5 - 1, torch.from_numpy(y).long())
        for x, y in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test))
    )
    model = LFC(k=2, input_expanded=True, mask_builder_type=MaskExpanded, device=None)
    tables = [each for each in model.parameters() if each.ndim == 2 and each.shape[1] == 4]
    others = [each for each in model.parameters() if not any(each is table for table in tables)]
    rates = 0.03, 0.01
    adam = torch.optim.Adam([{"params": tables}, {"params": others}], fused=True)
    optimizer = dOptimWrapper(adam, BinaryOptim=True)
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(passes):
        batches = torch.randperm(len(train[0])).split(BATCH_README)
        for place, rows in enumerate(batches):
            left = 1 - (number + place / len(batches)) / passes
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * left
            optimizer.zero_grad()
            right, down = torch.randint(-1, 2, (2,)).tolist()  # digits stand apart from the border
            moved = train[0][rows].roll((down, right), (-2, -1))
            nn.functional.cross_entropy(model(moved), train[1][rows]).backward()
            optimizer.step()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
            module.momentum = None  # an average of all batches
    with torch.no_grad():
        for x in train[0].split(1000):
            model(x)
        model.eval()
        right = sum(
            int((model(x).argmax(1) == y).sum()) for x, y in zip(test[0].split(1000), test[1].split(1000), strict=True)
        )
    return {
        "model": "README",
        "accuracy": right / len(test[1]),
        "passes": passes,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
    }


def circuit() -> dict[str, Any]:
    """Lower a binary network with random weights, and prove its circuit."""
    torch.manual_seed(0)
    sizes = (784, 256, 256, 256, 256, 10)
    layers: list[nn.Module] = [BinarizeSign()]
    for inputs, outputs in pairwise(sizes):
        layers += [BinaryLinear(inputs, outputs), nn.BatchNorm1d(outputs), BinarizeSign()]
    model = nn.Sequential(*layers[:-1])
    model(torch.randn(512, sizes[0]))  # statistics of the batch norms
    start = time.process_time()
    made = to_circuit(model.eval(), sizes[:1])
    lowered = time.process_time() - start
    proof = prove_lowering(model, made)
    return {
        "luts": sum(made.luts_by_rank().values()),
        "lowering_cpu_seconds": lowered,
        "proof_cpu_seconds": time.process_time() - start - lowered,
        "proved": proof.ok,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 4, 6])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--circuit", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    console = Console()
    if given.threads is not None:
        torch.set_num_threads(given.threads)
        threads.set_num_threads(given.threads)
    if given.readme:
        found: Any = [readme(given.data, given.passes)]
        console.print(found[0])
    elif given.circuit:
        found = [circuit()]
        console.print(found[0])
    else:
        most = max(given.ranks)
        peak = memory(most)
        found = steps(given.ranks, given.rounds)
        table = Table("layer", "rank", "ms a step", "CPU ms", "x plain", "x plain, CPU", "x DeepLUT")
        for row in found:
            times = f"{row['deeplut']:,.0f}" if row["deeplut"] else "-"
            cells = f"{1e3 * row['seconds']:.2f}", f"{1e3 * row['cpu_seconds']:.2f}"
            table.add_row(
                row["layer"], str(row["rank"]), *cells, f"{row['plain']:.1f}", f"{row['plain_cpu']:.1f}", times
            )
        console.print(table)
        console.print(f"most memory of a process with LUTLinear, rank {most}: {peak:.2f} GiB")
        found.append({"layer": "LUTLinear", "rank": most, "gib": peak})
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
