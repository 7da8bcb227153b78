"""Pages that run circuits, in Chromium: what they say is what the circuit says, and anybody can use them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lutsmith
from lutsmith.alu.circuit import alu_circuit
from lutsmith.cells import TEXTBOOK
from lutsmith.circuit import Circuit, CircuitBuilder, Metadata
from lutsmith.circuit.heads import OBJECTIVES
from lutsmith.data.images.mnist import MNIST, read_images
from lutsmith.export import ExportError, to_page
from lutsmith.export.page import page as pages
from tests.tools import chromium, module

from ..circuit.examples import random_affine, random_circuit, random_rich_circuit
from .cases import LABELS, ranks

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
HOSTILE = (
    "</script><script>globalThis.evil = 1</script>", "<img src=x onerror=alert(1)>", "\u2028globalThis.evil = 2//", "",
    "a&lt;b", "<!--", "\x1b[31m", "\u202e rtl", "a" * 5000, "@MODEL", "${globalThis.evil = 3}", "\ud800",
)  # fmt: skip
CHECKS = Path(__file__).with_name("page_checks.js").read_text("utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = chromium()
    playwright = module("playwright.sync_api")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=found, args=list(FLAGS))
        yield launched
        launched.close()


def wait(shown: Any, condition: str) -> None:
    """Wait in the page, because its policy forbids what Playwright does to wait."""
    shown.evaluate(f"async () => {{ while (!({condition})) await new Promise((done) => setTimeout(done, 20)); }}")


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens pages of circuits from disk; afterwards, nothing was logged and nothing was asked of a network."""
    noise: list[str] = []
    contexts = []

    def open_page(
        circuit: Circuit, *, title: str | None = None, temperature: float | None = None, **context: Any
    ) -> Any:
        path = tmp_path / "page.html"
        path.write_text(to_page(circuit, title=title, temperature=temperature), "utf-8")
        contexts.append(browser.new_context(viewport={"width": 1000, "height": 900}, **context))
        shown = contexts[-1].new_page()
        shown.set_default_timeout(30_000)
        shown.on("console", lambda message: noise.append(message.text))
        shown.on("pageerror", lambda error: noise.append(str(error)))
        shown.on("dialog", lambda dialog: (noise.append(dialog.message), dialog.dismiss()))
        shown.on("request", lambda request: noise.append(request.url) if "data:" not in request.url[:5] else None)
        shown.goto(path.as_uri())
        wait(shown, "globalThis.lutsmithDemo")
        assert noise == [path.as_uri()]
        noise.clear()
        return shown

    open_page.noise = noise  # type: ignore[attr-defined]
    yield open_page
    for each in contexts:
        each.close()
    assert noise == []


@pytest.fixture(scope="module")
def mnist(datasets: Path) -> Circuit:
    x, y = read_images(MNIST, datasets, "train")
    return lutsmith.train(x[:2000], y[:2000], method="additive", max_luts=120, seed=0, quiet=True).circuit


STATE = """() => {
    const said = lutsmithDemo.state();
    const plain = (value) => value === undefined ? null : ArrayBuffer.isView(value) || Array.isArray(value)
        ? Array.from(value, (each) => typeof each === "bigint" ? String(each) : Number.isNaN(each) ? null : each)
        : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
    return plain(said);
}"""


def compared(circuit: Circuit, state: dict[str, Any]) -> np.ndarray:
    """Whether all that a page says of its values is what the circuit says; returns the values as a row."""
    values = [math.nan if value is None else float(value) for value in state["values"]]
    row = np.array([values], np.float32)
    bits = circuit.inputs.encode(row)
    netlist = replace(circuit.netlist, outputs=np.arange(circuit.netlist.num_signals, dtype=np.int32))
    np.testing.assert_array_equal(state["inputs"], bits[0])
    np.testing.assert_array_equal(state["luts"], netlist.evaluate(bits)[0, circuit.netlist.num_inputs :])
    np.testing.assert_array_equal(state["outputs"], circuit.evaluate(row)[0])
    if state["scores"] is not None:
        np.testing.assert_array_equal(state["scores"], circuit.decision_function(row)[0])
        np.testing.assert_array_equal(state["prediction"], circuit.predict(row).reshape(-1))
    return row


