"""The README's examples run as they stand."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas

import lutsmith

README = (Path(__file__).parents[1] / "README.md").read_text()
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


def test_the_second_example_fits_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(300, 3))
    names = {"lutsmith": lutsmith, "X": x, "price": 1e5 * x[:, 0] + 3e5}
    exec(EXAMPLES[1], names)
    assert names["report"].measure == "R^2"
    assert names["report"].score > 0.5
    assert names["circuit"].predict(x[:5]).shape == (5,)
    assert list(tmp_path.iterdir()) == []


def test_the_third_example_builds_a_circuit_that_is_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).integers(0, 256, (300, 784)).astype(np.uint8)
    names = {"lutsmith": lutsmith, "x_train": x}
    exec(EXAMPLES[2], names)
    import torch

    predicted = names["model"].eval()(torch.from_numpy(x)).argmax(-1)
    assert np.array_equal(names["circuit"].predict(x), predicted)
    assert Path("model.lut").exists()


def test_the_fourth_example_predicts_from_a_row_of_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{20 + row % 40},{('Zürich', 'Bern')[row % 2]},{('yes', 'no')[row % 2]}\n" for row in range(80))
    Path("people.csv").write_text(f"age,city,outcome\n{rows}")
    lutsmith.train("csv", data="people.csv", target="outcome", out="runs/people", luts=(20,), rank=2, epochs=3)
    names = {"lutsmith": lutsmith}
    exec(EXAMPLES[3].replace("circuit.predict_labels", "labels = circuit.predict_labels"), names)
    assert names["labels"].tolist() == names["circuit"].predict_labels([{"city": " Zürich", "age": "41.0"}]).tolist()
    assert names["labels"][0] in ("yes", "no")


def test_the_fifth_example_exports_what_it_verifies():
    from tests.circuit.examples import random_circuit

    names = {"lutsmith": lutsmith, "circuit": random_circuit(0, luts=20)}
    exec(EXAMPLES[4].replace('("verilog", "c")', '("c",)'), names)
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
    page = (Path(__file__).parents[1] / "docs" / "tables.md").read_text()
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
    page = (Path(__file__).parents[1] / "docs" / "sklearn.md").read_text()
    for code in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(code, names)
    assert names["model"].score(names["X_test"], names["y_test"]) > 0.9
    assert names["pipeline"].score(names["X_test"], names["y_test"]) > 0.9
    assert any((tmp_path / "hardware").iterdir())
    capsys.readouterr()


def test_no_page_calls_proved_what_is_equal_on_given_data_only():
    pages = [README, *(page.read_text() for page in (Path(__file__).parents[1] / "docs").glob("*.md"))]
    rows = [row for page in pages for row in page.splitlines() if "given data" in row or "--care" in row]
    assert any("equal on the given rows only" in row for row in rows)
    assert any("equal on those rows only" in row for row in rows)
    assert not [row for row in rows if re.search(r"all (are )?proved", row)]
