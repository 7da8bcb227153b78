"""Runs that are stopped, killed, or out of disk lose nothing that was saved, and go on with their own arguments."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lutsmith.cli import run as command
from lutsmith.ground import metrics_log
from lutsmith.runs import execution, shared, train
from lutsmith.training import TrainingInterrupted
from lutsmith.training.files import checkpoint
from lutsmith.training.loop import loop

SMALL: dict[str, Any] = {"luts": (60, 30), "rank": 4, "bits": 2, "epochs": 3, "quiet": True}


def child(code: str, *, wait: bool = True, **variables: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        process.communicate(timeout=200)
    return process


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    train("digits", out=folder, seed=3, **SMALL)
    return folder


def model(folder: Path) -> bytes:
    return (folder / "model.lut").read_bytes()


# No run to resume


def test_resuming_where_there_is_no_run_is_refused_and_leaves_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=r"new holds no run to resume: .*allow_new=True"):
        train("digits", out=tmp_path / "new", resume=True, **SMALL)
    assert command(["train", "digits", "--out", str(tmp_path / "new"), "--resume"]) == 2
    assert "holds no run to resume" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_allow_new_lets_resume_begin_a_run_and_goes_with_it(tmp_path: Path, whole: Path) -> None:
    train("digits", out=tmp_path / "new", seed=3, resume=True, allow_new=True, **SMALL)
    assert model(tmp_path / "new") == model(whole)
    with pytest.raises(ValueError, match="give both, or neither"):
        train("digits", out=tmp_path / "other", allow_new=True, **SMALL)


# Killed before anything was saved


@pytest.mark.slow
@pytest.mark.parametrize(
    "before", ["lutsmith.runs.shared.load", "lutsmith.training.fitting.build", "lutsmith.training.fitting.Trainer"]
)
def test_a_run_killed_before_its_first_save_goes_on_with_its_arguments(
    tmp_path: Path, whole: Path, before: str
) -> None:
    module, _, name = before.rpartition(".")
    folder = tmp_path / "deep" / "run"
    killed = child(
        f"import importlib, os, signal; module = importlib.import_module({module!r})\n"
        f"module.{name} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"from lutsmith.runs import train; train('digits', out={str(folder)!r}, seed=3, **{SMALL!r})"
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (folder / "checkpoint.pt").exists()
    with pytest.raises(ValueError, match="seed is 4 and was 3"):
        train("digits", out=folder, resume=True, seed=4)
    run = train("digits", out=folder, resume=True, quiet=True)
    assert run.seed == 3
    assert model(folder) == model(whole)


def test_a_last_layer_that_data_round_is_rounded_after_a_kill_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    arguments = {**SMALL, "epochs": 1, "architecture": {"tau": 2.0}}
    del arguments["luts"]
    table = tmp_path / "t.csv"
    table.write_text("a,b,kind\n" + "\n".join(f"{i % 7},{i % 11},{'uvwxyz'[i % 6]}" for i in range(300)) + "\n")
    ordinary = shared.load
    monkeypatch.setattr(shared, "load", kill)
    with pytest.raises(Killed):
        train("csv", data=table, target="kind", out=tmp_path / "run", **arguments)
    monkeypatch.setattr(shared, "load", ordinary)
    stopped = json.loads((tmp_path / "run" / "run.json").read_text())
    assert stopped["provisional"]
    train("csv", out=tmp_path / "run", resume=True, quiet=True)
    train("csv", data=table, target="kind", out=tmp_path / "whole", **arguments)
    assert model(tmp_path / "run") == model(tmp_path / "whole")
    finished = json.loads((tmp_path / "run" / "run.json").read_text())
    assert finished["arguments"]["architecture"]["luts"][-1] % 6 == 0
    assert "provisional" not in finished


def test_arguments_that_the_data_refuse_leave_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="10 classes"):
        train("digits", out=tmp_path / "a" / "b", **{**SMALL, "luts": (60, 31)})
    assert list(tmp_path.iterdir()) == []


# SIGTERM


@pytest.mark.slow
def test_sigterm_saves_as_ctrl_c_does_and_ends_with_143(tmp_path: Path) -> None:
    process = child(
        "from lutsmith.cli import main\n"
        f"main(['train', 'digits', '--luts', '40', '--rank', '2', '--epochs', '100000', '--out', {str(tmp_path)!r}])",
        wait=False,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "--resume" in err.splitlines()[-1]
    assert "Traceback" not in err
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    assert sum(state["position"]) > 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_told_by_its_exit_code_and_changes_nothing(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    step, left = loop.Loop.step, 15

    def signalled(self: Any, chosen: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            signal.raise_signal(number)
        step(self, chosen)

    before = signal.getsignal(number)
    monkeypatch.setattr(loop.Loop, "step", signalled)
    with pytest.raises(TrainingInterrupted) as stopped:
        train("digits", out=tmp_path, seed=3, **SMALL)
    assert stopped.value.exit_code == code
    assert signal.getsignal(number) == before
    train("digits", out=tmp_path, resume=True, quiet=True)
    assert model(tmp_path) == model(whole)


# A full disk


class Full:
    """Opens files in a folder that take no more bytes once `limit` are in them."""

    def __init__(self, name: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name, self.limit, self.ordinary, self.full = name, limit, Path.open, True
        full = self

        def opened(path: Path, *arguments: Any, **options: Any) -> Any:
            file = full.ordinary(path, *arguments, **options)
            mode = str(arguments[0] if arguments else options.get("mode", "r"))
            if not full.full or not set(mode) & set("wax") or not full.concerns(path):
                return file
            return FullFile(file, full.limit)

        monkeypatch.setattr(Path, "open", opened)

    def concerns(self, path: Path) -> bool:
        return path.name == self.name or (self.name == ".tmp" and path.suffix == ".tmp")


class FullFile:
    def __init__(self, file: Any, limit: int) -> None:
        self.file, self.left = file, limit

    def write(self, part: Any) -> int:
        fits = memoryview(part).cast("B")[: self.left]
        self.left -= len(fits)
        self.file.write(fits)
        if len(fits) < memoryview(part).nbytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(fits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> FullFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


@pytest.mark.parametrize("name", ["checkpoint.pt", "metrics.jsonl", "model.lut", "run.json"])
def test_a_full_disk_names_the_file_and_the_bytes_and_loses_nothing_saved(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    disk = Full(".tmp" if name != "metrics.jsonl" else name, 90, monkeypatch)
    disk.full = False
    epochs = 0

    def filling(self: Any, at: Any, ordinary: Any = metrics_log.MetricsLog.append) -> None:
        nonlocal epochs
        epochs += 1
        disk.full = name == "metrics.jsonl" and epochs == 2
        ordinary(self, at)
        disk.full = name == "checkpoint.pt" and epochs >= 2

    def saving(circuit: Any, path: Any, ordinary: Any = execution.save_checked) -> None:
        disk.full = name == "model.lut"
        ordinary(circuit, path)
        disk.full = name == "run.json"

    arguments = ["--luts", "60,30", "--rank", "4", "--bits", "2", "--epochs", "3", "--seed", "3"]
    with monkeypatch.context() as patch:
        patch.setattr(metrics_log.MetricsLog, "append", filling)
        patch.setattr(execution, "save_checked", saving)
        code = command(["train", "digits", *arguments, "--out", str(tmp_path)])
    disk.full = False
    said = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    assert "No space left on device" in said
    assert str(tmp_path / name) in said
    assert "bytes are needed" in said
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
    for line in (tmp_path / "metrics.jsonl").read_text().splitlines():
        json.loads(line)
    assert json.loads((tmp_path / "run.json").read_text())["result"] is None
    if (tmp_path / "checkpoint.pt").exists():
        checkpoint.load(tmp_path / "checkpoint.pt")
    train("digits", out=tmp_path, resume=True, quiet=True)
    assert model(tmp_path) == model(whole)


# Killed while writing


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_checkpoint_leaves_the_last_one_and_no_rubbish(tmp_path: Path, whole: Path) -> None:
    killed = child(
        "import os, signal, torch\n"
        "from lutsmith.runs import train\n"
        "left, ordinary = 2, torch.save\n"
        "def half(state, file):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left: return ordinary(state, file)\n"
        "    file.write(b'half of a checkpoint'); file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "torch.save = half\n"
        f"train('digits', out={str(tmp_path)!r}, seed=3, **{SMALL!r})"
    )
    assert killed.returncode == -signal.SIGKILL
    assert len([path for path in tmp_path.iterdir() if path.suffix == ".tmp"]) == 1
    assert sum(checkpoint.load(tmp_path / "checkpoint.pt")["position"]) > 0
    (tmp_path / "mine.tmp").write_text("not lutsmith's")
    train("digits", out=tmp_path, resume=True, quiet=True)
    assert model(tmp_path) == model(whole)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == ["mine.tmp"]


# Stopped early


def test_a_run_that_is_stopped_early_says_why_and_stays_stopped(tmp_path: Path, whole: Path) -> None:
    settings = {"patience": 1, "schedule": "constant", "validate_every": 1}
    run = train("digits", out=tmp_path, seed=3, **{**SMALL, "epochs": 40}, settings=settings)
    assert run.stopped is not None
    assert run.stopped.startswith("hard was no better than 0.")
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert run.best_epoch < len(lines) < 40
    assert json.loads((tmp_path / "run.json").read_text())["result"]["stopped"] == run.stopped
    assert json.loads((whole / "run.json").read_text())["result"]["stopped"] is None
    first = model(tmp_path)
    (tmp_path / "model.lut").unlink()  # as if killed before it was written
    assert train("digits", out=tmp_path, resume=True, quiet=True).stopped == run.stopped
    assert (tmp_path / "metrics.jsonl").read_text().splitlines() == lines
    assert model(tmp_path) == first
