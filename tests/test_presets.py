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
from lutsmith.nn import Architecture, build
from lutsmith.presets import table
from lutsmith.presets.additive import ADDITIVE
from lutsmith.presets.ours import IMAGES, TABLES
from lutsmith.presets.published import PUBLISHED
from lutsmith.runs import train
from lutsmith.runs.plan import Plan, Request
from lutsmith.training import Settings

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
    "mnist-2k": 2000, "mnist-4k": 4000, "mnist-gates-8k": 8000, "fashion": 8000, "fashion-16k": 16000,
    "dwn-mnist-n6-sm": 1500, "dwn-mnist-n6-lg": 3000, "lilogicnet-8k": 8000, "lilogicnet-32k": 32000,
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
    start = time.perf_counter()
    model = build(architecture, x, classes, 0, categorical).eval()
    assert time.perf_counter() - start < 60
    assert sum(layer.out_dim for layer in model if hasattr(layer, "out_dim")) == sum(architecture.luts)
    with torch.no_grad():
        scores = model(torch.from_numpy(x[:2]))
    assert scores.shape == (2, classes)
    assert torch.equal(scores, scores.round())
    if preset.name in LUTS:
        assert sum(architecture.luts) <= LUTS[preset.name]


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
    assert set(chosen) == {preset.name for preset in (*IMAGES, *TABLES, *ADDITIVE)} - {"table"}
    assert {name for name, by in chosen.items() if by == "test rows"} == {"monks-1", "monks-2", "monks-3"}
    assert chosen["adult"] == "validation rows"
    assert "How what differs was chosen (rates,\nwindows, epochs) is not recorded" in page
    assert {preset.chosen for preset in PUBLISHED} == {"not recorded"}


def _names(cell: str) -> list[str]:
    """The names of a cell such as "`a-small`, `-medium`": a leading dash stands for the first name's beginning."""
    first, *others = re.findall(r"`(.*?)`", cell)
    return [first, *(first[: first.rindex("-")] + name if name.startswith("-") else name for name in others)]
