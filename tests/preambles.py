"""What a reader has before the blocks of a page: names, and files in the working folder.

Each text is run before the block of its number, which counts the blocks of the page that tests/test_pages.py runs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import lutsmith
from lutsmith.circuit import Circuit
from tests.circuit.examples import random_circuit


def small_circuit(**options: object) -> Circuit:
    """A circuit on 16 features with 3 classes, saved as model.lut."""
    circuit = random_circuit(0, input_shape=(4, 4), luts=12, group=2, **options)  # type: ignore[arg-type]
    lutsmith.save(circuit, "model.lut")
    return circuit


def people(rows: int = 120) -> None:
    """Tables people.csv, labelled.csv and, without the column to predict, new.csv."""
    random = np.random.default_rng(0)
    ages, cities = random.integers(18, 80, rows), random.choice(["Bern", "Zürich"], rows)
    lines = [f"{age},{city}" for age, city in zip(ages, cities, strict=True)]
    labelled = [f"{line},{'yes' if age > 40 else 'no'}" for line, age in zip(lines, ages, strict=True)]
    for name, head, body in (
        ("people", "age,city,outcome", labelled),
        ("labelled", "age,city,outcome", labelled[:40]),
        ("new", "age,city", lines[:9]),
    ):
        Path(f"{name}.csv").write_text("\n".join([head, *body]) + "\n", "utf-8")


PREAMBLES = {
    ("sweeps", 0): """
from pathlib import Path
from tests.test_pages import blocks
Path("space.toml").write_text(blocks("sweeps")[0].text)
Path("sweeps").mkdir()
""",
    ("../README", 1): """
from pathlib import Path
from tests.preambles import people, small_circuit
people()
Path("runs/digits").mkdir(parents=True)
small_circuit()
Path("model.lut").rename("runs/digits/model.lut")
""",
    ("circuits", 0): """
from pathlib import Path
import lutsmith
from tests.circuit.examples import random_circuit
for seed in range(3):
    Path(f"runs/seed-{seed}").mkdir(parents=True)
    lutsmith.save(random_circuit(seed), f"runs/seed-{seed}/model.lut")
""",
    ("convolution", 0): """
import numpy, torch
images = torch.from_numpy(numpy.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=numpy.uint8))
""",
    ("convolution", 1): """
images, labels = images[:, :1], torch.randint(0, 4, (6, 32, 32))
""",
    ("convolution", 2): """
windows = torch.rand(20, 1, 128)
""",
    ("convolution", 3): """
bits = numpy.random.default_rng(0).integers(0, 2, (5, 7, 6))
""",
    ("convolution", 4): """
from lutsmith.nn import LogicConv2d
def network(size, kernels):
    images = torch.randint(0, 256, (20, *size), dtype=torch.uint8)
    layers = LogicConv2d(size[1], size[0], kernels, padding=1, lut_rank=2), nn.Flatten()
    dense = LogicDense(kernels * size[1] * size[2], 20, 2)
    return nn.Sequential(Thermometer(1, per="channel").fit(images), *layers, dense, GroupSum(2)), images
model, test_images = network((3, 32, 32), 2)
test_images = test_images.numpy()
""",
    ("convolution", 5): """
model, _ = network((1, 4, 4), 2)
stream = to_stream(model.eval(), (1, 4, 4))
""",
    ("export", 0): """
from tests.preambles import small_circuit
circuit = small_circuit()
""",
    ("export", 2): """
import numpy
X_test = numpy.random.default_rng(0).integers(0, 256, (20, 4, 4), dtype=numpy.uint8)
""",
    ("features", 0): """
import numpy
X = numpy.random.default_rng(0).normal(size=(300, 3))
price = 1e5 * X[:, 0] + 3e5
""",
    ("hardware", 0): """
from pathlib import Path
import lutsmith
from tests.preambles import small_circuit
circuit = small_circuit()
Path("edited.v").write_text(lutsmith.export.to_verilog(circuit))
text = lutsmith.export.to_verilog(circuit, pipeline=2)
""",
    ("interop", 0): """
import lutsmith
from torch import nn
from tests.torchlogix_modules import torchlogix_module
layers = torchlogix_module("layers")
theirs = nn.Sequential(layers.LogicDense(784 * 3, 1200, lut_rank=2, parametrization="raw"), layers.GroupSum(4, tau=3.0))
""",
    ("lowering", 0): """
import torch
import lutsmith
from torch import nn
rows = torch.rand(50, 784)
model = nn.Sequential(
    lutsmith.Thermometer(1).fit(rows), lutsmith.LogicDense(784, 400, lut_rank=4), lutsmith.GroupSum(10)
).eval()
""",
    ("neurons", 1): """
import torch
x_train = torch.rand(50, 784)
""",
    ("neurons", 3): """
from lutsmith.nn.neurons import BinaryLinear, LUTLinear
layer, lut_layer = BinaryLinear(256, 64), LUTLinear(256, 10, rank=4)
model = nn.Sequential(layer, BinarizeSign(), BinaryLinear(64, 10))
""",
    ("neurons", 4): """
binary_layer = BinaryLinear(256, 64)
from collections import OrderedDict
model = nn.Sequential(OrderedDict(
    layer1=BinaryLinear(256, 64), sign1=BinarizeSign(), layer2=BinaryLinear(64, 32), sign2=BinarizeSign(),
    layer3=BinaryLinear(32, 10)
))
""",
    ("reports", 0): """
from pathlib import Path
import lutsmith
from tests.reporting.examples import voting, write_run
Path("runs").mkdir()
for name in ("mnist", "small", "large", "people"):
    write_run(Path("runs", name), voting((8, 8), tuple(range(10))), [{"epoch": 1, "loss": 0.5, "hard": 0.7}])
lutsmith.save(voting((1, 8, 8), tuple(range(10))), "model.lut")
""",
    ("simplify", 0): """
import lutsmith
from tests.preambles import small_circuit
small_circuit()
""",
    ("tables", 0): """
from tests.preambles import people
people()
""",
}
