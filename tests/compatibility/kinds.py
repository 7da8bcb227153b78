"""One recipe for each kind of model file. `write.py` writes the kinds that have no file yet and leaves the others."""

from __future__ import annotations

import csv
import tempfile
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import lutsmith
from lutsmith import deeplut, dwn, interop
from lutsmith import nn as layers
from lutsmith.circuit import (
    Circuit,
    CircuitBuilder,
    Comparators,
    Head,
    IntegerHead,
    Metadata,
    OutputWord,
)
from lutsmith.circuit.traits import TRAITS
from lutsmith.nn import neurons
from tests.circuit.examples import random_rich_circuit


@dataclass(frozen=True)
class Made:
    """A circuit, the model that it was lowered from if there is one, and rows of its table if it has one."""

    circuit: Circuit
    model: nn.Module | None = None
    records: Sequence[dict[str, Any]] = ()
    text: str = ""


KINDS: dict[str, Callable[[], Made]] = {}


def kind(name: str) -> Callable[[Callable[[], Made]], Callable[[], Made]]:
    """Name a recipe."""

    def named(recipe: Callable[[], Made]) -> Callable[[], Made]:
        def seeded() -> Made:
            torch.manual_seed(zlib.crc32(name.encode()))
            return recipe()

        KINDS[name] = seeded
        return seeded

    return named


def data(*shape: int, low: float = -3, high: float = 3) -> NDArray[np.float32]:
    """Forty samples."""
    return np.random.default_rng(0).uniform(low, high, (40, *shape)).astype(np.float32)


def dense(inputs: int, outputs: int, rank: int) -> nn.Module:
    return layers.LogicDense(inputs, outputs, rank, weight_init="random")


def lowered(model: nn.Module, shape: Sequence[int], **fields: Any) -> Made:
    """The circuit of a model."""
    return Made(lutsmith.to_circuit(model.eval(), tuple(shape), **fields), model)


def encoded(encoder: Any, x: NDArray[Any], rank: int, classes: Sequence[Any] | None = None, **facts: Any) -> Made:
    """An encoder of its own, two layers, three classes."""
    encoder.fit(x)
    width = encoder(torch.from_numpy(x[:1])).numel()
    model = nn.Sequential(encoder, nn.Flatten(), dense(width, 20, rank), dense(20, 12, rank), layers.GroupSum(3))
    return lowered(model, x.shape[1:], classes=classes, metadata=Metadata.from_json(facts))


def headed(*head: nn.Module, width: int, rank: int = 4, **fields: Any) -> Made:
    """A head of its own on random bits of 6 features."""
    encoder = layers.DistributiveThermometer(4).fit(data(6))
    return lowered(nn.Sequential(encoder, dense(24, width, rank), *head), (6,), **fields)


# encoders

BYTES = np.random.default_rng(1).integers(0, 256, (40, 1, 3, 2)).astype(np.uint8)
CODES = np.random.default_rng(2).integers(0, 5, (40, 4)).astype(np.float32)

kind("encoder-thermometer")(lambda: encoded(layers.Thermometer(3), data(5), 6, ("no", "yes", "Zürich 日本")))
kind("encoder-gaussian-thermometer")(
    lambda: encoded(layers.GaussianThermometer(4, per="channel"), data(2, 3), 2, (10, -3, 2**40))
)
kind("encoder-distributive-thermometer")(
    lambda: encoded(layers.DistributiveThermometer(5, unique=True), CODES, 5, (0.5, -1e300, 2.0), seed=3, preset="own")
)
kind("encoder-balanced-thermometer")(lambda: encoded(layers.BalancedThermometer(7), CODES, 4, ("few", "many", "none")))
kind("encoder-logarithmic-thermometer")(
    lambda: encoded(layers.LogarithmicThermometer(6, octaves=4), BYTES, 3, ("a", 1, 2.5))
)
kind("encoder-uniform-fixed-point")(lambda: encoded(layers.UniformFixedPoint(4), data(4), 4, (True, "True", 7)))
kind("encoder-binary")(lambda: encoded(layers.Binary(8, encode_axis=-1), BYTES[:, 0, :1], 6, integer_features=True))
kind("encoder-gray")(lambda: encoded(layers.Gray(3, per="global"), data(5), 4, ("a\0", "a", "")))
kind("encoder-one-hot")(lambda: encoded(layers.OneHot(5), data(4), 3))
kind("encoder-sign-magnitude")(lambda: encoded(layers.SignMagnitude(4), data(4), 4))
kind("encoder-edges")(lambda: encoded(layers.EdgeThermometer(2, step=4), BYTES, 4, integer_features=True))
kind("encoder-image")(
    lambda: encoded(
        layers.ImageThermometer(2, edges=1, curvature={"num_bits": 1, "directions": ["vertical"]}), BYTES, 4
    )
)
kind("encoder-categorical")(lambda: encoded(layers.Categorical(), np.r_[CODES[:30], data(4)[:10]], 4))
kind("encoder-missing")(lambda: encoded(layers.Missing(), np.where(data(5) > 0.8, np.nan, data(5)), 5))
kind("encoder-columns")(
    lambda: encoded(layers.Columns(layers.GaussianThermometer(3), [1, 3]), np.c_[data(1), CODES, data(1)], 6)
)


