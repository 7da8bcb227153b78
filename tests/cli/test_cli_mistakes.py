"""Every mistake is one line on stderr and exit code 2; interrupts and closed pipes end quietly."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import lutsmith.cli
from lutsmith.cli.errors import UsageError, describe
from lutsmith.training import TrainingError

X = np.zeros((3, 8, 8), np.uint8)


def start(*arguments: object, code: str = "from lutsmith.cli import main; main()") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def files(tmp_path: Path, model: Path) -> Path:
    """A folder of files, most of them of no use."""
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "wide.npy", np.zeros((3, 65)))
    np.save(tmp_path / "text.npy", np.array([["a"]]))
    (tmp_path / "x.csv").write_text("a,b\n1,blue\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "cut.lut").write_bytes(model.read_bytes()[:-1])
    (tmp_path / "flipped.lut").write_bytes(bytes([*model.read_bytes()[:-1], model.read_bytes()[-1] ^ 1]))
    (tmp_path / "text.lut").write_text("not a model")
    (tmp_path / "folder").mkdir()
    (tmp_path / "model.lut").write_bytes(model.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("fly", "No such command 'fly'"),
        ("--loud", "--loud"),
        ("info", "Missing argument 'MODEL'"),
        ("info model.lut more", "more"),
        ("info model.lut --jsn", "--jsn"),
        ("info none.lut", "no model file none.lut"),
        ("info folder", "folder is a folder, expected a model file"),
        ("info text.lut", "not a lutsmith model"),
        ("info cut.lut", "cut.lut"),
        ("info flipped.lut --json", "checksum"),
        ("bench text.lut", "not a lutsmith model"),
        ("eval none.lut", "no model file"),
        ("eval model.lut --data folder", "takes no --data"),
        ("predict model.lut", "Missing argument 'INPUT...'"),
        ("predict model.lut none.npy", "none.npy does not exist"),
        ("predict model.lut folder", "folder is a folder"),
        ("predict model.lut wide.npy", "X has shape (3, 65), expected (samples, 1, 8, 8) or (samples, 64)"),
        ("predict model.lut text.npy", "expected numbers"),
        ("predict model.lut x.csv", "2 feature columns; expected 64, as the model has"),
        ("predict model.lut empty.csv", "no rows"),
        ("predict model.lut model.lut", "unknown kind of file; expected .npy, .npz, .csv"),
        ("predict none.lut x.npy -o y.npy", "no model file"),
        ("predict model.lut x.npy -o y.xls", "OUT must end in .npy, .csv, .txt"),
        ("predict model.lut none/ -o out", "none does not exist"),
        ("predict model.lut x.npy -o none/y.npy", "there is no folder none"),
        ("predict model.lut x.npy -o x.npy", "x.npy is read by this command"),
        ("predict model.lut x.npy --json", "--json needs -o OUT"),
        ("train --preset digits-fast", "there is --preset and no TASK; expected such as digits or table before it"),
        ("train --set lr=0.1", "there is --set and no TASK"),
        ("train digits --luts 20x", "'20x' is not a list of layer widths; expected such as 2000,1000"),
        ("train digits --luts 20,0", "'20,0' is not a list"),
        ("train digits --epochs many", "--epochs"),
        ("doctor now", "now"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    lutsmith, files: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    monkeypatch.chdir(files)
    before = sorted(files.iterdir())
    outcome = lutsmith(*arguments.split())
    assert outcome.code == 2
    assert outcome.out == ""
    assert message in outcome.err
    assert outcome.err.startswith("lutsmith")
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    ("method", "pair", "message"),
    [
        ("greedy", "steps=abc", "steps is 'abc'; expected an integer"),
        ("greedy", "tau=x", "tau is 'x'; expected a number"),
        ("greedy", "batch=1.5", "batch is 1.5; expected an integer"),
        ("greedy", "network=[1,2]", "architecture is a list"),
        ("greedy", "network={layers=[3],code=3}", "code is 3; expected a name"),
        ("greedy", "loss=3", "loss is 3; expected a name"),
        ("greedy", "bank=1.5", "the tables of a bank must be integers"),
        ("greedy", "max_seconds=x", "--max-seconds is 'x'; expected seconds"),
        ("greedy", "seed=1.5", "--seed is 1.5; expected an integer"),
        ("greedy", "candidates=1e3", "candidates is 1000.0; expected an integer"),
        ("greedy", "growth=true", "growth is True; expected a number"),
        ("greedy", "patience=true", "patience is True; expected an integer"),
        ("greedy", 'code=["a"]', "code word 0 is 'a'; expected an integer"),
        ("greedy", "steps=1979-05-27", "cannot be written down as JSON"),
        ("evolve", "ties=x", "ties is a str; expected bool"),
        ("population", "plus=3", "plus is a int; expected bool"),
        ("additive", "loss=3", "loss is 3; expected a name"),
        ("additive", "max_luts=x", "--max-luts is 'x'; expected an integer"),
        ("gradients", "lr=x", "--lr x: expected a positive number"),
        ("gradients", "epochs=1.5", "--epochs 1.5: expected an integer"),
        ("gradients", "architecture.weight_init=3", "weight_init is 3; expected a name"),
        ("gradients", "architecture.init_method=3", "init_method is 3; expected a name"),
    ],
)
def test_a_setting_of_a_wrong_type_is_one_line(
    lutsmith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, pair: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    field, _, value = pair.partition("=")
    table, _, name = field.rpartition(".")
    written = value if value not in ("abc", "x") else f'"{value}"'
    (tmp_path / "run.toml").write_text(f"[{table or 'settings'}]\n{name} = {written}\n")
    for way in (("--set", pair), ("--config", "run.toml")):
        outcome = lutsmith("train", "digits", "--method", method, "--out", "x", *way)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert message in outcome.err
        assert not (tmp_path / "x").exists()


def test_a_type_error_of_an_operation_or_of_training_is_a_fault(
    lutsmith, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TypeError("a fault")

    line = ("train", "digits", "--method", "evolve", "--set", "steps=1", "--out", tmp_path / "x")
    monkeypatch.setattr("lutsmith.search.trainer.SearchTrainer.prepare", lambda *_, **__: len(3))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="object of type 'int'") as caught:
        lutsmith(*line)
    assert type(caught.value) is TypeError
    monkeypatch.undo()
    monkeypatch.setattr("lutsmith.search.trainer.SearchTrainer._run", refuse)
    with pytest.raises(TypeError, match="a fault"):
        lutsmith(*line)


def test_the_class_of_usage_errors_is_found_in_typer() -> None:
    assert UsageError.__name__ == "UsageError"


def test_faults_of_the_program_keep_their_traceback(lutsmith, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutsmith.circuit.circuit.Circuit.info", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lutsmith("info", model)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\nlines"), "two lines"),
        (ValueError(), "ValueError"),
        (PermissionError(13, "Permission denied", "f.npy"), "Permission denied: f.npy"),
        (FileNotFoundError("there is no f"), "there is no f"),
        (MemoryError(), "out of memory; use less data or a smaller network"),
        (ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"), "pip install 'lutsmith[train]'"),
        (ModuleNotFoundError("No module named 'lutsmith.x'", name="lutsmith.x"), None),
        (TrainingError("the loss is nan"), "the loss is nan"),
        (torch.OutOfMemoryError("CUDA out of memory.\nTried"), "out of memory; use less data or a smaller network"),
        (RuntimeError("a fault"), None),
        (KeyError("a fault"), None),
    ],
)
def test_each_error_becomes_one_line_or_is_a_fault(error: Exception, line: str | None) -> None:
    described = describe(error)
    assert described is None if line is None else line in described


def test_torch_out_of_memory_is_one_line(lutsmith, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutsmith.runs.train", lambda *_, **__: torch.empty(1 << 60, dtype=torch.uint8))
    outcome = lutsmith("train", "digits")
    assert (outcome.code, outcome.err) == (2, "lutsmith: out of memory; use less data or a smaller network\n")


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    lutsmith, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "y.csv").write_text("before")
    before = sorted(files.iterdir())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device", "y.csv")

    monkeypatch.setattr(os, "fsync", full)
    outcome = lutsmith("predict", files / "model.lut", files / "x.npy", "-o", files / "y.csv")
    assert outcome.code == 2
    assert re.fullmatch(rf"lutsmith: No space left on device \([\d,]+ free\): {files / 'y.csv'}\n", outcome.err)
    assert (files / "y.csv").read_text() == "before"
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("message", ["", "stopped after epoch 3; go on with --resume"])
def test_an_interrupt_ends_with_130_and_says_how_to_go_on(
    lutsmith, model: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt(*([message] if message else []))

    monkeypatch.setattr("lutsmith.circuit.circuit.Circuit.info", interrupted)
    outcome = lutsmith("info", model)
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == f"lutsmith: {message or 'interrupted'}\n"


def test_ctrl_c_ends_a_real_process_with_130(model: Path) -> None:
    code = (
        "import signal, sys, threading, lutsmith.reporting.speed as speed; from lutsmith.cli import main\n"
        "speed.median_seconds = lambda *_: signal.raise_signal(signal.SIGINT)\n"
        "main()"
    )
    process = start("bench", model, code=code)
    out, err = process.communicate(timeout=60)
    told = "lutsmith: compiling the engine, once per machine, about 2 s\n"  # where the cache is empty
    assert (process.returncode, out, err.removeprefix(told)) == (130, "", "lutsmith: interrupted\n")


def test_a_closed_pipe_is_quiet(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((100_000, 64), np.uint8))
    process = start("predict", model, tmp_path / "x.npy")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1
    process.stderr.close()


def test_without_torch_train_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; from lutsmith.cli import main; main()"
    process = start("train", "digits", code=code)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "pip install 'lutsmith[train]'" in err
    assert err.count("\n") == 1


def test_no_command_shows_the_help_and_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        lutsmith.cli.main([])
    shown = capsys.readouterr().out
    for command in ("train", "eval", "predict", "info", "bench", "doctor"):
        assert f"\n  {command} " in shown
    with pytest.raises(SystemExit, match="0"):
        lutsmith.cli.main(["--version"])
    assert capsys.readouterr().out == f"lutsmith {lutsmith.cli.__version__}\n"


def test_prediction_commands_import_neither_torch_nor_scikit_learn(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    code = (
        "import sys, lutsmith.cli, lutsmith.cli.commands.bench as bench\n"
        "bench._SECONDS, bench._BATCHES = 0, (1,)\n"
        "model, x = sys.argv[1:]\n"
        "for line in (['info', model], ['predict', model, x], ['bench', model], ['doctor'], ['eval', model]):\n"
        "    assert lutsmith.cli.run(line) == 0\n"
        "    found = {'torch', 'sklearn', 'lightning_fabric'} & set(sys.modules)\n"
        "    assert not found, (line, found)\n"
    )
    process = start(model, tmp_path / "x.npy", code=code)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err


def test_info_starts_in_well_under_a_second(model: Path) -> None:
    seconds = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = start("info", model)
        process.communicate(timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert process.returncode == 0
    assert min(seconds) < 1.0  # of the processor: other work on the machine does not count
