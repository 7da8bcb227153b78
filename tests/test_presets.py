"""Every preset can be built, and says what is known about it."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from lutsmith import presets
from lutsmith.data import TASKS
from lutsmith.nn import Architecture, build
from lutsmith.runs.plan import Plan, Request
from lutsmith.training import Settings

SHAPES = {"digits": (1, 8, 8), "mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), None: (12,)}
LIMITS = {"mnist-4k": 4000, "fashion": 8000}


@pytest.mark.parametrize("preset", presets.list_presets(), ids=lambda preset: preset.name)
def test_every_preset_is_built_and_gives_a_score_for_each_class(preset: presets.Preset) -> None:
    plan = Plan.of(Request(preset.task or "csv", preset.name))
    architecture = Architecture.from_json(plan.architecture)
    Settings.from_json(plan.settings)
    shape = SHAPES[preset.task]
    x = np.random.default_rng(0).integers(0, 256, (50, *shape)).astype(np.uint8)
    model = build(architecture, x, 10, seed=0).eval()
    with torch.no_grad():
        assert model(torch.from_numpy(x)).shape == (50, 10)
    assert architecture.rank <= 6
    assert sum(architecture.luts) <= LIMITS.get(preset.name, 10**6)


@pytest.mark.parametrize("preset", presets.list_presets(), ids=lambda preset: preset.name)
def test_a_preset_names_its_command_and_only_measured_figures(preset: presets.Preset) -> None:
    assert preset.command.startswith(f"lutsmith train {preset.task or 'csv'} ")
    assert f"--preset {preset.name}" in preset.command
    assert re.fullmatch(r"[a-z0-9-]+", preset.name)
    assert preset.description
    assert preset.accuracy is None or 0.5 < preset.accuracy <= 1
    assert (preset.accuracy is None) == (preset.seconds is None)


def test_names_are_unique_and_every_task_has_a_default() -> None:
    names = [preset.name for preset in presets.list_presets()]
    assert len(set(names)) == len(names)
    assert {task: presets.default(task).task in (task, None) for task in TASKS} == dict.fromkeys(TASKS, True)
    assert presets.default("digits").name == "digits-fast"


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no preset 'mnist-5k'; there are digits-fast, mnist-fast"):
        presets.get("mnist-5k")


def test_listing_presets_needs_no_torch() -> None:
    code = "import sys; from lutsmith import presets; presets.list_presets(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