@kind("encoder-learnable-thermometer")
def learnable_thermometer() -> Made:
    encoder = layers.LearnableThermometer(4, input_bits=6).fit(data(4))
    nn.init.normal_(encoder.shift, std=0.1)
    model = nn.Sequential(encoder, dense(16, 12, 4), layers.GroupSum(3))
    return lowered(model, (4,), metadata=Metadata(input_bits=6))


@kind("encoder-none")
def no_encoder() -> Made:
    model = nn.Sequential(nn.Flatten(), dense(12, 12, 8), dense(12, 12, 7), layers.GroupSum(3))
    return lowered(model, (3, 4))


# kernels at places


def kernels(axes: int, image: tuple[int, ...]) -> Made:
    """Kernels, transposed ones and all pools along so many axes."""
    conv, transposed, either, both, most = (
        getattr(layers, f"{name}{axes}d")
        for name in ("LogicConv", "LogicConvTranspose", "OrPool", "AndPool", "MajorityPool")
    )
    encoder = layers.Thermometer(2).fit(data(2, *image))
    drawn: dict[str, Any] = {"parametrization": "light", "weight_init": "random"}
    model = nn.Sequential(
        encoder,
        conv(image, 4, 6, receptive_field_size=2, padding=1, padding_mode="edge", lut_rank=4, **drawn),
        either(2, 1),
        transposed(image, 6, 4, receptive_field_size=2, lut_rank=3, **drawn),
        both(2, 1),
        most(2, 1),
        nn.Flatten(),
    )
    width = model.eval()(torch.from_numpy(data(2, *image)[:1])).numel()
    return lowered(nn.Sequential(*model, dense(width, 12, 4), layers.GroupSum(3)), (2, *image))


kind("kernels-1d")(lambda: kernels(1, (7,)))
kind("kernels-2d")(lambda: kernels(2, (4, 3)))
kind("kernels-3d")(lambda: kernels(3, (3, 2, 3)))


@kind("kernels-joined")
def joined_kernels() -> Made:
    def conv(channels: int, kernels: int) -> nn.Module:
        return layers.LogicConv2d((4, 4), channels, kernels, tree_depth=2, padding=1, lut_rank=2, weight_init="random")

    encoder = layers.Thermometer(2).fit(data(2, 4, 4))
    gate = layers.LogicResidual(conv(6, 6), 6, weight_init="random")
    model = nn.Sequential(
        encoder,
        layers.Parallel(nn.Identity(), conv(4, 2)),
        layers.Residual(conv(6, 6), "xor"),
        gate,
        layers.PooledConv(conv(6, 8), layers.OrPool2d(2)),
        nn.Flatten(),
        dense(32, 12, 4),
        layers.GroupSum(3),
    )
    return lowered(model, (2, 4, 4))


@kind("recurrent")
def recurrent() -> Made:
    cell = layers.LogicRecurrent(4, 9, 3, weight_init="random")
    encoder = layers.Thermometer(2).fit(data(2, 5))
    return lowered(nn.Sequential(encoder, cell, layers.GroupSum(3)), (2, 5))


# heads


