"""The README's examples run as they stand."""

import re
from pathlib import Path

import numpy as np

README = (Path(__file__).parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)


def test_the_first_example_trains_and_predicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"images": np.zeros((3, 64), np.uint8)}
    exec(EXAMPLES[0].replace("seed=0", "seed=0, epochs=2"), names)
    assert names["run"].accuracy > 0.5
    assert names["run"].lowering == "proved"
    assert names["labels"].shape == (3,)


def test_the_second_example_builds_a_circuit_that_is_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).integers(0, 256, (300, 784)).astype(np.uint8)
    names = {"x_train": x}
    exec(EXAMPLES[1], names)
    import torch

    predicted = names["model"].eval()(torch.from_numpy(x)).argmax(-1)
    assert np.array_equal(names["circuit"].predict(x), predicted)
    assert Path("model.lut").exists()


def test_the_third_example_exports_what_it_verifies():
    import lutsmith
    from tests.circuit.examples import random_circuit

    names = {"lutsmith": lutsmith, "circuit": random_circuit(0, luts=20)}
    exec(EXAMPLES[2].replace('("verilog", "c")', '("c",)'), names)
    assert "module lutsmith" in names["verilog"]
    assert "#include" in names["header"]
    assert names["found"].ok
    assert {check.verdict for check in names["found"].of("design")} == {"proved"}


def test_no_page_calls_proved_what_is_equal_on_given_data_only():
    pages = [README, *(page.read_text() for page in (Path(__file__).parents[1] / "docs").glob("*.md"))]
    rows = [row for page in pages for row in page.splitlines() if "given data" in row or "--care" in row]
    assert any("equal on the given rows only" in row for row in rows)
    assert any("equal on those rows only" in row for row in rows)
    assert not [row for row in rows if re.search(r"all (are )?proved", row)]