READ = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
    [document.querySelector(".winner").textContent,
     ...[...document.querySelectorAll("#votes tr td:last-child")].map((cell) => cell.textContent)]))))"""


def answer(shown: Any) -> str:
    """What the page shows, after it has drawn itself."""
    return shown.evaluate(READ)[0]


DRAWN = """(pixels) => {
    const canvas = document.getElementById("drawing"), ink = document.getElementById("ink");
    const box = canvas.getBoundingClientRect(), side = Math.sqrt(pixels.length);
    const send = (kind, at) => canvas.dispatchEvent(new PointerEvent(kind, {
        bubbles: true, pointerId: 1, isPrimary: true, button: kind === "pointermove" ? -1 : 0, buttons: 1,
        clientX: box.left + canvas.clientLeft + ((at % side) + 0.5) * canvas.clientWidth / side,
        clientY: box.top + canvas.clientTop + (Math.floor(at / side) + 0.5) * canvas.clientHeight / side,
    }));
    document.getElementById("clear").click();
    for (let at = 0; at < pixels.length; at++) {
        if (!pixels[at]) continue;
        ink.value = pixels[at];
        ink.dispatchEvent(new Event("input", { bubbles: true }));
        send("pointerdown", at);
        for (; at % side < side - 1 && pixels[at + 1] === pixels[at]; at++) send("pointermove", at + 1);
        send("pointerup", at);
    }
}"""
"""Draws an image with the brush of one pixel: a stroke for each run of one grey level."""


def test_a_hundred_digits_that_are_drawn_are_seen_as_the_circuit_sees_them(
    opened: Any, mnist: Circuit, datasets: Path
) -> None:
    """Pixel by pixel: bits, LUTs, votes and label, and what stands in the page."""
    shown = opened(mnist)
    images, labels = read_images(MNIST, datasets, "test")
    shown.locator("#brush").select_option("pixel")
    right = 0
    for image, label in zip(images[:100], labels[:100], strict=True):
        shown.evaluate(DRAWN, image.reshape(-1).tolist())
        row = compared(mnist, shown.evaluate(STATE))
        np.testing.assert_array_equal(row[0], image.reshape(-1))
        expected = int(mnist.predict(row)[0])
        said, *votes = shown.evaluate(READ)
        assert said == str(expected)
        assert [int(text) for text in votes] == mnist.decision_function(row)[0].tolist()
        right += expected == label
    assert right > 60  # they are digits to the circuit, too


PICTURE = """(canvas) => {
    const { width, height } = canvas, hex = getComputedStyle(document.documentElement).getPropertyValue("--on").trim();
    const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const on = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => {
        const at = 4 * (y * width + x);
        return data[at + 3] === 0 ? -1 : Number(on.every((value, c) => data[at + c] === value));
    }));
}"""
"""The pixels of a picture of bits: 1, 0, and -1 where there is nothing."""


def test_pictures_show_the_bits_and_luts_that_there_are(opened: Any) -> None:
    circuit = random_circuit(0, input_shape=(9, 9), luts=70, group=30)
    shown = opened(circuit)
    answer(shown)
    state = shown.evaluate(STATE)
    start = 0
    for level, size in enumerate(np.diff(circuit.netlist.level_ptr).tolist()):
        picture = np.array(shown.locator("#levels canvas").nth(level).evaluate(PICTURE))[::5, ::5].reshape(-1)
        luts = state["luts"][start : start + size]
        np.testing.assert_array_equal(picture[:size], luts)
        assert (picture[size:] == -1).all()
        caption = shown.locator("#levels figcaption").nth(level).inner_text()
        assert caption == f"Level {level + 1}: {sum(luts)} of {size} LUTs give 1"
        start += size
    feature, threshold = circuit.encoder.feature, circuit.encoder.threshold
    row = np.array([state["values"]], np.float32)
    for plane in range(3):
        picture = np.array(shown.locator("#planes canvas").nth(plane).evaluate(PICTURE))
        limits = [np.sort(threshold[feature == pixel]) for pixel in range(81)]
        expected = [
            -1 if own.size <= plane else int(value > own[plane]) for value, own in zip(row[0], limits, strict=True)
        ]
        np.testing.assert_array_equal(picture.reshape(-1), expected)


@pytest.mark.parametrize("levels", [9, 401])
def test_all_luts_of_deep_circuits_are_in_one_picture(opened: Any, levels: int) -> None:
    rng = np.random.default_rng(levels)
    builder = CircuitBuilder((3,))
    signals = builder.compare([0, 1, 2], [0.5, 0.5, 0.5])
    for _ in range(levels):
        count = int(rng.integers(3, 40))
        signals = builder.lut(rng.choice(signals, (count, 2)), rng.integers(0, 2, (count, 4)))
    builder.popcount(signals, 1)
    circuit = builder.build()
    shown = opened(circuit)
    answer(shown)
    picture = np.array(shown.locator("#levels canvas").evaluate(PICTURE))
    luts = shown.evaluate(STATE)["luts"]
    assert shown.locator("#levels canvas").count() == 1
    assert shown.locator("#levels figcaption").inner_text().endswith(f": {sum(luts):,} of {len(luts):,} LUTs give 1")
    cell = {9: 5, 401: 5 if len(luts) <= 6000 else 2}[levels]
    assert (picture[::cell, ::cell] >= 0).sum() == len(luts)
    assert (picture[::cell, ::cell] == 1).sum() == sum(luts)


def test_a_mouse_draws_and_erases(opened: Any, mnist: Circuit) -> None:
    shown = opened(mnist)
    shown.locator("#clear").click()
    assert not any(shown.evaluate(STATE)["values"])
    box = shown.locator("#drawing").bounding_box()
    x, y, side = box["x"], box["y"], box["width"]
    before = np.zeros(784)
    for brush in ("1.9", "1.1", "0.7"):
        shown.locator("#brush").select_option(brush)
        shown.mouse.move(x + 0.3 * side, y + 0.3 * side)
        shown.mouse.down()
        shown.mouse.move(x + 0.6 * side, y + 0.5 * side, steps=4)
        shown.mouse.up()
        shown.mouse.move(x + 0.9 * side, y + 0.9 * side)  # no button is held: nothing is drawn
        row = compared(mnist, shown.evaluate(STATE))
        assert (row[0] >= before).all()  # a soft edge takes nothing from what is there
        before = row[0]
    image = row.reshape(28, 28)
    assert image[8, 8] == 255
    assert ((image > 0) & (image < 255)).any()
    assert not image[23:].any()
    assert answer(shown) == str(mnist.predict(row)[0])
    shown.locator("#erase").check()
    shown.mouse.move(x + 0.3 * side, y + 0.3 * side)
    shown.mouse.down()
    shown.mouse.up()
    assert compared(mnist, shown.evaluate(STATE)).reshape(28, 28)[8, 8] == 0


def test_a_finger_draws(opened: Any, mnist: Circuit) -> None:
    shown = opened(mnist, has_touch=True, is_mobile=True)
    shown.locator("#clear").tap()
    box = shown.locator("#drawing").bounding_box()
    shown.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert compared(mnist, shown.evaluate(STATE)).reshape(28, 28)[13:15, 13:15].all()


def test_the_keyboard_alone_draws(opened: Any, mnist: Circuit) -> None:
    shown = opened(mnist)
    shown.locator("#clear").focus()
    shown.keyboard.press("Enter")
    for _ in range(9):
        if shown.evaluate("document.activeElement.id") == "drawing":
            break
        shown.keyboard.press("Shift+Tab")
    assert shown.evaluate("document.activeElement.id") == "drawing"
    shown.locator("#brush").select_option("pixel")
    shown.locator("#drawing").focus()
    for key in ("ArrowUp", "Space", "Shift+ArrowRight", "Shift+ArrowRight", "ArrowDown", "Enter"):
        shown.keyboard.press(key)
    image = compared(mnist, shown.evaluate(STATE)).reshape(28, 28)
    assert sorted(map(tuple, np.argwhere(image == 255).tolist())) == [(13, 14), (13, 15), (13, 16), (14, 16)]
    assert shown.locator("#where").inner_text() == "Row 15, column 17, ink 255"
    shown.keyboard.press("Delete")
    assert compared(mnist, shown.evaluate(STATE)).reshape(28, 28)[14, 16] == 0


@pytest.mark.parametrize("shape", [(3, 6, 5), (6, 5, 3), (6, 5), (49,)])
def test_images_of_other_shapes_are_drawn(opened: Any, shape: tuple[int, ...]) -> None:
    circuit = random_circuit(3, input_shape=shape)
    shown = opened(circuit)
    compared(circuit, shown.evaluate(STATE))
    shown.locator("#clear").click()
    shown.locator("#brush").select_option("pixel")
    if 3 in shape:
        shown.evaluate("document.getElementById('ink').value = '#102030'")
    shown.locator("#drawing").focus()
    shown.keyboard.press("Space")
    row = compared(circuit, shown.evaluate(STATE))
    colour = [16, 32, 48] if 3 in shape else [255]
    image = row.reshape(shape)
    pixel = {(3, 6, 5): lambda: image[:, 3, 2], (6, 5, 3): lambda: image[3, 2], (6, 5): lambda: image[3, 2:3]}
    np.testing.assert_array_equal(pixel.get(shape, lambda: image[24:25])(), colour)
    assert np.count_nonzero(row) == len(colour)


def table(objective: str = "classification", names: tuple[str, ...] = ("age", "city", "rate", "count")) -> Circuit:
    """A number, a category, whether a rate is missing, and a word."""
    rng = np.random.default_rng(1)
    builder = CircuitBuilder((4,))
    bits = [
        builder.compare([0, 0, 0, 1, 1, 2], [20.5, 40.5, 60.5, 0.5, 1.5, 0.25]),
        builder.words(3, 5),
        builder.missing([2]),
    ]
    signals = np.concatenate(bits)
    luts = builder.lut(rng.choice(signals, (30, 4)), rng.integers(0, 2, (30, 16)))
    builder.popcount(luts, 3, **random_affine(4, 3, 3, objective) if objective != "classification" else {})
    return builder.build(
        objective=objective,
        classes=tuple(f"{name}!" for name in names[:3]),
        fitted_range=(np.array([17, 0, 0, 0], np.float32), np.array([90, 2, 1, 31], np.float32)),
        metadata=Metadata(feature_names=names, categories=(None, ("Bern", names[0], "Zürich"), None, None)),
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_table_is_asked_by_sliders_lists_and_missing_values(opened: Any, objective: str) -> None:
    circuit = table(objective)
    shown = opened(circuit)
    assert shown.locator(".feature > label").all_inner_texts() == ["age", "city", "rate", "count"]
    assert shown.locator("#feature-1 option").all_inner_texts() == ["Bern", "age", "Zürich"]

    def row() -> list[float]:
        state = shown.evaluate(STATE)
        given = compared(circuit, state)
        said = circuit.predict(given)[0]
        if objective == "classification":
            assert answer(shown) == f"{circuit.classes[said]}"
        elif objective == "multilabel":
            names = [name for name, on in zip(circuit.classes, said, strict=True) if on]
            assert answer(shown) == (", ".join(names) or "none of the labels")
        else:
            assert answer(shown).startswith("age!: ")
        return given[0].tolist()

    row()
    slider = shown.get_by_role("slider", name="age")
    slider.focus()
    before = row()[0]
    shown.keyboard.press("ArrowRight")
    assert row()[0] == before + 1
    shown.get_by_label("age, as a number").fill("21")
    shown.get_by_label("city", exact=True).select_option(label="Zürich")
    shown.get_by_label("rate is missing").check()
    shown.get_by_label("count, as a number").fill("30")
    np.testing.assert_array_equal(row(), [21, 2, np.nan, 30])
    assert shown.locator("#feature-2").is_disabled()
    shown.get_by_label("age, as a number").fill("")  # no number is a missing value
    assert np.isnan(row()[0])
    shown.get_by_role("button", name="Random values").click()
    assert not np.isnan(row()).any()


def test_the_probability_of_the_answer_is_told_where_a_temperature_is_given(opened: Any) -> None:
    circuit = table()
    assert "probability" not in opened(circuit).locator("#said").inner_text()
    shown = opened(circuit, temperature=2.5)
    row = compared(circuit, shown.evaluate(STATE))
    weights = np.exp(circuit.decision_function(row)[0] / 2.5)
    answer(shown)
    said = shown.locator(".said-of").inner_text()
    assert said.endswith(f"; probability {100 * weights.max() / weights.sum():.1f} %")


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, "1", True])
def test_a_temperature_that_gives_no_probabilities_is_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"temperature is .*; expected a number above 0"):
        to_page(table(), temperature=wrong)
    with pytest.raises(ValueError, match="not a classifier"):
        to_page(table("regression"), temperature=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_circuit_gives_is_told(opened: Any, seed: int) -> None:
    """Integers, several heads, places."""
    traits = [["integers"], ["several heads", "words"], ["places"], ["integers", "several heads", "missing values"]][
        seed
    ]
    circuit = replace(random_rich_circuit(seed, traits), input_shape=(8,))
    shown = opened(circuit)
    text = answer(shown)
    state = shown.evaluate(STATE)
    row = np.array([state["values"]], np.float32)
    np.testing.assert_array_equal(state["outputs"], circuit.evaluate(row)[0])
    said = circuit.predict(row)
    for value in said.values() if isinstance(said, dict) else [said]:
        for inner in value.values() if isinstance(value, dict) else [value]:
            if inner.dtype.kind in "iuO" and inner.size < 40:
                assert all(str(each) in text for each in inner.reshape(-1).tolist()), text


@pytest.mark.parametrize("bits", [8, 40])
def test_an_alu_is_a_calculator(opened: Any, bits: int) -> None:
    operations = ("+", "-", "*", "NOT")
    circuit = alu_circuit({name: TEXTBOOK[name] for name in operations}, bits)
    shown = opened(circuit)
    a, b = (1 << bits) - 3, (1 << bits - 1) + 5
    shown.locator("#a").fill(str(a))
    shown.locator("#b").fill(hex(b))
    for name, result in (("+", a + b), ("-", a - b), ("*", a * b)):
        shown.locator("#operation").select_option(label=name)
        assert answer(shown) == f"{a} {name} {b} = {result}"
    shown.locator("#operation").select_option(label="NOT")
    assert answer(shown) == f"NOT {a} = 2"
    assert shown.locator("#b").is_disabled()
    box = shown.locator("#a")
    for wrong in ("-1", str(1 << bits), "x", ""):
        box.fill(wrong)
        assert box.get_attribute("aria-invalid") == "true"
        assert shown.locator("#a-error").inner_text() == f"A whole number from 0 to {(1 << bits) - 1}"
        assert answer(shown) == f"NOT {a} = 2"
    box.fill("0b11")
    assert box.get_attribute("aria-invalid") == "false"


def test_hostile_names_do_nothing(opened: Any) -> None:
    names = HOSTILE
    builder = CircuitBuilder((len(names),))
    builder.popcount(builder.compare(np.arange(len(names)), np.zeros(len(names))), len(names))
    circuit = builder.build(
        classes=(*(f"{name}." for name in names[:-1]), "\ud800"),
        metadata=Metadata(feature_names=names, categories=(names[:3], *[None] * (len(names) - 1))),
    )
    shown = opened(circuit, title=HOSTILE[0])
    assert shown.evaluate("globalThis.evil") is None
    assert shown.locator("script").count() == 2
    assert shown.locator("img").count() == 0
    assert shown.locator("h1").inner_text() == HOSTILE[0]
    labels = shown.locator(".feature > label").all_inner_texts()
    assert labels[:4] == [*HOSTILE[:2], r"\u{2028}globalThis.evil = 2//", "(no name)"]
    assert labels[6:8] == [r"\u{1b}[31m", r"\u{202e} rtl"]
    assert len(labels[8]) == 80
    assert answer(shown) == HOSTILE[0] + "."  # a tie at 0, or the first feature alone
    assert shown.locator("#votes th").count() == len(names)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 1000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["image", "table", "alu"])
@pytest.mark.parametrize("width", [1000, 360])
def test_everything_has_a_name_contrast_and_room(opened: Any, kind: str, scheme: str, width: int) -> None:
    """By the checks of `page_checks.js`: WCAG 2.1's names, contrast (1.4.3, 1.4.11), reflow, and no trap."""
    make = {
        "image": lambda: random_circuit(0, input_shape=(9, 9)),
        "table": table,
        "alu": lambda: alu_circuit({"+": TEXTBOOK["+"]}, 6),
    }
    shown = opened(make[kind](), color_scheme=scheme)
    shown.set_viewport_size({"width": width, "height": 800})
    answer(shown)
    assert shown.evaluate(CHECKS) == []
    stops = shown.evaluate("[...document.querySelectorAll('a, button, input, select, [tabindex=\"0\"]')].length")
    seen = []
    for _ in range(stops + 2):
        shown.keyboard.press("Tab")
        seen.append(
            shown.evaluate(
                "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
            )
        )
        outline = shown.evaluate(
            "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle"
        )
        assert outline in (True, "solid")
    assert "BODY" in seen  # the focus leaves the page


