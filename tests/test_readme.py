"""The README's examples run as they stand."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas

import lutsmith
from lutsmith import presets

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
NUMBER = r"(?<![\w.,])\d[\d,.]*\d|(?<![\w.,])\d(?![\w.,])"
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.S)


def test_the_first_example_trains_and_predicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(200, 3))
    y = np.where(x[:, 0] > 0, "yes", "no")
    arrays = {"X": x[50:], "y": y[50:], "X_test": x[:50], "y_test": y[:50], "X_new": x[:7]}
    names = {"images": np.zeros((3, 64), np.uint8), **arrays}
    short = EXAMPLES[0].replace("seed=0", "seed=0, epochs=2")
    arrays_part, folder_part = short.split("\n\n")[1:]
    exec(f"import lutsmith\n{arrays_part}", names)
    assert names["run"].accuracy > 0.9
    assert names["run"].network is None
    assert set(names["labels"]) <= {"yes", "no"}
    assert list(tmp_path.iterdir()) == []
    exec(folder_part, names)
    assert names["run"].accuracy > 0.5
    assert names["run"].lowering == "proved"
    assert names["labels"].shape == (3,)


def test_the_second_example_predicts_from_a_row_of_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{20 + row % 40},{('Zürich', 'Bern')[row % 2]},{('yes', 'no')[row % 2]}\n" for row in range(80))
    Path("people.csv").write_text(f"age,city,outcome\n{rows}")
    lutsmith.train("csv", data="people.csv", target="outcome", out="runs/people", luts=(20,), rank=2, epochs=3)
    names = {"lutsmith": lutsmith}
    exec(EXAMPLES[1].replace("circuit.predict_labels", "labels = circuit.predict_labels"), names)
    assert names["labels"].tolist() == names["circuit"].predict_labels([{"city": " Zürich", "age": "41.0"}]).tolist()
    assert names["labels"][0] in ("yes", "no")


def test_the_third_example_builds_a_circuit_that_is_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).integers(0, 256, (300, 784)).astype(np.uint8)
    names = {"lutsmith": lutsmith, "x_train": x}
    exec(EXAMPLES[2], names)
    import torch

    predicted = names["model"].eval()(torch.from_numpy(x)).argmax(-1)
    assert np.array_equal(names["circuit"].predict(x), predicted)
    assert Path("model.lut").exists()


def test_the_fourth_example_exports_what_it_verifies():
    from tests.circuit.examples import random_circuit

    names = {"lutsmith": lutsmith, "circuit": random_circuit(0, luts=20)}
    exec(EXAMPLES[3].replace('("verilog", "c")', '("c",)'), names)
    assert "module lutsmith" in names["verilog"]
    assert "#include" in names["header"]
    assert names["found"].ok
    assert {check.verdict for check in names["found"].of("design")} == {"proved"}


def test_the_examples_of_tables_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ages = np.arange(200) % 60 + 18
    cities = np.array(["Bern", "Zürich"])[ages % 2]
    outcome = np.where(ages > 40, "yes", "no")
    frame = pandas.DataFrame({"id": np.arange(200), "age": ages, "city": cities, "outcome": outcome})
    frame.to_csv("people.csv", index=False)
    page = (ROOT / "docs" / "tables.md").read_text("utf-8")
    names = {"frame": frame}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for code in re.findall(r"```python\n(.*?)```", page, re.S):
            exec(code, names)
    assert (names["run"].circuit.predict_labels(names["new"]) == outcome).mean() > 0.9
    said = capsys.readouterr().out
    assert "if age > 40" in said
    assert "yes at age > 40" in said
    assert "monotone in age (rises): shown by its tables" in said


def test_the_examples_of_estimators_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(400, 3))
    names = {"X": x, "y": np.where(x[:, 0] > 0, "above", "below")}
    page = (ROOT / "docs" / "sklearn.md").read_text("utf-8")
    for code in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(code, names)
    assert names["model"].score(names["X_test"], names["y_test"]) > 0.9
    assert names["pipeline"].score(names["X_test"], names["y_test"]) > 0.9
    assert any((tmp_path / "hardware").iterdir())
    capsys.readouterr()


def test_no_page_calls_proved_what_is_equal_on_given_data_only():
    pages = [README, *(page.read_text() for page in (ROOT / "docs").glob("*.md"))]
    rows = [row for page in pages for row in page.splitlines() if "given data" in row or "--care" in row]
    assert any("equal on the given rows only" in row for row in rows)
    assert any("equal on those rows only" in row for row in rows)
    assert not [row for row in rows if re.search(r"all (are )?proved", row)]


def test_every_figure_of_the_results_stands_on_a_page_and_every_command_is_there():
    sources = ("presets", "performance", "sklearn", "additive", "convolution", "alu")
    pages = "\n".join((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in sources)
    lines = [set(re.findall(NUMBER, line)) for line in pages.splitlines()]
    results = README[README.index("## Results") : README.index("## Documentation")]
    rows = [line.strip("| ").split(" | ") for line in results.splitlines() if line.endswith("` |")]
    assert len(rows) >= 8
    for what, *cells, command in rows:
        for cell in cells:  # 98.51 and its 0.03 stand in one line; only lists are made of several
            for figures in (set(re.findall(NUMBER, part)) for part in re.split(r", |; | on | to ", cell)):
                assert any(figures <= line for line in lines), f"{sorted(figures)} of {what!r}: on none of {sources}"
        (module,) = re.findall(r"python -m (benchmarks\.\w+)", command) or ("",)
        assert (
            not module
            or (ROOT / module.replace(".", "/")).with_suffix(".py").exists()
            or (ROOT / module.replace(".", "/")).is_dir()
        )
        named = re.findall(r"(?:accuracy|--preset) ([\w-]+)", command)
        assert named or module or command.strip("`") == "lutsmith train alu", command
        assert set(named) <= {preset.name for preset in presets.list_presets()}
