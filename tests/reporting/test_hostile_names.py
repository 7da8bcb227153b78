"""Names in models and data may hold anything: a page shows them and obeys none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lutsmith
from lutsmith import reporting
from lutsmith.circuit import Circuit
from lutsmith.ground.printable import printable
from lutsmith.hardware.verification.report import Check, Verification
from tests.reporting.examples import HOSTILE, Page, labelled, voting, write_run

ELEMENTS = """
    html head meta title style body a header p h1 dl div dt dd nav ul li main section h2 table caption thead tbody tr
    th td span figure figcaption img strong footer svg text line rect circle path g
"""
ATTRIBUTES = """
    lang charset name content http-equiv class id href aria-label aria-labelledby role tabindex scope src alt d viewbox
    width height x y x1 x2 y1 y2 cx cy r text-anchor transform fill-opacity
"""
SOURCES = Path(reporting.__file__).parent


def named(names: tuple[str, ...], shape: tuple[int, ...] | None = None, **metadata: Any) -> Circuit:
    """A circuit whose features and classes have these names."""
    told = {"feature_names": names, **metadata} if shape is None else metadata
    return voting((len(names),) if shape is None else shape, names, luts=3, **told)


def check(html: str) -> Page:
    """Parse a page and see that nothing in it does anything."""
    page = Page.of(html)
    assert {tag for tag, _ in page.tree} <= {*ELEMENTS.split()}
    assert {name for _, names in page.tree for name in names} <= {*ATTRIBUTES.split()}
    assert all(re.fullmatch(r"#[a-z-]+", value) for value in page.all("a", "href"))
    assert all(re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", value) for value in page.all("img", "src"))
    assert all(sign.isprintable() or sign in "\n\u00a0" for sign in html)
    assert "url(" not in html.replace("url(http://example.org/x)", "")  # but as a name, in a text
    return page


def harmless(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the same lengths as pages show them, of letters alone."""
    shown = [printable(name) if name.strip() else f'"{name}"' for name in names]
    return tuple(f"{place:03}".rjust(max(3, len(text)), "x") for place, text in enumerate(shown))


@pytest.mark.parametrize("shape", [None, (4, 4)], ids=["table", "images"])
def test_hostile_names_make_no_element_and_no_attribute(shape: tuple[int, ...] | None, tmp_path: Path) -> None:
    pages = []
    for names in (HOSTILE[:18], harmless(HOSTILE[:18])):
        circuit = named(names, shape)
        x, y = labelled(circuit)
        pages.append(check(reporting.report(circuit, tmp_path / "r.html", X=x, y=y, title=names[0]).html))
        assert check((tmp_path / "r.html").read_text("utf-8")).tree == pages[-1].tree
    assert pages[0].tree == pages[1].tree
    assert "<img src=x onerror=alert(1)>" in pages[0].text
    assert r"\x1b[31mRED\x1b]0;t\x07\x01\x7f" in pages[0].text
    assert "{{ 7*7 }}{% raw %}" in pages[0].text


def test_many_hostile_classes_are_listed_and_long_names_cut(tmp_path: Path) -> None:
    circuit = named(HOSTILE)
    x, y = labelled(circuit, 300)
    page = check(reporting.report(circuit, X=x, y=y).html)
    assert "a" * 61 not in page.text
    assert r"\ufffe\uffff" in page.text


def test_hostile_records_of_runs_are_texts(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    circuit = voting((5,), ("no", "yes"))
    folder = write_run(tmp_path / "<b>run", circuit, [{bad: 1, "loss": bad, "hard": 0.5}], lowering=bad, score=bad)
    record = folder / "run.json"
    record.write_text(record.read_text().replace("digits-fast", bad).replace("0.0.9", bad).replace('"lr"', f'"{bad}"'))
    page = check(reporting.report(folder).html)
    assert bad in page.text
    check(reporting.compare(folder, circuit).page.html)


def test_hostile_checks_of_a_verification_are_texts() -> None:
    bad = "<script>alert(1)</script>\x1b"
    found = Verification((Check(bad, "formal", bad, "failed", bad),))
    page = check(reporting.report(voting((5,), ("no", "yes")), verification=found).html)
    assert r"<script>alert(1)</script>\x1b" in page.text
    assert "<script>" not in found._repr_html_()


def test_hostile_categories_and_missing_values_are_texts() -> None:
    names = ("<i>a", "<i>b")
    circuit = voting((2,), ("<u>no", "<u>yes"), feature_names=names, categories=(("<s>one", "<s>two"), None))
    x = np.array([[0, np.nan], [1, 0.3], [np.nan, 5], [7, 0.1], [0.5, 1]], np.float32)
    y = np.array(circuit.classes)[1 - circuit.predict(x)]
    page = check(reporting.report(circuit, X=x, y=y).html)
    assert "<s>one" in page.text
    assert "missing" in page.text


@given(st.lists(st.text(), min_size=2, max_size=6, unique=True))
@settings(max_examples=25, deadline=None)
def test_whatever_names_are_the_page_has_the_same_elements(given_names: list[str]) -> None:
    names = tuple(name.encode("utf-8", "replace").decode() for name in given_names)
    if len(set(names)) < len(names):
        return
    circuit = named(names)
    check(circuit._repr_html_())
    x, y = labelled(circuit, 40)
    check(reporting.compare(circuit, circuit, X=x, y=y).page.html)
    check(reporting.report(circuit, X=x, y=y).html)


def test_short_views_in_notebooks_are_escaped() -> None:
    circuit = named(HOSTILE)
    shown = circuit._repr_html_()
    assert {tag for tag, _ in Page.of(shown).tree} == {"table", "caption", "tbody", "tr", "th", "td"}
    assert len(shown) < 3000
    for view in (
        lutsmith.simplify(circuit)._repr_html_(),
        Verification((Check("<b>", "formal", "all", "proved"),))._repr_html_(),
    ):
        assert {tag for tag, _ in Page.of(view).tree} == {"table", "caption", "tbody", "tr", "th", "td"}


def test_a_page_in_a_notebook_is_one_frame_without_scripts() -> None:
    made = reporting.report(named(HOSTILE), title="<b>\x1b")
    frame = Page.of(made._repr_html_())
    assert [tag for tag, _ in frame.tree] == ["iframe"]
    assert frame.all("iframe", "sandbox") == [""]
    assert frame.all("iframe", "srcdoc") == [made.html]


def test_nothing_in_the_room_is_marked_safe() -> None:
    for path in [*SOURCES.rglob("*.py"), *SOURCES.rglob("*.jinja")]:
        text = path.read_text("utf-8")
        assert not re.search(r"Markup\(|\|\s*safe|autoescape false|autoescape=False|__html__", text), path