def at_places(axes: int) -> Made:
    sizes = (5, 4, 3)[:axes]
    conv = getattr(layers, f"LogicConv{axes}d")(None, 4, 6, padding=1, lut_rank=3, weight_init="random")
    encoder = layers.Thermometer(2).fit(data(2, *sizes))
    return lowered(nn.Sequential(encoder, conv, getattr(layers, f"GroupSum{axes}d")(3)), (2, *sizes))


kind("head-places-1d")(lambda: at_places(1))
kind("head-places-2d")(lambda: at_places(2))
kind("head-places-3d")(lambda: at_places(3))


@kind("head-none")
def no_head() -> Made:
    return headed(width=10)


@kind("head-group-sum")
def group_sum() -> Made:
    return headed(layers.GroupSum(2, permute=True, in_dim=18), width=18)


@kind("head-group-affine")
def group_affine() -> Made:
    head = layers.GroupAffine(3, wbits=12)
    nn.init.normal_(head.scale)
    nn.init.normal_(head.offset, std=3)
    return headed(head, width=15, classes=("x", "y", "z"))


@kind("head-grouped-dsp")
def grouped_dsp() -> Made:
    head = layers.GroupedDSP(3, wbits=8, num_groups=5)
    nn.init.normal_(head.weight)
    return headed(head, width=20)


@kind("head-learnable-reduction")
def reduction() -> Made:
    head = layers.LearnableReduction(3, bits=2, lut_rank=4, in_dim=30, weight_init="random")
    return headed(head, width=30)


@kind("head-multi-label")
def multi_label() -> Made:
    head = layers.MultiLabel(4, threshold=[0, 1, 2, 3])
    return headed(head, width=20, classes=("wet", "cold", "windy", "dark"))


@kind("head-output-code")
def output_code() -> Made:
    return headed(layers.OutputCode(5, length=7, in_dim=21), width=21, classes=tuple("abcde"))


@kind("head-output-code-given")
def output_code_given() -> Made:
    words = [[0, 0, 0, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 1, 1]]
    return headed(layers.OutputCode(3, code_words=words), width=10)


@kind("head-regression")
def regression() -> Made:
    return headed(layers.Regression(scale=2.7, offset=-0.3), width=24)


@kind("head-regression-several")
def several_targets() -> Made:
    head = layers.Regression(3, scale=[1e-3, 1, 1e6], offset=[0, -0.0, 5])
    return headed(head, width=24, classes=("small", "middle", "large"))


# other libraries


@kind("dwn-layers")
def dwn_layers() -> Made:
    encoder = dwn.DistributiveThermometer(3).fit(data(6)).encoder
    twice = torch.tensor([[0, 0, 1], [2, 2, 2], *torch.randint(0, 10, (8, 3)).tolist()])
    model = nn.Sequential(
        encoder,
        dwn.LUTLayer(18, 12, 6, mapping="random"),
        dwn.LUTLayer(12, 10, 2, mapping="learnable"),
        dwn.LearnableMapping(10, 10),
        dwn.LUTLayer(10, 10, 3, mapping=twice),
        dwn.STE(),
        dwn.GroupSum(4, tau=2, randperm=10),
    )
    return lowered(model, (6,))


@kind("interop-difflogic")
def from_difflogic() -> Made:
    state = {f"{name}.weights": torch.randn(size, 16) for name, size in (("0", 16), ("1", 12))}
    wiring = [torch.randint(0, size, (2, out)) for size, out in ((8, 16), (16, 12))]
    model = interop.from_difflogic(state, wiring, num_classes=3, tau=1.0, in_dim=8, grad_factor=2.0)
    return lowered(nn.Sequential(layers.Thermometer(2).fit(data(4)), model), (4,))


@kind("interop-torch-dwn")
def from_torch_dwn() -> Made:
    state = {"0.luts": torch.rand(11, 16) * 2 - 1, "0.mapping": torch.randint(0, 8, (11, 4), dtype=torch.int32)}
    model = interop.from_torch_dwn(state, num_classes=3, tau=1.0, in_dim=8, ste=True, alpha=0.2, beta=1 / 3)
    return lowered(nn.Sequential(layers.Thermometer(2).fit(data(4)), model), (4,))


