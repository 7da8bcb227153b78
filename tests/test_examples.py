"""The examples run as they stand, and their circuits are their models."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, capsys, monkeypatch, *arguments):
    """Run an example and return the accuracies that it prints, of models and of circuits."""
    torch.manual_seed(0)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    printed = capsys.readouterr().out
    models, circuits, differing = (
        [float(number) for number in re.findall(rf"{words}: ([\d.]+)", printed)]
        for words in ("model accuracy", "circuit accuracy", "predictions that differ")
    )
    assert len(models) == len(circuits) == len(differing) >= 1
    assert set(differing) == {0}
    assert models == circuits
    return models


@pytest.mark.parametrize(
    ("name", "images", "least"), [("dwn_quick_start.py", "2000", 0.6), ("bitlogic_quick_start.py", "2000", 0.15)]
)
def test_a_quick_start_runs_as_published(name, images, least, datasets, capsys, monkeypatch):
    assert run(name, capsys, monkeypatch, "--limit", images, "--epochs", "1")[0] > least


def test_imported_models_train_on(capsys, monkeypatch):
    assert min(run("import_models.py", capsys, monkeypatch)) > 0.75


def test_every_example_is_run_by_a_test():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {
        "additive.py",  # by tests/additive/test_page.py
        "bitlogic_quick_start.py",
        "dwn_quick_start.py",
        "import_models.py",
    }
