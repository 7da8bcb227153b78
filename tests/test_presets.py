"""Every preset can be built, and says what is known about it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from lutsmith import presets
from lutsmith.data import TASKS
from lutsmith.nn import Architecture, LogicDense, build, to_circuit, to_stream
from lutsmith.nn.convolution import LogicConv
from lutsmith.nn.neurons import NeuronArchitecture, build_neurons, luts_of_layers, prune
from lutsmith.nn.neurons.binary import BinaryLayer
from lutsmith.nn.pooling import Pool
from lutsmith.nn.sums import emitting
from lutsmith.presets import table
from lutsmith.presets.additive import ADDITIVE
from lutsmith.presets.convolutional import CONVOLUTIONAL, OURS
from lutsmith.presets.neurons import NEURONS
from lutsmith.presets.ours import IMAGES, TABLES
from lutsmith.presets.published import PUBLISHED
from lutsmith.runs import train
from lutsmith.runs.plan import Plan, Request
from lutsmith.training import Settings
from lutsmith.training.phases import PhasedSettings

IMAGE = (1, 28, 28)
SHAPES = {
    "cifar-10": (3, 32, 32), "images": (3, 20, 24),
    "digits": (1, 8, 8), "mnist": IMAGE, "fashion-mnist": IMAGE, None: (12,), "adult": (14,), "skin-seg": (3,),
    "monks-1": (6,), "monks-2": (6,), "monks-3": (6,), "magic-gamma": (10,), "dry-bean": (16,), "unsw-nb15": (42,),
}  # fmt: skip
CATEGORICAL = {"adult": (1, 3, 5, 6, 7, 8, 9, 13), "unsw-nb15": (1, 2, 3)}
CATEGORICAL.update({f"monks-{number}": tuple(range(6)) for number in (1, 2, 3)})
CLASSES = {"dry-bean": 7, "digits": 10, "mnist": 10, "fashion-mnist": 10, "cifar-10": 10}
LUTS = {  # of a row's name what it may have at most
    "mnist-1k": 1000, "mnist-2k": 2000, "mnist-4k": 4000, "mnist-gates-8k": 8000, "fashion": 8000, "fashion-16k": 16000,
    "dwn-mnist-n6-sm": 1500, "dwn-mnist-n6-lg": 3000, "lilogicnet-8k": 8000, "lilogicnet-32k": 32000,
}  # fmt: skip
PUBLISHED_SIZES = {  # tables, and LUTs at all places without pools, as the papers and repositories have them
    "logictreenet-cifar-10-s": (83_552, 874_496), "logictreenet-cifar-10-m": (668_416, 6_995_968),
    "logictreenet-mnist-s": (73_136, 220_864), "logictreenet-mnist-m": (292_544, 883_456),
    "compactlogic-cifar-10-t": (80_640, 145_536), "compactlogic-cifar-10-s": (161_280, 291_072),
    "compactlogic-cifar-10-m": (322_560, 582_144),
    "compactlogic-mnist-s": (161_280, 260_352), "compactlogic-mnist-m": (322_560, 520_704),
    "torchlogix-clgn-mnist-tiny": (9_324, 37_520), "torchlogix-clgn-mnist-small": (37_296, 150_080),
    "torchlogix-clgn-mnist-medium": (149_184, 600_320), "torchlogix-clgn-mnist-large": (2_386_944, 9_605_120),
    "torchlogix-clgn-cifar-10-small": (83_552, 874_496), "torchlogix-clgn-cifar-10-medium": (668_416, 6_995_968),
    "torchlogix-clgn-cifar-10-large": (1_336_832, 13_991_936),
}  # fmt: skip
ROWS = pytest.mark.parametrize("preset", presets.list_presets(), ids=lambda preset: preset.name)
GRADIENTS = [preset for preset in presets.list_presets() if preset.method == "gradients"]


@pytest.mark.parametrize("preset", ADDITIVE, ids=lambda preset: preset.name)
def test_every_additive_preset_has_settings_of_its_size_and_grows(preset: presets.Preset) -> None:
    settings = Plan.of(Request(preset.task or "csv", preset.name)).settings
    if named := re.search(r"-(\d+)k$", preset.name):
        assert settings["max_luts"] <= 1000 * int(named[1])
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 120)
    x = rng.integers(0, 256, (120, *SHAPES[preset.task])).astype(np.uint8)
    x.reshape(120, -1)[np.arange(120), y] = 255
    run = train(x, y, preset=preset.name, max_luts=30, quiet=True)
    assert (run.method, run.preset, len(run.circuit.classes)) == ("additive", preset.name, 3)
    assert 3 <= run.luts <= 30


@pytest.mark.slow
@pytest.mark.parametrize("preset", GRADIENTS, ids=lambda preset: preset.name)
def test_every_preset_is_built_in_seconds_and_gives_a_score_for_each_class(preset: presets.Preset) -> None:
    plan = Plan.of(Request(preset.task or "csv", preset.name))
    architecture = Architecture.from_json(plan.architecture)
    Settings.from_json(plan.settings)
    shape = SHAPES[preset.task]
    samples, classes = 50 if len(shape) == 3 else 600, CLASSES.get(preset.task, 2)
    x = np.random.default_rng(0).integers(0, 256, (samples, *shape)).astype(np.uint8)
    categorical = CATEGORICAL.get(preset.task, ())
    x[:, list(categorical)] %= 7
    start = time.process_time()
    model = build(architecture, x, classes, 0, categorical).eval()
    assert time.process_time() - start < 60
    assert sum(layer.out_dim for layer in model if hasattr(layer, "out_dim")) == sum(architecture.luts)
    sizes = _measured(model)
    with torch.no_grad():
        scores = model(torch.from_numpy(x[:2]))
    assert scores.shape == (2, classes)
    assert torch.equal(scores, scores.round())
    if preset.name in LUTS:
        assert sum(architecture.luts) <= LUTS[preset.name]
    if preset in CONVOLUTIONAL:
        assert (sizes["tables"], sizes["luts"]) == PUBLISHED_SIZES[preset.name]
        assert f"{sizes['tables']:,} tables at {sizes['luts']:,} places" in preset.description
    if preset in OURS:
        thousands = int(re.fullmatch(r"conv-\w+-(\d+)k", preset.name)[1])
        assert 0.9 * 1000 * thousands < sizes["luts"] + sizes["pools"] <= 1000 * thousands
        assert f"at most {thousands},000 LUTs" in preset.description


@pytest.mark.parametrize("preset", NEURONS, ids=lambda preset: preset.name)
def test_every_network_of_neurons_goes_through_its_phases_to_luts(preset: presets.Preset) -> None:
    plan = Plan.of(Request(preset.task, preset.name))
    settings = PhasedSettings.from_json(plan.settings)
    x = np.random.default_rng(0).integers(0, 256, (50, *SHAPES[preset.task])).astype(np.uint8)
    model = build_neurons(NeuronArchitecture.from_json(plan.architecture), x, 10)
    for phase in settings.wanted:
        for pruning in phase.change(model, 0):
            for name, density in pruning.densities.items():
                prune(model.get_submodule(name), density=density, per=pruning.per)
    assert model.eval()(torch.from_numpy(x[:2])).shape == (2, 10)
    counts = list(luts_of_layers(model, SHAPES[preset.task], once=True).values())
    assert len(counts) == len(plan.architecture["layers"]) + 1
    if preset.name == "lfc-lutnet":  # LUTNet's own has 58,192 in all, its first layer on numbers
        assert sum(counts[1:]) < 58_000


@pytest.mark.slow
def test_cnv_at_full_size_is_a_machine_and_too_large_for_a_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 256, (50, 3, 32, 32)).astype(np.uint8)
    model = build_neurons(NeuronArchitecture.from_json(presets.get("cnv-cifar-10").architecture), x, 10)
    for layer in model:
        if isinstance(layer, BinaryLayer):
            layer.binary = True
    stream = to_stream(model.eval(), (3, 32, 32))
    assert (stream.period, stream.latency) == (1024, 1033)
    assert 700_000 < stream.circuit.netlist.num_nodes < 900_000
    assert stream.circuit.netlist.num_registers < 20_000
    monkeypatch.setattr(emitting, "MOST_LUTS", 1_000_000)  # as it is, the second layer is refused, after some seconds
    with pytest.raises(ValueError, match=r"LUTs at each of 900 places, .* are more than the 1,000,000 .*to_stream"):
        to_circuit(model, (3, 32, 32))


def _measured(model: torch.nn.Module) -> dict[str, int]:
    """Counts of tables, of their LUTs at all places, and of pools, which the next forward pass fills."""
    found = {"tables": 0, "luts": 0, "pools": 0}

    def count(module: torch.nn.Module, _: object, y: torch.Tensor) -> None:
        if isinstance(module, Pool):
            found["pools"] += y[0].numel()
            return
        tables = len(module.weight)
        found["tables"] += tables
        found["luts"] += tables * (y[0, 0].numel() if isinstance(module, LogicConv) else 1)

    for module in model.modules():
        if isinstance(module, (LogicConv, LogicDense, Pool)):
            module.register_forward_hook(count)
    return found


def test_all_that_is_published_of_convolution_is_there_by_name() -> None:
    assert set(PUBLISHED_SIZES) == {preset.name for preset in CONVOLUTIONAL}
    assert all("arXiv:" in preset.description or "torchlogix" in preset.description for preset in CONVOLUTIONAL)


def test_kernels_are_wired_as_published() -> None:
    def kernels(name: str) -> tuple[torch.nn.Sequential, list[tuple[LogicConv, np.ndarray]]]:
        preset = presets.get(name)
        x = np.random.default_rng(0).integers(0, 256, (20, *SHAPES[preset.task])).astype(np.uint8)
        model = build(Architecture.from_json(preset.architecture), x, 10)
        layers = [layer for layer in model.modules() if isinstance(layer, LogicConv)]
        return model, [(layer, layer.connections.inputs().numpy().reshape(layer.num_kernels, -1)) for layer in layers]

    model, found = kernels("logictreenet-mnist-s")
    for layer, rows in found:
        assert (layer.tree_depth, layer.lut_rank, rows.shape[1]) == (3, 2, 8)
        assert {len(set(row)) for row in (rows // layer.sliding.taps).tolist()} == {min(2, layer.channels)}
    for layer in model[-3:-1]:  # trees: each gate of the last layer has four of the first below it, nobody else's
        assert layer.connections.inputs().tolist() == np.arange(2 * layer.out_dim).reshape(-1, 2).tolist()
    _, found = kernels("torchlogix-clgn-cifar-10-small")
    for layer, rows in found[:3]:
        start = np.arange(layer.num_kernels) % (layer.channels - 1)
        assert (np.sort(rows // 9)[:, ::4] == np.stack([start, start + 1], axis=1)).all()
    assert len(set((found[3][1][0] // 9).tolist())) > 2
    _, found = kernels("compactlogic-mnist-s")
    for layer, _ in found:
        window = layer.connections.candidates.flatten(1).numpy() // 9
        assert (window == (np.arange(layer.num_kernels) % layer.channels)[:, None]).all()


@ROWS
def test_a_preset_names_its_command_and_only_measured_figures(preset: presets.Preset) -> None:
    task = preset.command.split()[2]
    assert task in TASKS
    assert preset.task in (task, None)
    assert f"--preset {preset.name}" in preset.command
    assert re.fullmatch(r"[a-z0-9-]+", preset.name)
    assert preset.description
    assert preset.accuracy is None or 0.5 < preset.accuracy <= 1
    assert (preset.accuracy is None) == (preset.seconds is None)
    assert (preset.result == "not measured") == (preset.accuracy is None)


def test_names_are_unique_and_every_task_has_a_default() -> None:
    names = [preset.name for preset in presets.list_presets()]
    assert len(set(names)) == len(names)
    some, grown = ("digits", "adult", "csv"), "additive-table"
    for method, expected in (
        ("gradients", ["digits-fast", "adult", "table"]),
        ("additive", ["additive-digits", grown, grown]),
        (None, ["digits-fast", grown, grown]),
    ):
        assert [presets.default(task, method).name for task in some] == expected
        rows = [presets.default(task, method) for task in TASKS]
        assert {row.method for row in rows} == ({"gradients", "additive"} if method is None else {method})
        assert [row.task in (task, None) for row, task in zip(rows, TASKS, strict=True)] == [True] * len(TASKS)


@pytest.mark.parametrize("kind", presets.DEFAULT_METHODS)
def test_the_method_of_a_kind_of_data_is_one_row_that_can_be_changed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = {"images": "gradients", "tables": "additive"}
    assert usual == table.DEFAULT_METHODS
    for method in ("gradients", "additive"):
        monkeypatch.setitem(table.DEFAULT_METHODS, kind, method)
        expected = {**usual, kind: method}
        assert {presets.default(task).method for task in ("digits", "mnist")} == {expected["images"]}
        assert {presets.default(task).method for task in ("adult", "csv")} == {expected["tables"]}
        assert presets.default_of_shape((1, 8, 8)).method == expected["images"]
        assert presets.default_of_shape((5,)).method == expected["tables"]
        assert presets.default("adult", "gradients").name == "adult"


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"preset is 'mnist-5k'; expected one of digits-fast, mnist-fast"):
        presets.get("mnist-5k")


def test_listing_presets_needs_no_torch() -> None:
    code = "import sys; from lutsmith import presets; presets.list_presets(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_of_presets_names_every_row() -> None:
    page = (Path(__file__).parent.parent / "docs" / "presets.md").read_text(encoding="utf-8")
    named = {name for cell in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in _names(cell)}
    assert {preset.name for preset in presets.list_presets()} - {"table"} <= named
    assert "`table`" in page


def test_the_page_says_of_each_figure_how_its_settings_were_chosen() -> None:
    page = (Path(__file__).parent.parent / "docs" / "presets.md").read_text(encoding="utf-8")
    row = r"^\| `([a-z0-9-]+)` \|.*\| (validation rows|test rows|not recorded) \|$"
    chosen = dict(re.findall(row, page, re.MULTILINE))
    ours = {preset.name: preset.chosen for preset in presets.list_presets() if preset.name in chosen}
    assert chosen == ours
    assert set(chosen) == {preset.name for preset in (*IMAGES, *OURS, *TABLES, *ADDITIVE, *NEURONS)} - {"table"}
    assert {name for name, by in chosen.items() if by == "test rows"} == {"monks-1", "monks-2", "monks-3"}
    assert chosen["adult"] == "validation rows"
    assert "How these differences (rates, windows, epochs) were chosen is not recorded" in " ".join(page.split())
    assert {preset.chosen for preset in (*PUBLISHED, *CONVOLUTIONAL)} == {"not recorded"}


def _names(cell: str) -> list[str]:
    """The names of a cell such as "`a-small`, `-medium`": a leading dash stands for the first name's beginning."""
    first, *others = re.findall(r"`(.*?)`", cell)
    return [first, *(first[: first.rindex("-")] + name if name.startswith("-") else name for name in others)]