def test_the_checks_find_what_is_wrong(opened: Any) -> None:
    shown = opened(table())
    shown.evaluate("""() => {
        document.querySelector("#feature-0").removeAttribute("id");
        document.querySelector("#about").style.color = "#ccc";
        document.querySelector("button").textContent = "";
        document.querySelector("canvas").removeAttribute("aria-label");
    }""")
    found = "\n".join(shown.evaluate(CHECKS))
    assert [
        key
        for key in ("input without a name", "contrast", "button without a name", "canvas without a name")
        if key not in found
    ] == []


def test_a_change_of_colours_is_followed(opened: Any) -> None:
    image = module("PIL.Image")
    shown = opened(random_circuit(0, input_shape=(9, 9)))
    corner = shown.locator("#drawing")
    answer(shown)
    light = corner.screenshot()
    shown.emulate_media(color_scheme="dark")
    answer(shown)
    means = [np.asarray(image.open(io.BytesIO(data)).convert("L")).mean() for data in (light, corner.screenshot())]
    assert means[0] > 170
    assert means[1] < 90


def test_how_long_a_prediction_takes_is_told(opened: Any) -> None:
    shown = opened(table())
    wait(shown, "document.querySelector('#speed').textContent")
    assert shown.locator("#speed").inner_text().count("µs") == 2


