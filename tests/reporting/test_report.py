"""A report says what the circuit is and does, and of what it cannot say, why."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import lutsmith
from lutsmith import reporting
from lutsmith.alu.device import LearnedALU
from lutsmith.cells import TEXTBOOK
from lutsmith.circuit.file import load, save, to_bytes
from lutsmith.hardware.verification.report import Check, Verification
from lutsmith.runs import train
from tests.reporting.examples import Page, labelled, voting, write_run

FILES = Path(__file__).parents[1] / "compatibility" / "files"
STEPS = [
    {"epoch": 1, "loss": 0.9, "hard": 0.5, "soft": 0.7, "gap": 0.2},
    {"epoch": 2, "loss": 0.4, "hard": 0.75, "soft": 0.8, "gap": 0.05},
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> lutsmith.Run:
    """A small additive run on the embedded digits, in a folder."""
    return train("digits", method="additive", max_luts=20, out=tmp_path_factory.mktemp("digits"), quiet=True)


@pytest.fixture(scope="module")
def of_run(run: lutsmith.Run) -> Page:
    return Page.of(run.report().html)


def sections(page: Page) -> list[str]:
    return page.all("section", "id")


def test_a_run_has_every_section(of_run: Page) -> None:
    names = "curves classes calibration mistakes features functions structure speed proof origin"
    assert sections(of_run) == names.split()


def test_a_run_tells_its_score_its_size_and_its_checksums(run: lutsmith.Run, of_run: Page) -> None:
    assert f"{100 * run.score:.2f} %" in of_run.text
    assert "360 rows: the test rows of digits" in of_run.text
    assert hashlib.sha256(Path(run.model).read_bytes()).hexdigest() in of_run.text
    assert f"{round(360 * (1 - run.score))} mistakes in 360 rows" in of_run.text
    assert "equal scores on 1,437 rows" in of_run.text
    assert "settings.max_luts" in of_run.text


def test_the_same_run_by_its_folder_its_model_and_itself(run: lutsmith.Run, of_run: Page) -> None:
    for source in (run.model, Path(run.model).parent, run):
        page = Page.of(reporting.report(source).html)
        assert sections(page) == sections(of_run)
        assert "Loss over training" in page.text


def test_mistakes_are_pictures_with_their_classes_told(run: lutsmith.Run, of_run: Page) -> None:
    data = lutsmith.data.load("digits")
    said = run.circuit.predict(data.x_test)
    wrong = np.flatnonzero(said != data.y_test)
    told = [
        re.fullmatch(r"Row (\d+): a sample of class (\d) that was taken for (\d)", alt)
        for alt in of_run.all("img", "alt")
    ]
    found = [match for match in told if match]
    assert len(found) == min(24, wrong.size)
    for match in found:
        row = int(match[1])
        assert (data.y_test[row], said[row]) == (int(match[2]), int(match[3]))
        assert row in wrong


def test_the_mistakes_that_are_shown_have_the_largest_lead(run: lutsmith.Run) -> None:
    data = lutsmith.data.load("digits")
    scores, said = run.circuit.decision_function(data.x_test), run.circuit.predict(data.x_test)
    wrong = np.flatnonzero(said != data.y_test)
    leads = np.sort(scores[wrong, said[wrong]] - scores[wrong, data.y_test[wrong]])[::-1]
    shown = [int(lead) for lead in re.findall(r"<figcaption>\d → \d, \+(\d+)</figcaption>", run.report().html)]
    assert shown == leads[: len(shown)].tolist()
    assert shown[0] > shown[-1]


def test_a_file_alone_leaves_out_what_it_cannot_say(run: lutsmith.Run, tmp_path: Path) -> None:
    path = tmp_path / "alone.lut"
    path.write_bytes(Path(run.model).read_bytes())
    page = Page.of(reporting.report(path).html)
    assert "A model alone does not hold the curves of its training" in page.text
    assert "360 rows: the test rows of digits" in page.text  # it tells its task
    assert "only the record of a finished run says what was shown" in page.text


def test_a_circuit_alone_is_measured_on_rows_that_are_given() -> None:
    circuit = voting((6,), ("no", "yes"), feature_names=("f0", "f1", "f2", "f3", "f4", "f5"))
    x, y = labelled(circuit)
    bare, measured = (Page.of(reporting.report(circuit, **rows).html) for rows in ({}, {"X": x, "y": y}))
    assert "No confusion matrix and no scores by class: the model does not say which task" in bare.text
    assert "the rows that were handed in" in measured.text
    right = (circuit.predict_labels(x) == y).mean()
    assert f"{100 * right:.2f} %" in measured.text
    assert hashlib.sha256(to_bytes(circuit)).hexdigest() in bare.text


@pytest.mark.parametrize("objective", ["regression", "multilabel"])
def test_numbers_and_several_labels_have_sections_of_their_own(objective: str) -> None:
    circuit = voting((6,), ("first", "second"), objective=objective)
    x = np.random.default_rng(0).random((50, 6), np.float32)
    y = circuit.predict(x).astype(float)
    if objective == "regression":
        y[:, 1] += np.random.default_rng(1).normal(size=50)
    page = Page.of(reporting.report(circuit, X=x, y=y).html)
    assert ("numbers" in sections(page)) == (objective == "regression")
    assert ("classes" in sections(page)) == (objective == "multilabel")
    assert "calibration" not in sections(page)
    if objective == "regression":
        error = circuit.predict(x)[:, 1] - y[:, 1]
        assert f"{np.abs(error).mean():.4g}" in page.text
        assert f"{np.sqrt((error**2).mean()):.4g}" in page.text


def test_an_alu_gets_what_applies_to_it(tmp_path: Path) -> None:
    alu = LearnedALU.of({name: TEXTBOOK[name] for name in ("+", "AND", "<")}, 6)
    page = Page.of(reporting.report(alu.circuit).html)
    assert sections(page) == ["operations", "features", "functions", "structure", "speed", "proof", "origin"]
    assert "All answers are right." in page.text
    assert "the circuit has integers as results" in page.text


@pytest.mark.parametrize("told", ["sha256", "luts"])
def test_proofs_of_another_alu_are_left_out(tmp_path: Path, told: str) -> None:
    made = [LearnedALU.of({name: TEXTBOOK[name] for name in names}, 4).circuit for names in (("+",), ("+", "<"))]
    proof = {"outcome": "proved", "scope": "every width", "method": "exhaustive"}
    save(made[0], tmp_path / "model.lut")
    content = (tmp_path / "model.lut").read_bytes()
    record = {"sha256": hashlib.sha256(content).hexdigest(), "luts": made[0].info()["luts"]}
    learned = [{"operation": "+", "proof": proof}]
    (tmp_path / "report.json").write_text(json.dumps({"task": "alu", "learned": learned, told: record[told]}))
    assert "for every width, exhaustive" in reporting.report(tmp_path).html
    save(made[1], tmp_path / "model.lut")
    html = reporting.report(tmp_path).html
    assert "report.json describes another circuit than the one in model.lut" in html
    assert "for every width, exhaustive" not in html


def test_a_wrong_alu_is_told_so() -> None:
    alu = LearnedALU.of({name: TEXTBOOK[name] for name in ("+", "AND")}, 4)
    netlist = alu.circuit.netlist
    broken = replace(alu.circuit, netlist=replace(netlist, outputs=netlist.outputs[::-1]), parts=())
    assert "Some answers are wrong." in Page.of(reporting.report(broken).html).text


def test_proved_and_not_established_are_told_apart(tmp_path: Path) -> None:
    circuit = voting((5,), ("no", "yes"))
    for lowering, verdict in (("proved", "proved"), ("not established: a layer of yours", "not established")):
        folder = write_run(tmp_path / verdict, circuit, STEPS, lowering=lowering)
        html = reporting.report(folder).html
        row = re.search(r"network to circuit</th>(.*?)</tr>", html, re.S)
        assert row is not None
        assert re.search(r'class="verdict [a-z-]+">([^<]*)<', row[1])[1] == verdict


def test_a_verification_becomes_rows_of_the_proof_table() -> None:
    circuit = voting((5,), ("no", "yes"))
    checks = (
        Check("design", "formal", "network", "proved"),
        Check("verilog", "formal", "network", "proved", "by &cec"),
        Check("c", "simulation", "all", "failed", "row 3 differs"),
        Check("vhdl", "formal", "all", "not run", "ghdl is missing"),
        Check("webassembly", "read-back", "module", "proved", "byte for byte; what they compute, only a simulation"),
        Check("webassembly", "simulation", "all", "simulated"),
    )
    html = reporting.report(circuit, verification=Verification(checks)).html
    found = dict(re.findall(r'<th scope="row">export: (\w+)</th>\s*<td><span class="verdict [\w-]+">([^<]+)<', html))
    assert found == {"verilog": "proved", "c": "failed", "vhdl": "not established", "webassembly": "simulated"}
    assert "row 3 differs" in html
    assert "none was verified for this report" not in html


@pytest.mark.parametrize("path", sorted(FILES.glob("*.lut")), ids=lambda path: path.stem)
def test_every_kind_of_circuit_has_a_report(path: Path) -> None:
    page = Page.of(reporting.report(path).html)
    assert {"structure", "proof", "origin"} <= set(sections(page))
    assert page.text.count("Not measured") <= 1
    assert load(path).info()["luts"] == 0 or "What the LUTs compute" in page.text


def test_headings_captions_and_texts_for_those_who_do_not_see(of_run: Page) -> None:
    tags = [tag for tag, _ in of_run.tree]
    assert (
        tags.count("h1") == tags.count("main") == tags.count("title") - tags.count("svg") - of_run_titles(of_run) == 1
    )
    assert tags.count("caption") == tags.count("table")
    assert all(of_run.all("img", "alt"))
    assert of_run.all("svg", "role") == ["img"] * tags.count("svg")
    assert of_run.all("html", "lang") == ["en"]
    labels = of_run.all("section", "aria-labelledby")
    assert set(labels) <= set(of_run.all("h2", "id"))
    assert [value.removeprefix("#") for value in of_run.all("a", "href")] == ["main", *sections(of_run)]


def of_run_titles(page: Page) -> int:
    """Titles of single cells and dots."""
    tags = [tag for tag, _ in page.tree]
    return sum(after == "title" and tag in ("rect", "circle") for tag, after in pairwise(tags))


def contrast(one: str, two: str) -> float:
    """WCAG 2's contrast of two colours (#rrggbb)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_have_contrast(theme: int) -> None:
    style = (Path(reporting.__file__).parent / "templates" / "style.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part))
        for part in style.split("@media (prefers-color-scheme: dark)")
    )
    own = {**light, **dark} if theme else light
    pairs = [(text, ground) for text in ("text", "quiet", "accent") for ground in ("card", "ground")]
    pairs += [(tone, f"{tone}-ground") for tone in ("good", "bad", "open")]
    for text, ground in (*pairs, ("text", "plain-ground"), ("text", "open-ground")):
        assert contrast(own[text], own[ground]) >= 4.5, (text, ground)
    for colour in (f"c{place}" for place in range(6)):
        assert contrast(own[colour], own["card"]) >= 3, colour