# circuits


def random_luts(builder: Any, signals: NDArray[Any], count: int, rank: int, seed: int) -> NDArray[np.int32]:
    rng = np.random.default_rng(seed)
    found: NDArray[np.int32] = builder.lut(rng.choice(signals, (count, rank)), rng.integers(0, 2, (count, 1 << rank)))
    return found


def registers(outputs: int) -> Any:
    """A netlist of registers that start as 0 and 1, one of which is an output, as is an input."""
    builder = lutsmith.NetlistBuilder(8)
    state = builder.register(5, [0, 1, 1, 0, 1])
    signals = np.r_[np.arange(8), state]
    made = random_luts(builder, signals, 10, 4, 0)
    builder.connect(state, np.r_[made[:3], state[:1], 2])
    return builder.build(np.r_[made, state[-1], 2][:outputs])


@kind("circuit-registers")
def with_registers() -> Made:
    encoder = Comparators(np.arange(8) % 3, np.linspace(-1, 1, 8), 3)
    return Made(Circuit((3,), encoder, registers(12)))


@kind("circuit-registers-head")
def with_registers_and_head() -> Made:
    encoder = Comparators(np.arange(8) % 3, np.r_[-np.inf, -0.0, 1e-40, np.linspace(-1, 3e38, 5)], 3)
    return Made(Circuit((3,), encoder, registers(12), Head(2, bias=[300, 295]), classes=("low", "high")))


@kind("circuit-ranks")
def all_ranks() -> Made:
    """LUTs of ranks 0 to 8, constants and inputs among the outputs, more signals and tables than a byte numbers."""
    builder = CircuitBuilder((2, 5))
    compared = builder.compare(np.arange(300) % 10, np.random.default_rng(0).normal(size=300))
    parts = [random_luts(builder, compared, 10, rank, rank) for rank in range(1, 9)]
    constants = [builder.constant(False), builder.constant(True)]
    parts.append(random_luts(builder, np.concatenate(parts), 270, 6, 9)[::9])
    return Made(builder.build(np.concatenate([*parts, constants, compared[:20]])))


@kind("circuit-wide-head")
def wide_head() -> Made:
    """Weights, biases and thresholds that need their widest types; some features are read by nothing."""
    builder = CircuitBuilder((300,))
    compared = builder.compare(np.arange(0, 300, 15), np.random.default_rng(0).uniform(-1e9, 1e9, 20))
    luts = random_luts(builder, compared, 24, 5, 1)
    weights = np.random.default_rng(2).integers(-80_000, 80_000, (3, 4))
    builder.popcount(luts, 4, weights=weights, bias=[-(2**30), 0, 2**30], scale=[0.1, -7, 1e-9], offset=[1e9, 0, 1 / 3])
    low = np.linspace(-1e9, 0, 300, dtype=np.float32)
    return Made(builder.build(objective="regression", fitted_range=(low, low + np.float32(1e8))))


@kind("circuit-outputs-alone")
def outputs_alone() -> Made:
    """No LUT at all: outputs are comparators."""
    builder = CircuitBuilder((3,))
    return Made(builder.build(builder.compare(builder.features, [0.5, -0.5, 100])))


# neurons


def norm(kind: Any, channels: int) -> Any:
    """A batch norm with statistics and gains of its own, some of them negative."""
    made = kind(channels)
    with torch.no_grad():
        for values in (made.running_mean, made.weight, made.bias):
            values.normal_()
    return made


@kind("neurons-linear")
def neurons_linear() -> Made:
    """Signs and residual levels, weights that are pruned, a skip connection, tables of their own and shared ones."""
    encoder = layers.DistributiveThermometer(2).fit(data(5))
    first = neurons.BinaryLinear(10, 9, scale="channel")
    neurons.prune(first, density=0.6)
    skipped = neurons.Add(nn.Identity(), neurons.BinaryLinear(9, 9, bias=False, scale="none"))
    luts, tiled = neurons.LUTLinear(9, 8, 4), neurons.TiledLUTLinear(8, 4, 4, weight_bits=2, tile=(2, 4))
    model = nn.Sequential(
        encoder, neurons.BitsToSigns(), first, norm(nn.BatchNorm1d, 9), neurons.ResidualSign(2, scale_bits=4), skipped,
        norm(nn.BatchNorm1d, 9), neurons.BinarizeSign(), luts, norm(nn.BatchNorm1d, 8), neurons.BinarizeSign(), tiled,
    )  # fmt: skip
    return lowered(model, (5,), classes=("a", "b", "c", "d"))


