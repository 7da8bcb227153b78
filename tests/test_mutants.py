"""`make mutants`: the sample depends on the seed and the sources alone, and a trial says what the tests say."""

import ast
import shutil
from pathlib import Path

import pytest

from .tools import module

module("mutmut")
module("coverage")

from benchmarks.mutants.__main__ import Worker  # noqa: E402
from benchmarks.mutants.choice import Covered  # noqa: E402
from benchmarks.mutants.report import Result, reasons, score  # noqa: E402
from benchmarks.mutants.sampler import Mutant, sample  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
SOURCE = '''"""Text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["scaled"]

Kind = Literal["one", "two"]
LIMIT = 7


def scaled(values: Sequence[int], by: int = 2) -> list[int]:
    """Text again."""
    if by > LIMIT:
        raise ValueError(f"by is {by + 1}, expected " + str(LIMIT))
    note = "three words here"
    return [cast("int", value) * by for value in values if len(note)]
'''


def written(folder: Path, **files: str) -> Path:
    room = folder / "src" / "lutsmith" / "room"
    room.mkdir(parents=True)
    for name, text in files.items():
        (room / f"{name}.py").write_text(text)
    return folder


def functions() -> list[str]:
    return [f"def f{place}(x, y):\n    return x + {place} < y\n" for place in range(40)]


def test_one_seed_gives_one_sample_and_another_seed_another(tmp_path):
    root = written(tmp_path, one="\n".join(functions()[:15]), two="\n".join(functions()[15:]))
    drawn, again, other = (sample(root, ("room",), 20, seed) for seed in (0, 0, 1))
    assert again == drawn
    assert {each.name for each in other} != {each.name for each in drawn}


@pytest.mark.slow
def test_every_mutant_changes_the_syntax_tree_of_one_line_of_its_file():
    drawn = sample(ROOT, ("logic",), 40, 0)
    assert len({(each.file, each.first) for each in drawn}) == len(drawn) == 40
    for each in drawn:
        source = (ROOT / each.file).read_text()
        assert ast.dump(ast.parse(each.code)) != ast.dump(ast.parse(source)), each.name
        rows, changed = source.splitlines(), each.code.splitlines()
        assert rows[: each.first - 1] == changed[: each.first - 1]
        after = len(rows) - each.last
        assert rows[len(rows) - after :] == changed[len(changed) - after :]


def test_what_no_test_could_notice_is_left_out(tmp_path):
    root = written(tmp_path, scaled=SOURCE)
    lines = {number + 1 for number, row in enumerate(SOURCE.splitlines()) if row}
    found: set[tuple[int, str]] = set()
    for seed in range(40):
        found |= {(each.first, each.after) for each in sample(root, ("room",), 5, seed)}
    drawn = {line for line, _ in found}
    texts = {SOURCE.splitlines()[line - 1].strip().split(" ")[0] for line in drawn}
    assert texts == {"LIMIT", "def", "if", "note", "return"}
    assert drawn < lines
    assert {after for line, after in found if SOURCE.splitlines()[line - 1].startswith("    note")} == {"note = None"}
    assert not any("XXintXX" in after or "len(None)" in after for _, after in found)
    with pytest.raises(ValueError, match="at most 5"):
        sample(root, ("room",), 6, 0)


def test_a_sample_stays_where_files_move_and_other_functions_change(tmp_path):
    texts = functions()
    before = sample(written(tmp_path / "a", all="\n".join(texts)), ("room",), 20, 0)
    texts[3] = "def f3(x):\n    return 1\n"
    after = sample(written(tmp_path / "b", one="\n".join(texts[:9]), two="\n".join(texts[9:])), ("room",), 20, 0)
    names = [{each.name for each in drawn if each.scope != "f3"} for drawn in (before, after)]
    assert len(names[0] - names[1]) <= 1


def test_tests_that_run_the_line_are_chosen_the_quick_and_specific_first():
    seconds = {"t::slow": 9.0, "t::broad": 0.1, "t::narrow": 0.1, "t::other": 0.1, "t::endless": 90.0}
    everywhere = ["t::slow", "t::broad", "t::endless"]
    lines = {"a.py": {1: ["", *everywhere], 2: [*everywhere, "t::narrow"], 3: ["t::other"]}, "b.py": {1: ["t::broad"]}}
    covered = Covered(seconds, lines)
    mutant = Mutant("a.py", "f", 2, 2, False, "swap_op", "<", "<=", "x < y", "")
    assert [*covered.chosen(mutant, 25)] == ["t::narrow", "t::broad", "t::slow"]
    assert [*covered.chosen(mutant, 5)] == ["t::narrow", "t::broad"]
    at_import = Mutant("a.py", "", 1, 1, True, "number", "1", "2", "A = 1", "")
    assert [*covered.chosen(at_import, 25)] == ["t::narrow", "t::other", "t::broad", "t::slow"]
    plain = Mutant("d/e.py", "", 1, 1, True, "number", "1", "2", "A = 1", "")
    beside = Covered(seconds, {"d/e.py": {1: [""]}, "d/f.py": {1: ["t::other"]}, "g.py": {1: ["t::broad"]}})
    assert [*beside.chosen(plain, 25)] == ["t::other"]
    assert covered.chosen(Mutant("c.py", "f", 2, 2, False, "", "", "", "", ""), 25) == {}


def test_a_trial_says_what_the_tests_say_and_leaves_the_file_as_it_was(tmp_path):
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks", ignore=shutil.ignore_patterns("results"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lutsmith").symlink_to(ROOT / "src" / "lutsmith")
    code = "def least(a, b):\n    return a if a < b else b\n"
    (tmp_path / "src" / "tiny.py").write_text(code)
    (tmp_path / "test_tiny.py").write_text(
        "from tiny import least\n\ndef test_left():\n    assert least(1, 2) == 1\n\n"
        "def test_right():\n    assert least(2, 1) == 1\n\ndef test_broken():\n    assert False\n"
    )
    both = ["test_tiny.py::test_left", "test_tiny.py::test_right"]
    worker = Worker(tmp_path)

    def tried(code: str, tests: list[str] = both) -> tuple[str, list[str]]:
        found = worker.tried(file="src/tiny.py", code=code, tests=dict.fromkeys(tests, 0.01), grace=1.0)
        assert (tmp_path / "src" / "tiny.py").read_text() != code
        return found["outcome"], found["by"]

    assert tried(code.replace("<", "<=")) == ("survived", [])
    assert tried(code.replace("<", ">")) == ("killed", both[:1])
    assert tried(code.replace("a if", "a or"), both[1:])[0] == "killed"  # not Python: the tests cannot be collected
    assert tried(code.replace("return", "while True: pass\n    return")) == ("timed out", both[:1])
    assert tried(code.replace("<", ">"), ["test_tiny.py::test_gone"])[0] == "no tests"
    broken = worker.tried(
        file=None, code="", tests=dict.fromkeys([*both, "test_tiny.py::test_broken"], 0.01), keep_on=True
    )
    assert (broken["outcome"], broken["by"]) == ("killed", ["test_tiny.py::test_broken"])
    worker.close()


def test_what_is_not_covered_or_void_is_not_killed():
    mutant = Mutant("a.py", "f", 2, 2, False, "swap_op", "<", "<=", "x < y", "")
    outcomes = ("killed", "timed out", "survived", "not covered", "void")
    assert score([Result(mutant, outcome, "", 1, 0.0) for outcome in outcomes]) == 2 / 5


def test_reasons_are_given_once_and_in_words():
    for (name, line), reason in reasons().items():
        assert name
        assert line
        assert len(reason.split()) > 3