def test_a_large_model_has_a_small_page(tmp_path: Path) -> None:
    circuit = voting((1, 28, 28), tuple(range(10)), luts=1600, thresholds=(0.25, 0.5, 0.75))
    x, y = labelled(circuit, 200)
    assert circuit.netlist.num_nodes == 16_000
    assert len(reporting.report(circuit, X=x, y=y).html.encode()) < 2_000_000


def test_a_report_imports_no_torch(run: lutsmith.Run, tmp_path: Path) -> None:
    asked = f"lutsmith.report({run.model!r}, {str(tmp_path / 'r.html')!r})"
    code = f"import lutsmith, sys; {asked}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split()[-1] == "False"


def test_a_dense_gap_and_a_growth_log_have_curves(tmp_path: Path) -> None:
    html = reporting.report(write_run(tmp_path / "run", voting((5,), ("a", "b")), STEPS)).html
    assert "Gap between soft and hard" in html
    rounds = [
        {"round": n, "stage": "growing", "luts": 2 * n, "loss": 1 / n, "hard": 0.5, "validation_loss": 0.6}
        for n in (1, 2, 3)
    ]
    html = reporting.report(write_run(tmp_path / "grown", voting((5,), ("a", "b")), rounds)).html
    assert "How the network grew." in html
    assert "Gap between soft and hard" not in html
    assert json.loads((tmp_path / "grown" / "run.json").read_text())["result"]["luts"] == 16


def test_run_and_circuit_have_methods(run: lutsmith.Run, tmp_path: Path) -> None:
    made = run.report(tmp_path / "r.html", title="mine")
    assert (tmp_path / "r.html").read_text("utf-8") == made.html
    assert made.title == "mine"
    assert "accuracy, test rows" in run._repr_html_()