for number in (1, 2, 3):

    @kind(f"neurons-images-{number}d")
    def neurons_images(axes: int = number) -> Made:
        """Kernels of signs and of LUTs, with signs around images, and a pool."""
        binary: Any = (neurons.BinaryConv1d, neurons.BinaryConv2d, neurons.BinaryConv3d)[axes - 1]
        luts: Any = (neurons.LUTConv1d, neurons.LUTConv2d, neurons.LUTConv3d)[axes - 1]
        pool: Any = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[axes - 1]
        model = nn.Sequential(
            neurons.BinarizeSign(), binary(2, 4, 2, padding=1, padding_mode="-1"), pool(2), neurons.BinarizeSign(),
            luts(4, 2, 2, 3, padding=1, groups=2), neurons.BinarizeSign(), nn.Flatten(),
            neurons.BinaryLinear(2 * 3**axes, 3, bias=False),
        )  # fmt: skip
        return lowered(model, (2, *[3] * axes))


@kind("neurons-deeplut")
def neurons_deeplut() -> Made:
    """What DeepLUT's layers are imported as, behind signs that are never 0."""
    model = nn.Sequential(
        neurons.BinarizeSign(),
        deeplut.Conv2d(1, 3, 2, k=2, binarization_level=1), neurons.BinarizeSign(), nn.Flatten(),
        neurons.BinaryLinear(27, 6, bias=False), deeplut.ResidualSign(), deeplut.Linear(6, 3, 2),
    )  # fmt: skip
    return lowered(interop.from_deeplut(model), (1, 4, 4))


# what files have from version 3 on

for trait, seed in {
    "words": 1, "long-words": 2, "missing-values": 3, "integers": 4, "several-heads": 5, "places": 6, "parts": 7,
}.items():  # fmt: skip
    kind(f"circuit-{trait}")(lambda trait=trait, seed=seed: Made(random_rich_circuit(seed, [trait.replace("-", " ")])))
kind("circuit-all-traits")(lambda: Made(random_rich_circuit(10, TRAITS)))


@kind("circuit-multiplier")
def multiplier() -> Made:
    """Words of 8 bits in, a product of 16 out, of instances of one full adder; and whether numbers are missing."""
    adder = lutsmith.NetlistBuilder(3)
    cell = adder.build(adder.lut([[0, 1, 2]] * 2, np.array([0x96, 0xE8], np.uint64)))
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], 8)
    total = [builder.constant(False)] * 16
    for place, bit in enumerate(b.tolist()):
        carry = builder.constant(False)
        terms = builder.lut(np.stack([a, np.full(8, bit)], axis=1), np.full(8, 8, np.uint64))
        for offset, term in enumerate([*terms.tolist(), *[builder.constant(False)] * (8 - place)], place):
            total[offset], carry = builder.instances("full_adder", cell, [[total[offset], term, carry]])[0].tolist()
    absent = {"head": Head(2), "objective": "multilabel", "classes": ("a is missing", "b is missing")}
    product = {"head": IntegerHead((OutputWord("product", 16),))}
    builder.heads({"product": (np.array(total), product), "absent": (builder.missing([0, 1]), absent)})
    return Made(builder.build())


# what was done to a circuit


@kind("simplified")
def simplified() -> Made:
    made = encoded(layers.UniformFixedPoint(4), data(4), 5, ("a", "b", "c"), accuracy=0.75)
    return Made(lutsmith.simplify(made.circuit, 4, rank=4).circuit)


@kind("simplified-on-data")
def simplified_on_data() -> Made:
    made = encoded(layers.Thermometer(4), data(4), 6, ("a", "b", "c"), accuracy=0.75, measured_on="test")
    return Made(lutsmith.simplify_on(made.circuit, data(4), np.arange(40) % 3).circuit)


