"""`lutsmith train` without a task offers what can be done, and shells complete names."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from lutsmith.cli import app
from lutsmith.cli.commands.offer import STARTS, presets_that_begin, tasks_that_begin
from lutsmith.cli.errors import Mistake
from lutsmith.data.tasks import TASKS
from lutsmith.presets import list_presets


def test_train_without_a_task_offers_what_can_be_done():
    shown = CliRunner().invoke(app, ["train"])
    assert shown.exit_code == 0
    for task, command, what in STARTS:
        assert task in TASKS
        assert f"  {command}" in shown.stdout
        assert what in shown.stdout
    assert all(name in shown.stdout for name in TASKS)
    told = json.loads(CliRunner().invoke(app, ["train", "--json"]).stdout)
    assert told["tasks"] == list(TASKS)


@pytest.mark.parametrize("command", [command for _, command, _ in STARTS])
def test_offered_commands_are_understood(command, tmp_path, monkeypatch):
    """All that is wrong with them is a seed that cannot be, or that files of these names are not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LUTSMITH_DATA", raising=False)
    _, *arguments = shlex.split(command)
    result = CliRunner().invoke(app, [*arguments, "--seed", "-1"])
    assert isinstance(result.exception, Mistake)
    assert re.search(
        r"seed|does not exist|is not a file|is missing|not found|no such", str(result.exception), re.IGNORECASE
    )


def test_shells_complete_tasks_presets_and_commands():
    assert tasks_that_begin("mon") == ["monks-1", "monks-2", "monks-3"]
    assert set(presets_that_begin("")) == {row.name for row in list_presets()}
    asked = {
        **os.environ,
        "_LUTSMITH_COMPLETE": "complete_bash",
        "COMP_WORDS": "lutsmith train fash",
        "COMP_CWORD": "2",
    }
    found = subprocess.run([sys.executable, "-m", "lutsmith.cli"], env=asked, capture_output=True, text=True)
    assert found.stdout.split() == ["fashion-mnist"], found
