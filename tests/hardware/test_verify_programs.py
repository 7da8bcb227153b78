"""Programs read back: what users read in them is the model's, and code that is said to be the export's is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lutsmith.circuit import Circuit, CircuitBuilder, Metadata, NetlistBuilder
from lutsmith.export import FORMATS, Options, to_c, to_javascript, to_webassembly
from lutsmith.hardware import Verification, verify, verify_files
from lutsmith.hardware.simulation.software import c_compiler
from lutsmith.hardware.tools.tool import ToolFailed
from lutsmith.hardware.verification.checks import CHECKS
from lutsmith.hardware.verification.readback.modules import module_of
from lutsmith.hardware.verification.readers.boxes import Mismatch
from lutsmith.hardware.verification.sources.programs.lexemes import c_lexemes, javascript_lexemes
from lutsmith.logic import Words
from tests.circuit.examples import random_affine, random_circuit
from tests.export.cases import CASES, ranks, with_range
from tests.hardware.examples import tiny
from tests.tools import needs

PROGRAMS = ("c", "c-compact", "javascript", "onnx", "json")


def named(objective: str = "classification") -> Circuit:
    """`tiny` with names of everything."""
    circuit = random_circuit(
        1, input_shape=(3,), classes=2, group=2, luts=4, objective=objective, affine=random_affine(1, 2, 2, objective)
    )
    return replace(
        circuit,
        classes=("cat", "dog"),
        metadata=Metadata.from_json({"feature_names": ["age", "height", "weight"], "seed": 1}),
    )


def exported(format_: str, circuit: Circuit, **options: object) -> dict[str, bytes]:
    if format_ == "onnx":
        pytest.importorskip("onnx")
    return FORMATS[format_].files(circuit, Options(**options))


def read_back(circuit: Circuit, format_: str, text: str | bytes, **options: object) -> dict[str, str]:
    """The verdict and reason of each part, by the reading back alone."""
    data = text.encode() if isinstance(text, str) else text
    found = verify_files(circuit, format_, {"file": data}, layers=("read-back",), **options)
    assert found.of(format_)
    return {check.part: f"{check.verdict}: {check.reason}" for check in found.of(format_)}


def text_of(format_: str, circuit: Circuit) -> str:
    (data,) = exported(format_, circuit).values()
    return data.decode()


@pytest.mark.parametrize("format_", PROGRAMS)
@pytest.mark.parametrize("case", CASES)
def test_an_export_is_proved_to_be_what_the_export_writes(format_, case):
    (data,) = exported(format_, CASES[case]).values()
    found = verify_files(CASES[case], format_, {"file": data}, layers=("read-back",))
    assert {check.verdict for check in found.of(format_)} == {"proved"}, str(found)


@pytest.mark.parametrize("format_", ["c", "c-compact", "javascript", "onnx"])
def test_a_name_that_users_chose_for_the_export_is_taken(format_):
    if format_ == "onnx":
        pytest.importorskip("onnx")
    (data,) = exported(format_, tiny(), name="my_model").values()
    parts = read_back(tiny(), format_, data)
    assert {text.partition(":")[0] for text in parts.values()} == {"proved"}


@pytest.mark.parametrize("format_", ["c", "c-compact"])
def test_headers_of_words_are_read_back(format_):
    circuit = with_range(ranks())
    (data,) = exported(format_, circuit, words=Words.derive(circuit, 5)).values()
    parts = read_back(circuit, format_, data, words=5)
    assert all(text.startswith("proved") for text in parts.values()), parts
    other = read_back(circuit, format_, data, words=6)
    assert any(text.startswith("failed") for text in other.values())


def _swapped(data: bytes, one: str, other: str) -> bytes:
    """The file with two names of three or more letters swapped, wherever they stand."""
    pairs = {one.encode(): other.encode(), other.encode(): one.encode()}
    pattern = rf"(?<![a-z])({one}|{other})(?![a-z])".encode()
    swapped = re.sub(pattern, lambda match: pairs[match[0]], data)
    assert swapped != data
    return swapped


@pytest.mark.parametrize("format_", PROGRAMS)
@pytest.mark.parametrize(
    ("one", "other", "place"), [("cat", "dog", r"class|classes"), ("height", "weight", r"feature.?[Nn]ames")]
)
def test_swapped_names_fail(format_, one, other, place):
    (data,) = exported(format_, named()).values()
    parts = read_back(named(), format_, _swapped(data, one, other))
    told = parts.get("names", parts.get("all", ""))
    assert told.startswith("failed")
    assert re.search(place, told)
    assert one in told
    assert other in told


@pytest.mark.parametrize("format_", PROGRAMS)
def test_names_that_a_model_has_not_fail(format_):
    (data,) = exported(format_, replace(named(), classes=None)).values()
    parts = read_back(named(), format_, data)
    assert any(text.startswith("failed") for text in parts.values())
    (data,) = exported(format_, named()).values()
    parts = read_back(replace(named(), classes=None), format_, data)
    assert any(text.startswith("failed") for text in parts.values())


@pytest.mark.parametrize("format_", ["c", "javascript"])
@pytest.mark.parametrize("change", [("3 features", "2 features"), ("4 LUTs", "5 LUTs"), ("(depth", "(deep")])
def test_a_comment_that_states_another_fact_fails(format_, change):
    text = text_of(format_, named())
    altered = re.sub(re.escape(change[0]), change[1], text, count=1)
    if altered == text:
        altered = re.sub(r"\d+ LUTs", "999 LUTs", text, count=1)
    assert altered != text
    parts = read_back(named(), format_, altered)
    assert parts["names"].startswith("failed: line ")
    assert parts["code"].startswith("proved")


def _bare(format_: str, text: str) -> str:
    """A program without its comments."""
    pieces = c_lexemes if format_.startswith("c") else javascript_lexemes
    for comment in pieces(text.encode()).comments:
        body = r"\s+".join(map(re.escape, comment.text.split(" ")))
        text = re.sub(body, " ", text, count=1)
    assert not pieces(text.encode()).comments
    return text


@pytest.mark.parametrize("format_", ["c", "c-compact", "javascript"])
def test_comments_may_be_missing(format_):
    text = text_of(format_, named())
    parts = read_back(named(), format_, text[text.index("*/") + 2 :])
    assert {said.partition(":")[0] for said in parts.values()} == {"proved"}, parts
    parts = read_back(named(), format_, _bare(format_, text))
    assert {said.partition(":")[0] for said in parts.values()} == {"proved"}, parts
    assert re.search(r"sizes and 0 of \d+ comments", parts["names"])


@pytest.mark.parametrize("format_", ["c", "javascript"])
def test_comments_in_another_place_fail(format_):
    text = text_of(format_, named())
    first, last = ("/* level 1 */", "/* level 2 */") if format_ == "c" else ("/** Check samples", "/** The encoder")
    one, other = (text[text.index(it) : text.index("*/", text.index(it)) + 2] for it in (first, last))
    parts = read_back(named(), format_, text.replace(one, "@").replace(other, one).replace("@", other))
    assert "where it does not stand" in parts["names"]
    assert parts["names"].startswith("failed")


@pytest.mark.parametrize(
    ("format_", "old", "new"),
    [
        ("c", "LUTSMITH_RESULTS 1", "LUTSMITH_RESULTS 2"),
        ("c", "LUTSMITH_INPUTS ", "LUTSMITH_INPUTS 1"),
        ("javascript", "OUTPUTS = 4", "OUTPUTS = 5"),
    ],
)
def test_another_size_fails(format_, old, new):
    text = text_of(format_, named())
    assert old in text
    assert read_back(named(), format_, text.replace(old, new))["names"].startswith("failed")


def test_a_size_that_is_not_there_is_called_missing():
    text = text_of("c", named())
    (line,) = (line for line in text.splitlines(keepends=True) if "define LUTSMITH_RESULTS" in line)
    said = read_back(named(), "c", text.replace(line, ""))["names"]
    assert said.startswith("failed: LUTSMITH_RESULTS is missing, expected ")


@pytest.mark.parametrize("format_", ["c", "c-compact", "javascript"])
def test_comments_that_were_added_are_all_quoted_in_full(format_):
    text = text_of(format_, named())
    mine = [f"/* {'very ' * 20}much so, {letter} */" for letter in "abcdefgh"]
    parts = read_back(named(), format_, "/* Licence: ours, @license */" + text + "".join(mine))
    assert parts["names"].startswith("proved")
    assert "nothing vouches for 9 others" in parts["names"]
    assert "line 1: '/* Licence: ours, @license */'" in parts["names"]
    assert all(comment in parts["names"] for comment in mine)
    assert parts["code"].startswith("proved")


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["c", "c-compact", "javascript"])
@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("/* the first is a dog */", "says something of the model"),
        ("/* DOG_FIRST */", "says something of the model"),
        ("/* heights */", "says something of the model"),
        ("/* \uff44\uff4f\uff47 comes first */", "says something of the model"),
        ("/* class 1 comes first */", "says something of the model"),
        ("/* 'one' */", "says something of the model"),
        ("/* The first output is the dearest */", "says something of the model"),
        ("/* " + "so " * 100 + "*/", "too many to vouch for"),
        ("/* so */ " * 21, "too many comments to vouch for"),
        *((f"/* {'so */ /*' * count} dog */", "says something of the model") for count in (3, 4)),
        *(
            (f"/*{word}*/", "which some tools obey")
            for word in (
                "#__PURE__", " @__PURE__ ", " so #__PURE__", "@__NO_SIDE_EFFECTS__", "# sourceMappingURL=x",
                "@ sourceURL=x", " @ts-nocheck ", "* @jsx h ", " so @nosideeffects ", " webpackIgnore: true ",
                " eslint no-undef: error ", " istanbul ignore next ", " v8 ignore next ", " c8 ignore start ",
                " @preserve ", "@cc_on", ":: type ", " #pragma omp simd ", " pragma ", " LCOV_EXCL_START ",
                " GCC diagnostic ", " </script> ", " <!-- ", "@ ensures false; ", " synopsys so ", " tool lint_off ",
            )
        ),
    ],
)  # fmt: skip
def test_comments_that_say_or_do_something_fail(format_, added, told):
    text = text_of(format_, named())
    cut = text.index("{") if format_ == "javascript" else len(text)
    parts = read_back(named(), format_, text[:cut] + added + text[cut:])
    assert parts["names"].startswith("failed"), parts
    assert told in parts["names"]
    if "too many comments" not in told:
        line = text[:cut].count("\n") + 1
        assert parts["names"].startswith(f"failed: the comment in line {line} "), parts


def test_a_module_that_bundlers_would_empty_fails():
    text = text_of("javascript", named())
    parts = read_back(named(), "javascript", text.replace("(function () {", "/*#__PURE__*/ (function () {"))
    assert parts["names"].startswith("failed")
    assert "which some tools obey" in parts["names"]


@pytest.mark.parametrize("format_", ["c", "c-compact", "javascript"])
def test_other_white_space_and_line_ends_change_nothing(format_):
    text = text_of(format_, named())
    spaced = "\r\n".join("\t" + line + " " if not line.endswith("\\") else line for line in text.split("\n"))
    parts = read_back(named(), format_, spaced)
    assert all(text.startswith("proved") for text in parts.values()), parts


TRICKS: dict[str, Callable[[str], str]] = {
    "a branch of the preprocessor": lambda text: text.replace(
        "        scores[c] = counts[c];",
        "#ifdef __GNUC__\n        scores[c] = counts[c];\n#else\n        scores[c] = -counts[c];\n#endif",
    ),
    "a line that includes": lambda text: text.replace("#include <stdint.h>", '#include <stdint.h>\n#include "x.h"'),
    "a macro": lambda text: text.replace("#define LUTSMITH_GET", "#define counts scores\n#define LUTSMITH_GET"),
    "a space in a macro": lambda text: text.replace("LUTSMITH_GET(s, i)", "LUTSMITH_GET (s, i)", 1),
    "a trigraph": lambda text: text.replace("int32_t best = 0, c;", "// really??/\n int32_t best = 0, c;"),
    "a backslash that ends a comment": lambda text: text.replace(
        "int32_t best = 0, c;", "// so \\\n int32_t best = 0, c;"
    ),
    "a backslash and a blank": lambda text: text.replace("int32_t best = 0, c;", "// so \\ \n int32_t best = 0, c;"),
    "a joined end of a comment": lambda text: text.replace(
        "int32_t best = 0, c;", "/* *\\\n/ int32_t best = 0, c; /* */"
    ),
    "an attribute": lambda text: text.replace("int32_t best = 0", "int32_t __attribute__((unused)) best = 0"),
    "a pragma": lambda text: text.replace("int32_t best = 0", '_Pragma("omp simd") int32_t best = 0'),
    "assembly": lambda text: text.replace("*result = best;", 'asm("nop"); *result = best;'),
    "a function of a compiler": lambda text: text.replace("*result = best;", "*result = __builtin_expect(best, 0);"),
    "the name of the file": lambda text: text.replace("*result = best;", "*result = best + (__FILE__[0] == 1);"),
    "a digraph": lambda text: text.replace("scores[best]", "scores<:best:>"),
    "a control character": lambda text: text.replace("*result = best;", "\f*result = best;"),
    "a character that turns the text": lambda text: text.replace("*result = best;", "/* \u202e */ *result = best;"),
    "a division of C89": lambda text: text.replace("*result = best;", "*result = best //* the class */ 2\n        ;"),
    "a comment that C89 has not": lambda text: text.replace("*result = best;", "*result = best; // so"),
    "a comment in a comment": lambda text: text.replace("*result = best;", "*result = best; /* /* */"),
    "a comment of a slash": lambda text: text.replace("*result = best;", "*result = best; /*/ */"),
    "a blank that is not one of C": lambda text: text.replace("LUTSMITH_RANK 4", "LUTSMITH_RANK\u00a04"),
    "an assertion": lambda text: text.replace("*result = best;", '_Static_assert(1, "so"); *result = best;'),
    "a digraph of the preprocessor": lambda text: text.replace("#define LUTSMITH_GET", "%:define LUTSMITH_GET"),
    "a lone return": lambda text: text.replace("*result = best;", "// x\r*result = best;"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_header_that_compilers_read_differently_fails(trick):
    circuit = replace(tiny(), objective="classification")
    text = text_of("c", circuit)
    altered = TRICKS[trick](text)
    assert altered != text
    parts = read_back(circuit, "c", altered)
    assert any(said.startswith("failed") for said in parts.values()), parts


@pytest.mark.parametrize(
    ("format_", "old", "new"),
    [
        ("c", "*result = best;", "*result = best + 0;"),
        ("javascript", "result[i] = best;", "result[i] = best + 0;"),
        ("javascript", "return result;", "return\n result;"),
        ("javascript", "MODULE.match(/../g)", "MODULE.match(/./*x*/./g)"),
        ("javascript", "return null;", "return null; <!-- --> x"),
        ("javascript", "return null;", "return null;\n--> x"),
        ("javascript", "/* A network", "#!/usr/bin/node\n/* A network"),
        ("javascript", '"use strict";', ""),
        ("javascript", "let best = 0;", "let b\\u0065st = 0;"),
        ("javascript", "let best = 0;", "let\u00a0best = 0;"),
        ("javascript", "classNames,", "get classNames() { return classNames.slice().reverse(); },"),
        ("javascript", "result[i] = best;", 'result[i] = typeof window === "object" ? 0 : best;'),
        ("c", "*result = best;", "*result = sizeof('a') == 1 ? 0 : best;"),
        ("c", "*result = best;", "*result = be\\\nst;"),
        ("c", "*result = best;", "*result = (char)-1 > 0 ? 0 : best;"),
        ("javascript", "let best = 0;", "let best = 0; /* \u2028 */"),
    ],
)
def test_code_that_differs_is_not_vouched_for(format_, old, new):
    text = text_of(format_, tiny())
    assert old in text
    parts = read_back(tiny(), format_, text.replace(old, new))
    assert not any(said.startswith("proved") for said in parts.values()), parts
    if "\u2028" not in new:
        assert re.match(r"not decided: line \d+ has .* where the export has", parts["code"])


def test_pieces_of_programs_are_those_of_the_languages():
    text = b"a+++b /* c */ ?:>>= .5e+3f \"q/*\\\"\"\n  # define X(a) /* e */ a \\\n  b\n'\\''"
    found = c_lexemes(text)
    assert [piece.text for piece in found.code] == [
        "a", "++", "+", "b", "?", ":>", ">=", ".5e+3f", '"q/*\\""', "# define X(a) a b", "'\\''",
    ]  # fmt: skip
    assert [(comment.place, comment.text) for comment in found.comments] == [(4, "/* c */"), (9, "/* e */")]
    assert [piece.text for piece in javascript_lexemes(b"return // x\n a\n++b").code] == [
        "return",
        "\n",
        "a",
        "\n",
        "++",
        "b",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a\n/* b \\\nc */", "line 2 has a comment with a line that a backslash ends"),
        (b"a\n// b", "line 2 has a comment of the form //"),
        (b"a\n/* /* */", "line 2 has a comment in a comment"),
        (b"a\n/*/ */", "line 2 has a comment in a comment"),
        (b"a\n?\x3f= b", "line 2 has a trigraph"),
        (b"a\nb \\ \nc", "line 2 has a backslash before the line's end"),
        (b"a\nb\x0c", r"line 2 has the control character U\+000C"),
        ("a\nb\u202e".encode(), r"line 2 has the control character U\+202E"),
        (b"a\n\xff", "the file is not UTF-8"),
    ],
)
def test_text_that_compilers_read_differently_is_refused_with_its_line(text, said):
    with pytest.raises(Mismatch, match=said):
        c_lexemes(text)
    if "control" in said or "UTF-8" in said:
        with pytest.raises(Mismatch, match=said):
            javascript_lexemes(text)


def test_a_statement_that_a_line_break_ends_is_another_in_javascript_alone():
    for word in ("return", "throw", "break", "continue", "yield", "async"):
        broken, whole = (javascript_lexemes(f"{word}{gap}a".encode()).code for gap in ("\n", " "))
        assert [piece.text for piece in broken] == [word, "\n", "a"]
        assert [piece.text for piece in whole] == [word, "a"]
        assert [piece.text for piece in c_lexemes(f"{word}\na".encode()).code] == [word, "a"]
    assert [piece.text for piece in javascript_lexemes(b"returned\na").code] == ["returned", "a"]
    assert [piece.text for piece in javascript_lexemes(b"return /* \n */ a").code] == ["return", "\n", "a"]


def _preprocessed(text: str) -> list[tuple[int, list[str]]]:
    """What a compiler makes of a header, as one that includes it and as one that implements it."""
    found = []
    for options in ([], ["-DLUTSMITH_IMPLEMENTATION"]):
        command = ["gcc", "-E", "-P", "-std=c99", "-xc", *options, "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
        found.append((done.returncode, [piece.text for piece in c_lexemes(done.stdout.encode()).code]))
    return found


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_headers_of_the_same_pieces_are_the_same_to_a_compiler():
    rng = np.random.default_rng(0)
    text = text_of("c", tiny())
    pieces, meant = [piece.text for piece in c_lexemes(text.encode()).code], _preprocessed(text)
    inserts = [
        "\\", "\\\n", "/", "*", "/*", "*/", "//", "\n", "\r\n", "?", "??/", '"', "'", "#", " ", "\t", "//x\\\n", "/**/",
        "/*\n*/", "%:", "\n#", "\\ \n", "/**/\n", "// a\n", "+", "-", "=", ">",
    ]  # fmt: skip
    same = 0
    for _ in range(600):
        altered = text
        for _ in range(rng.integers(1, 4)):
            place, insert = rng.integers(len(altered)), inserts[rng.integers(len(inserts))]
            altered = altered[:place] + insert + altered[place + (rng.random() < 0.2) :]
        try:
            equal = [piece.text for piece in c_lexemes(altered.encode()).code] == pieces
        except Mismatch:
            continue
        if equal:
            same += 1
            assert _preprocessed(altered) == meant, altered
    assert same > 30


def _changed_json(change: Callable[[dict[str, object]], object]) -> str:
    document = json.loads(text_of("json", named()))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it["facts"].update(seed=2), r"\.facts\.seed is 2, expected 1"),
        (lambda it: it["facts"].update(seed=True), r"seed is True, expected "),
        (lambda it: it["facts"].update(note="x"), r"the document has \.facts\.note"),
        (lambda it: it["feature_names"].reverse(), r"\.feature_names\[0\] is 'weight', expected 'age'"),
        (lambda it: it["fitted_range"].update(low=[-1, 0, 0]), r"\.fitted_range\.low\[0\] is -1"),
        (lambda it: it.update(fitted_range=None), r"\.fitted_range is None"),
        (lambda it: it.update(trained_by="us"), r"the document has \.trained_by"),
        (lambda it: it["head"].update({"a key": 0}), r"the document has \.head\['a key'\]"),
        (lambda it: it["netlist"].update(names=[]), r"the document has \.netlist\.names"),
        (lambda it: it["classes"].reverse(), r"\.classes\[0\] is 'dog', expected 'cat'"),
        (lambda it: it.update(task=None), r"\.task is None, expected 'classification'"),
    ],
)
def test_every_value_of_a_document_is_compared(change, told):
    said = read_back(named(), "json", _changed_json(change))["all"]
    assert said.startswith("failed")
    assert re.search(told, said), said


def test_a_document_whose_levels_are_cut_otherwise_fails():
    circuit = ranks(head=False)
    document = json.loads(text_of("json", circuit))
    sizes = document["netlist"]["level_sizes"]
    wide = next(place for place, size in enumerate(sizes) if size > 1)
    sizes[wide : wide + 1] = [1, sizes[wide] - 1]
    assert "level_sizes" in read_back(circuit, "json", json.dumps(document))["all"]


def test_numbers_of_a_document_may_be_written_in_other_ways():
    def longer(document):  # type: ignore[no-untyped-def]
        document["fitted_range"]["high"] = [int(value) for value in document["fitted_range"]["high"]]
        document["netlist"]["nodes"][0][0] = document["netlist"]["nodes"][0][0].rjust(8, "0")

    text = _changed_json(longer)
    (first, *_) = json.loads(text)["encoder"]["threshold"]
    assert float(f"{first:.17e}") == first
    text = text.replace(f'"threshold": [{first}', f'"threshold": [{first:.17e}')
    assert f"{first:.17e}" in text
    assert read_back(named(), "json", text)["all"].startswith("proved")


@pytest.mark.parametrize("key", ["threshold", "high"])
def test_numbers_that_only_float32_takes_for_the_same_fail(key):
    def nearly(document):  # type: ignore[no-untyped-def]
        values = document["encoder" if key == "threshold" else "fitted_range"][key]
        assert np.float32(values[0] - 1e-9) == np.float32(values[0])
        values[0] -= 1e-9

    assert f".{key}[0] is " in read_back(named(), "json", _changed_json(nearly))["all"]


@pytest.mark.parametrize("zero", ["-0.0", "-0"])
def test_a_zero_of_another_sign_fails(zero):
    circuit = with_range(named())
    circuit = replace(circuit, fitted_range=(np.zeros(3, np.float32), np.ones(3, np.float32)))
    text = text_of("json", circuit)
    assert '"low": [0.0' in text
    said = read_back(circuit, "json", text.replace('"low": [0.0', f'"low": [{zero}'))["all"]
    assert said.startswith("failed")
    assert "-0" in said


def _changed_model(change: Callable[[object], object], circuit: Circuit) -> bytes:
    onnx = pytest.importorskip("onnx")
    (data,) = exported("onnx", circuit).values()
    model = onnx.ModelProto.FromString(data)
    change(model)
    altered = bytes(model.SerializeToString())
    assert altered != data
    return altered


def _inner_graph(model):  # type: ignore[no-untyped-def]
    attribute = model.graph.node[0].attribute.add()
    attribute.name, attribute.type = "body", 5
    attribute.g.name = "inner"


def _external(model):  # type: ignore[no-untyped-def]
    tensor = model.graph.initializer[0]
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "elsewhere"


@pytest.mark.parametrize(
    ("change", "part", "verdict"),
    [
        (lambda it: setattr(it, "doc_string", "classes: dog, cat"), "names", "failed"),
        (lambda it: setattr(it.graph, "doc_string", "classes: dog, cat"), "names", "failed"),
        (lambda it: setattr(it.graph.node[0], "doc_string", "x"), "names", "failed"),
        (lambda it: setattr(it, "producer_name", "another"), "names", "failed"),
        (lambda it: it.metadata_props.add(key="accuracy", value="99"), "names", "failed"),
        (lambda it: it.metadata_props.pop(), "names", "failed"),
        (lambda it: setattr(it.opset_import[0], "version", 18), "names", "failed"),
        (lambda it: it.opset_import.add(domain="com.microsoft", version=1), "names", "failed"),
        (lambda it: setattr(it.graph.output[0], "name", "scores"), "names", "failed"),
        (lambda it: setattr(it.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 4), "names", "failed"),
        (lambda it: it.graph.output.pop(), "names", "failed"),
        (lambda it: it.functions.add(name="f", domain="d"), "code", "failed"),
        (lambda it: it.training_info.add(), "code", "failed"),
        (lambda it: setattr(it.graph.node[0], "domain", "com.microsoft"), "code", "failed"),
        (lambda it: setattr(it.graph.node[0], "op_type", "Loop"), "code", "failed"),
        (_inner_graph, "code", "failed"),
        (_external, "code", "failed"),
        (lambda it: setattr(it.graph.node[0], "name", "other"), "names", "failed"),
        (lambda it: setattr(it.graph.node[0], "name", it.graph.node[1].name), "names", "failed"),
        (lambda it: it.graph.value_info.add(name="dog"), "names", "failed"),
        (lambda it: it.graph.node[0].metadata_props.add(key="classes", value="dog, cat"), "names", "failed"),
        (lambda it: it.graph.metadata_props.add(key="classes", value="dog, cat"), "names", "failed"),
        (lambda it: setattr(it.graph.initializer[0], "doc_string", "dog, cat"), "names", "failed"),
        (lambda it: setattr(it.graph.input[0], "doc_string", "x"), "names", "failed"),
        (lambda it: setattr(it.graph.input[0].type, "denotation", "IMAGE"), "names", "failed"),
        (lambda it: setattr(it.graph.output[0].type.tensor_type.shape.dim[0], "denotation", "x"), "names", "failed"),
        (lambda it: setattr(it.graph.node[0].attribute.add(name="a", type=2), "doc_string", "x"), "names", "failed"),
        (lambda it: setattr(it.graph, "name", ""), "all", "failed"),
        (lambda it: it.graph.node.pop(), "code", "not decided"),
        (lambda it: it.graph.node.pop(), "names", "not decided"),
    ],
)  # fmt: skip
def test_everything_that_an_onnx_model_says_is_compared(change, part, verdict):
    parts = read_back(named(), "onnx", _changed_model(change, named()))
    assert parts[part].startswith(verdict), parts


def test_an_onnx_model_that_is_rubbish_or_much_too_large_fails():
    pytest.importorskip("onnx")
    assert read_back(tiny(), "onnx", b"\x00 no file")["all"].startswith("failed: the file is not an ONNX model")
    assert read_back(tiny(), "onnx", b"")["all"] == "failed: the file has no graph with a name, which every export has"
    assert "bytes, where the export has" in read_back(tiny(), "onnx", bytes(1 << 22))["all"]


def _in_two_messages(data: bytes) -> bytes:
    onnx = pytest.importorskip("onnx")
    model, rest = onnx.ModelProto.FromString(data), onnx.ModelProto()
    rest.graph.node.extend(model.graph.node[1:])
    del model.graph.node[1:]
    return bytes(model.SerializeToString() + rest.SerializeToString())


@pytest.mark.parametrize(
    "change",
    [
        _in_two_messages,
        lambda data: b"\x12\x01x" + data,  # a first name of the producer, which the second takes the place of
        lambda data: data[2:] + data[:2],  # the version behind the graph
        lambda data: data + b"\xfa\x3f\x03abc",  # a field that ONNX does not have
    ],
)
def test_bytes_of_a_model_that_readers_may_take_for_another_are_not_vouched_for(change):
    onnx = pytest.importorskip("onnx")
    (data,) = exported("onnx", named()).values()
    altered = change(data)
    assert len(onnx.ModelProto.FromString(altered).graph.node) == len(onnx.ModelProto.FromString(data).graph.node)
    parts = read_back(named(), "onnx", altered)
    assert {said.partition(":")[0] for said in parts.values()} == {"not decided"}, parts


# Programs with the right scores and other results, and what only some forms of a program do


def _run(circuit: Circuit, format_: str, text: str | bytes) -> Verification:
    tool = {"c": "cc", "c-compact": "cc", "javascript": "node"}.get(format_)
    if tool is not None:
        needs(tool)
    if format_ == "onnx":
        pytest.importorskip("onnxruntime")
    data = text.encode() if isinstance(text, str) else text
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(CHECKS[format_], "read-back")  # which would find it first
        return verify_files(circuit, format_, {"file": data}, layers=("simulation",), run=True)


@pytest.mark.parametrize(
    ("format_", "old", "new"),
    [
        ("c", "if (scores[c] > scores[best])", "if (scores[c] >= scores[best])"),
        ("c-compact", "*result = best;", "*result = 0 * best;"),
        ("c", "lutsmith_decide(to, results);", "*results = 0;"),
        ("javascript", "all[i * SCORES + c] > all[i * SCORES + best]", "all[i * SCORES + c] >= all[i * SCORES + best]"),
    ],
)
def test_a_program_with_the_right_scores_and_another_result_is_found(format_, old, new):
    text = text_of(format_, tiny())
    assert old in text
    found = _run(tiny(), format_, text.replace(old, new))
    assert any("results of" in check.reason for check in found.failures), str(found)


def test_a_model_with_the_right_scores_and_another_label_is_found():
    def last(model):  # type: ignore[no-untyped-def]
        (node,) = (node for node in model.graph.node if node.op_type == "ArgMax")
        (attribute,) = (item for item in node.attribute if item.name == "select_last_index")
        attribute.i = 1

    found = _run(tiny(), "onnx", _changed_model(last, tiny()))
    assert any("results of" in check.reason for check in found.failures), str(found)


@pytest.mark.parametrize(
    ("format_", "old", "new", "told"),
    [
        ("c", "typedef uint32_t lutsmith_word;", "typedef uint16_t lutsmith_word;", "words of 32 bits"),
        ("javascript", "of[8] = a & b;", "of[8] = a | b;", "without WebAssembly"),
        ("javascript", '"class 0", "class 1"', '"class 1", "class 0"', "classNames"),
        ("javascript", "scoreCount: SCORES", "scoreCount: 3", "scoreCount"),
        ("javascript", "lanes: LANES", "lanes: 7", "samples at once"),
        ("javascript", "= new Int32Array(n);", "= new Float64Array(n).fill(0.5); return result;", "results hold 0.5"),
        ("javascript", "Uint8Array(n * OUTPUTS);", "Uint8Array(n * OUTPUTS).fill(2); return result;", "outputs hold 2"),
        ("c", '"class 0",\n    "class 1"', '"class 1",\n    "class 0"', "'class 1' where 'class 0'"),
        ("c", "(uint8_t)((s[signal] >> lane) & 1u)", "(uint8_t)(3 * ((s[signal] >> lane) & 1u))", "outputs hold 3"),
        ("c", "typedef int32_t lutsmith_result;", "typedef int64_t lutsmith_result;", ""),
        ("c", "#define LUTSMITH_FEATURES 3", "#define LUTSMITH_FEATURES 2", "numbers of features"),
        ("c", "#define LUTSMITH_OUTPUTS 4", "#define LUTSMITH_OUTPUTS 3", "bytes of answers"),
    ],
)
def test_what_only_one_form_of_a_program_does_or_says_is_found(format_, old, new, told):
    text = text_of(format_, tiny())
    assert old in text
    found = _run(tiny(), format_, text.replace(old, new))
    assert found.failures, str(found)
    assert any(told in check.reason for check in found.failures), str(found)


def accumulator(fault: str = "") -> Circuit:
    """Two words of three bits are added, by instances of a part, to a sum of four bits that is kept."""
    builder = CircuitBuilder((2,))
    a, b = builder.words([0, 1], 3)
    if fault == "a bit of a word":
        a = a[[0, 2, 1]]
    kept = builder.register(4, [0, 1, 0, fault == "an initial value"])
    zero = builder.constant(False)
    part = NetlistBuilder(3)
    tables = np.array([[0, 1, 1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 1, 1, 1]])
    tables[0, 7] ^= fault == "a table of a part"
    cell = part.build(part.lut([[0, 1, 2]] * 2, tables))
    first, second = [*a, zero], [*b, zero]
    if fault == "a wire of an instance":
        second[1] = b[2]
    before = kept
    for other in (first, second):
        carry, total = zero, []
        for x, y in zip(before, other, strict=True):
            sums, carry = builder.instances("cell", cell, [[x, y, carry]])[0]
            total.append(sums)
        before = total
    builder.connect(kept, before)
    builder.integers({"sum": before})
    return builder.build()


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["c", "c-compact"])
@pytest.mark.parametrize("fault", ["a bit of a word", "an initial value", "a table of a part", "a wire of an instance"])
def test_faults_in_words_states_and_parts_are_found(format_, fault):
    (text,) = exported(format_, accumulator(fault)).values()
    parts = read_back(accumulator(), format_, text)
    assert not any(said.startswith("proved") for said in parts.values()), parts
    found = _run(accumulator(), format_, text)
    assert all("rows differ" in check.reason for check in found.failures), str(found)
    assert {check.part for check in found.failures} >= {"one stream", "many streams"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("            states++;", "", "of equal streams differ"),
        ("LUTSMITH_GET(s, next));", "!LUTSMITH_GET(s, next));", "outputs of"),
    ],
)
def test_faults_that_only_a_stream_shows_are_found(old, new, told):
    text = text_of("c", accumulator())
    assert old in text
    found = _run(accumulator(), "c", text.replace(old, new))
    assert any(told in check.reason for check in found.failures), str(found)


def test_programs_with_words_states_and_parts_hold_when_they_are_read_and_run():
    found = verify(accumulator(), ("c", "c-compact"), layers=("read-back", "simulation"))
    assert found.ok, str(found)
    assert [check.part for check in found.of("c")][2:] == ["one sample", "many samples", "one stream", "many streams"]


def test_the_function_from_numbers_to_words_is_run():
    needs("cc")
    circuit = with_range(ranks())
    words = Words.derive(circuit, 5)
    numbers = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    text = to_c(circuit, words=words)
    c_compiler(circuit, text.encode(), words.quantise(numbers), 60, numbers=numbers)
    other = text.replace("least = middle + 1;", "least = middle + 2;")
    assert other != text
    with pytest.raises(ToolFailed, match="lutsmith_quantise makes other words"):
        c_compiler(circuit, other.encode(), words.quantise(numbers), 60, numbers=numbers)


@pytest.mark.parametrize("objective", ["classification", "multilabel", "regression"])
def test_programs_of_every_objective_hold_when_they_are_read_and_run(objective):
    circuit = named(objective)
    formats = [format_ for format_ in PROGRAMS if format_ != "json"]
    found = verify(circuit, formats, layers=("read-back", "simulation"), timeout=300)
    assert found.ok, str(found)
    assert not [check for check in found.open if check.verdict == "not decided"]


def test_a_document_of_a_circuit_without_a_head_holds_when_it_is_read_and_run():
    circuit = ranks(head=False)
    found = verify(circuit, ("json",), layers=("simulation",))
    assert [check.verdict for check in found.of("json")] == ["simulated"]
    assert found.of("json")[0].part == "all"
    assert re.fullmatch(r"[\d,]+ rows, read and predicted", found.of("json")[0].reason)
    last = circuit.netlist.outputs[::-1]
    wrong = FORMATS["json"].files(replace(circuit, netlist=replace(circuit.netlist, outputs=last)), Options())
    assert "failed" in {check.verdict for check in verify_files(circuit, "json", wrong, layers=("simulation",)).checks}


def test_the_name_of_a_module_is_that_of_its_global():
    text = to_javascript(named(), name="net")
    assert all(said.startswith("proved") for said in read_back(named(), "javascript", text).values())


GLOBALS = (
    *("Array", "ArrayBuffer", "DataView", "Float32Array", "Float64Array", "Int32Array", "Math", "Number", "Object"),
    *("RangeError", "String", "Symbol", "TypeError", "Uint8Array", "WebAssembly", "globalThis", "module", "parseInt"),
    "undefined",
)


def test_a_module_that_replaces_what_it_calls_fails():
    text = to_javascript(named(), name="net")
    made = set(re.findall(r"\bnew (?:\w+\.)?(\w+)", text))
    assert {"Int32Array", "Float32Array"} < made - {"Module", "Instance", "Memory"} <= {*GLOBALS}
    for name in GLOBALS:
        said = read_back(named(), "javascript", text.replace("globalThis.net", f"globalThis.{name}"))["code"]
        assert said.startswith(f"failed: the module takes the place of the global {name},"), said


def test_a_module_with_other_names_fails_and_other_code_is_not_decided():
    """Names are told as JSON: the same length, so that all else stays as it is."""
    module, _ = exported("webassembly", named()).values()
    assert read_back(named(), "webassembly", module)["module"].startswith("proved")
    compact = to_webassembly(named(), style="compact")
    assert read_back(named(), "webassembly", compact)["module"].startswith("proved")
    other = read_back(named(), "webassembly", module.replace(b'"cat"', b'"dog"'))
    assert other["names"].startswith("failed: the module gives classNames as ")
    changed = bytearray(module)
    changed[-1] ^= 1
    assert read_back(named(), "webassembly", bytes(changed))["module"].startswith("not decided")
    for damaged, why in ((b"text", "does not begin"), (module[:8], "no section lutsmith"), (module[:9], "cut off")):
        assert why in read_back(named(), "webassembly", damaged)["module"]


def test_a_script_beside_a_module_is_compared_too():
    files = exported("webassembly", named(), name="net")
    assert [*files] == ["net.wasm", "net_wasm.js"]
    found = verify_files(named(), "webassembly", files | {"net_wasm.js": b"another"}, layers=("read-back",))
    assert {check.part: check.verdict for check in found.of("webassembly")} == {
        "script": "not decided",
        "module": "proved",
    }
    with pytest.raises(ValueError, match="expected one module, got other"):
        module_of({"other.js": b"", "net.wasm": b""} | {"x": b""})


@pytest.mark.needs("node")
def test_a_module_of_the_compact_style_from_elsewhere_is_run_where_that_is_allowed():
    module = {"net.wasm": to_webassembly(named(), style="compact")}
    found = verify_files(named(), "webassembly", module, run=True)
    assert {check.layer: check.verdict for check in found.of("webassembly")} == {
        "read-back": "proved",
        "simulation": "simulated",
    }
