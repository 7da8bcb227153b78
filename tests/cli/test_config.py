"""Options from a file: every option has its key, and the command line counts more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from lutsmith.cli.config import ConfigOption, SetOption, fields_of

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def show(
    task: str,
    max_seconds: Annotated[float | None, typer.Option("--max-seconds")] = None,
    header: Annotated[bool | None, typer.Option("--header/--no-header")] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop")] = None,
    luts: Annotated[str | None, typer.Option("--luts")] = None,
    out: Path | None = None,
    json_output: Annotated[bool, typer.Option("--json")] = False,
    config: ConfigOption = None,
    set_: SetOption = None,
) -> None:
    typer.echo(repr((task, max_seconds, header, drop, luts, json_output, fields_of(set_ or []))))


FILE = """
task = "mnist"
max-seconds = 3
header = false
drop = ["a", "b"]
luts = [60, 30]
json = true
[settings]
batch = 100
rate = 0.5
[architecture]
layers = [{luts = 3, name = "x"}, 5]
"""


def shown(tmp_path, text, *arguments):
    path = tmp_path / "run.toml"
    path.write_text(text)
    result = CliRunner().invoke(app, ["--config", str(path), *arguments])
    return result.exit_code, result.output + (result.stderr if result.stderr_bytes else "")


def test_every_option_has_its_key_and_the_command_line_counts_more(tmp_path):
    fields = {"settings": {"batch": 100, "rate": 0.5}, "architecture": {"layers": [{"luts": 3, "name": "x"}, 5]}}
    code, output = shown(tmp_path, FILE)
    assert (code, output.strip()) == (0, repr(("mnist", 3.0, False, ["a", "b"], "60,30", True, fields)))
    fields["settings"] |= {"batch": 7, "way": "far off"}
    options = ("--header", "--drop", "c", "--set", "batch=7", "--set", "way=far off")
    fields["architecture"]["layers"] = [{"conv": 32, "per": None}]
    code, output = shown(tmp_path, FILE, "adult", *options, "--set", 'architecture.layers=[{"conv": 32, "per": null}]')
    assert (code, output.strip()) == (0, repr(("adult", 3.0, True, ["c"], "60,30", True, fields)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tasks = 1", "did you mean 'task'"),
        ("task = ", "cannot be read"),
        ('task = "a"\nsettings = 3', "expected a table, [settings]"),
        ('task = "a"\n[luts]\nx = 1', "luts is a table"),
        ('task = "a"\nmax_seconds = "x"', "max_seconds is 'x', expected a number"),
        ('task = "a"\nmax_seconds = true', "max_seconds is True, expected a number"),
        ("task = true", "task is True, expected a text"),
        ('task = "a"\nheader = 1', "header is 1, expected true or false"),
        ('task = "a"\ndrop = [1979-05-27]', "expected a text"),
        ('task = "a"\nout = 3', "out is 3, expected a path"),
        ('task = "a"\nout = ["a", "b"]', "out is ['a', 'b'], expected a path"),
    ],
)
def test_mistakes_are_told(tmp_path, text, says):
    code, output = shown(tmp_path, text)
    assert code == 2
    assert says in " ".join(output.replace("│", " ").split())


def test_fields_need_names():
    assert fields_of([]) == {"settings": {}, "architecture": {}}
    for pair in ("batch", "=3", "other.x=3"):
        with pytest.raises(typer.BadParameter, match="is not NAME=VALUE"):
            fields_of([pair])
