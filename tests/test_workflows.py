"""The workflow files run make targets that exist, on the Pythons that the package names; actions are pinned."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.tools import module

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def read(path: Path) -> dict[Any, Any]:
    return dict(module("yaml").safe_load(path.read_text("utf-8")))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def made(text: str) -> list[str]:
    return re.findall(r"\bmake ([\w-]+)", re.sub("#.*", "", text))


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_every_target_is_in_the_makefile(path: Path) -> None:
    named = made(path.read_text("utf-8"))
    assert named
    assert set(named) <= TARGETS


def test_ci_runs_what_the_project_runs_itself() -> None:
    run = {target for step in steps(ROOT / ".github/workflows/ci.yml") for target in made(step.get("run", ""))}
    assert run == {*made((ROOT / ".ci" / "run").read_text("utf-8")), "test-python", "dist"}


def test_pythons_are_those_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    ci = read(ROOT / ".github/workflows/ci.yml")
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
    given = {
        step["with"]["python-version"] for path in WORKFLOWS for step in steps(path) if "setup-python" in str(step)
    }
    assert given == {named[0], "${{ matrix.python }}"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_nothing_is_secret(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@v\d+\.\d+\.\d+", action)] == []
    assert "secrets" not in re.sub("#.*", "", path.read_text("utf-8"))
    assert read(path)["permissions"] == {"contents": "read"}


def test_a_release_is_attested_and_published_by_identity_alone() -> None:
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    assert "make dist" in [step.get("run") for step in jobs["build"]["steps"]]
    assert jobs["build"]["permissions"]["attestations"] == "write"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert [set(step) - {"with"} for step in jobs["publish"]["steps"]] == [{"uses"}, {"uses"}]