@kind("optimised")
def optimised() -> Made:
    return Made(lutsmith.hardware.optimise(encoded(layers.OneHot(5), data(4), 6).circuit))


@kind("words")
def words() -> Made:
    made = encoded(layers.Thermometer(6), data(4), 3, accuracy=0.5)
    return Made(lutsmith.snapped(made.circuit, 5))


@kind("facts")
def facts() -> Made:
    """Facts of every type that lutsmith knows, none (null) among them, and others."""
    known = {
        "task": None, "preset": "own", "measured_on": "test", "lutsmith": "0.0.9", "target": -1,
        "feature_names": ["größe", "a,b", "", "\u2028"], "integer_features": False, "categories": None,
        "accuracy": 1, "soft_accuracy": 0.1 + 0.2, "train_seconds": 1e-300, "seed": 2**63, "best_epoch": 0,
        "encoder_luts": 0, "wasted_thresholds": 3, "input_bits": None,
        "held_out": {"share": 0.2, "seed": 1, "rows": 8, "table": "0" * 64},
        "architecture": {"luts": [1, 2], "later": {"field": [None]}}, "settings": {},
    }  # fmt: skip
    others = {"own notes": [{"deep": [[[1, 2.5, "x", None, True]]]}], "": "nameless", "Task": 2**70, "task ": -0.0}
    return encoded(layers.Thermometer(3), data(4), 4, None, **known, **others)


# trained


def people(count: int, seed: int) -> list[list[str]]:
    """Rows of a table in text: numbers with a decimal comma, percents, names, truth values, and missing cells."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        age, share = int(rng.integers(18, 90)), float(rng.uniform(0, 100))
        city = str(rng.choice(["Zürich", "Bern", "Genève", "null"]))
        label = "yes" if (age > 50) != (city == "Bern") else "no"
        cells = [str(age), f"{share:.2f}".replace(".", ",") + " %", city, str(rng.choice(["true", "false"]))]
        made.append([cell if rng.random() > 0.05 else str(rng.choice(["?", "-"])) for cell in cells] + [label])
    return made


SMALL: dict[str, Any] = {
    "luts": (30, 24), "rank": 4, "bits": 4, "epochs": 2, "seed": 0, "quiet": True,
    "architecture": {"weight_init": "random"},
}  # fmt: skip


@kind("table")
def table() -> Made:
    """Text with a header, semicolons and a schema of all kinds of columns."""
    names = ["age", "share", "city", "member"]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # how the shares are read
        file = Path(folder) / "people.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, delimiter=";").writerows([[*names, "outcome"], *people(150, 0)])
        run = lutsmith.train(
            "csv", data=file, target="outcome", out=Path(folder) / "run", table={"missing": ["?", "-"]}, **SMALL
        )
        circuit = lutsmith.load(run.model)
    given = people(30, 1)
    records: list[dict[str, Any]] = [dict(zip(names, row, strict=False)) for row in given]
    records += [
        {"age": 41, "share": 12.5, "city": "Atlantis", "member": True},
        {"age": None, "share": "?", "city": None, "member": None},
        {"age": 1e30, "share": "-5,5 %", "city": " Bern ", "member": "FALSE"},
    ]
    lines = [";".join([*names, "further"]), *(";".join([*row[:4], "1"]) for row in given)]
    return Made(circuit, records=records, text="\n".join(lines) + "\n")


@kind("table-without-header")
def bare_table() -> Made:
    """Numbers alone, read by place; the label is the first column, and an integer."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 50, (120, 3))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.csv"
        np.savetxt(file, np.c_[x.sum(1) // 50, x], fmt="%d", delimiter=",")
        run = lutsmith.train("csv", data=file, target=0, out=Path(folder) / "run", table={"header": False}, **SMALL)
        circuit = lutsmith.load(run.model)
    return Made(circuit, text="".join(f"{a},{b}.5,{c}\n" for a, b, c in x[:20].tolist()))


@kind("digits")
def digits() -> Made:
    with tempfile.TemporaryDirectory() as folder:
        run = lutsmith.train("digits", out=Path(folder) / "run", **{**SMALL, "bits": 2, "luts": (40, 30), "epochs": 1})
        return Made(lutsmith.load(run.model))