def test_the_policy_of_the_page_forbids_scripts_and_networks(opened: Any) -> None:
    shown = opened(table())
    tried = """async () => {
        const script = document.createElement("script");
        script.textContent = "globalThis.evil = 1";
        document.body.append(script);
        const fetched = await fetch("https://example.com/").then(() => "fetched", () => "refused");
        return [globalThis.evil === undefined, fetched];
    }"""
    assert shown.evaluate(tried) == [True, "refused"]
    assert opened.noise
    assert all("Content Security Policy" in text for text in opened.noise)
    opened.noise.clear()


def test_a_page_of_4_000_luts_is_small_and_the_same_each_time() -> None:
    rng = np.random.default_rng(0)
    builder = CircuitBuilder((1, 28, 28))
    bits = builder.compare(np.repeat(np.arange(784), 4), np.tile([30.5, 80.5, 140.5, 200.5], 784)).reshape(-1)
    builder.popcount(builder.lut(rng.choice(bits, (4000, 6)), rng.integers(0, 2, (4000, 64))), 10)
    circuit = builder.build()
    text = to_page(circuit)
    assert len(text.encode()) < pages.USUAL / 2
    assert text == to_page(circuit)


def test_names_stand_in_the_page_as_json_that_closes_nothing() -> None:
    circuit = replace(table(names=("</script>", "<!--", "&amp;", "\u2029")), classes=LABELS[:3])
    text = to_page(circuit, title="</title>")
    data = text.partition('id="model">')[2].partition("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(data)
    told = json.loads(data)
    assert told["title"] == "</title>"
    assert [feature["name"] for feature in told["controls"]["features"]] == ["</script>", "<!--", "&amp;", "\u2029"]
    assert text.count("</script>") == 2


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (ranks(registers=2), "2 registers"),
        (random_circuit(0, input_shape=(2, 3, 4, 5)), r"samples of shape \(2, 3, 4, 5\)"),
        (random_circuit(0, input_shape=(2, 9, 9)), r"samples of shape \(2, 9, 9\)"),
        (random_circuit(0, input_shape=(1, 129, 4)), "at most 128 x 128"),
        (random_circuit(0, input_shape=(513,)), "at most 512 features"),
    ],
)
def test_what_a_page_cannot_show_is_refused(circuit: Circuit, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        to_page(circuit)


def test_a_page_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LARGEST", 10_000)
    with pytest.raises(ExportError, match=r"the page would have .* bytes, and at most 10,000 are made: .* simplify"):
        to_page(table())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("low", "high", "thresholds", "expected"),
    [
        (17, 90, [20.5], {"low": 17, "high": 90, "step": 1, "start": 20}),
        (0, 1, [0.25], {"low": 0, "high": 1, "step": 0.005, "start": 0.25}),
        (None, None, [10.25, 20.25], {"low": 9.25, "high": 21.25, "step": 0.1}),
        (None, None, [10, 20], {"low": 9, "high": 21, "step": 1}),
        (None, None, [np.inf], {"low": 0, "high": 1, "step": 0.005, "start": 0.5}),
        (3, 3, [0.5], {"low": -0.5, "high": 1.5, "step": 0.01}),
        (-np.inf, np.inf, [2], {"low": 0, "high": 4, "step": 1}),
    ],
)
def test_sliders_go_where_the_data_were(
    low: Any, high: Any, thresholds: list[float], expected: dict[str, float]
) -> None:
    from lutsmith.export.page.controls import controls

    builder = CircuitBuilder((1,))
    builder.popcount(builder.compare(np.zeros(len(thresholds), int), np.array(thresholds, np.float32)), 1)
    finite = low is not None and np.isfinite(low)
    circuit = builder.build(fitted_range=(np.float32([low]), np.float32([high])) if finite else None)
    (feature,) = controls(circuit)["features"]
    assert {key: feature[key] for key in expected} == pytest.approx(expected)
