"""Several processes train what one would, and end together, whatever happens to one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lutsmith.data import load
from lutsmith.nn import Architecture, build
from lutsmith.training import Settings, Trainer, fit
from lutsmith.training.metrics import logits

from . import together
from .together import CASES

SRC = Path(__file__).parents[2]
PATIENCE = 600  # seconds that a process may take on a crowded machine
TO_END = 120  # seconds that all may take to end: four times what is promised, on a crowded machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def command(*arguments: object, torchrun: bool = False) -> list[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if torchrun else []
    return [sys.executable, *launcher, "-m", "tests.training.together", *map(str, arguments)]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(SRC / "src"), str(SRC)])
    return {**os.environ, "PYTHONPATH": path, "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run(*arguments: object, torchrun: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, torchrun=torchrun), env=environment(), cwd=SRC, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def wait_for(found: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def workers(parent: int) -> list[int]:
    """The processes of a training, by its own: those that were spawned, in the order of their ranks."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() and " Z " not in _stat(pid) for pid in pids)


def _stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return " Z "


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes of torchrun made of all cases."""
    folder = tmp_path_factory.mktemp("cases")
    done = run(folder, "cases", torchrun=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def kept(folder: Path, name: str, rank: int = 0) -> Any:
    return torch.load(folder / f"{name}-{rank}.pt", weights_only=True)


def largest_difference(mine: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert mine.keys() == other.keys()
    return max(float((mine[name].double() - other[name].double()).abs().max()) for name in mine if mine[name].numel())


def same(mine: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_what_one_does_up_to_rounding(cases: Path, name: str) -> None:
    model, fit = CASES[name].fit()
    two = kept(cases, name)
    own = {key for key in two["state"] if key.endswith("mean") and "running" not in key}  # follows the rows of rank 0
    mine, other = (
        {key: value for key, value in state.items() if key not in own} for state in (model.state_dict(), two["state"])
    )
    assert largest_difference(mine, other) < 1e-5
    assert two["losses"] == pytest.approx([epoch.loss for epoch in fit.history], rel=1e-5)
    assert two["hard"] == [epoch.hard for epoch in fit.history]


@pytest.mark.parametrize("name", [*CASES, "limited"])
def test_all_processes_end_with_the_same_network_to_the_bit(cases: Path, name: str) -> None:
    first, second = (kept(cases, name, rank) for rank in (0, 1))
    assert same(first["state"], second["state"])
    assert (first["losses"], first["hard"], first["stopped"]) == (second["losses"], second["hard"], second["stopped"])


def test_a_clock_of_one_process_stops_all_in_the_same_step(cases: Path) -> None:
    assert kept(cases, "limited")["stopped"] == kept(cases, "limited", 1)["stopped"] == "the limit of 1.5 seconds"
    assert sorted(path.name for path in (cases / "limited").iterdir()) == ["checkpoint.pt", "metrics.jsonl"]


def test_processes_with_other_data_or_settings_are_refused_in_one_line(cases: Path) -> None:
    for number, word in enumerate(("data is", "lr is")):
        texts = [(cases / f"refused-{number}-{rank}").read_text() for rank in (0, 1)]
        assert texts[0] == texts[1]
        assert word in texts[0]
        assert "\n" not in texts[0]


def test_the_network_of_rank_0_counts(cases: Path) -> None:
    states = [torch.load(cases / f"rank 0's-{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert same(*states)
    model, _ = together.Case(together.PLAIN, together.normed).fit()
    assert largest_difference({"w": states[0]["1.weight"]}, {"w": model.state_dict()["1.weight"]}) < 1e-5


def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    """2 -> 1 -> 2 processes, twice stopped within an epoch, are one run."""
    assert run(tmp_path, 2, "SIGTERM", 1, 1, 4).returncode == 143
    assert together.state_of(tmp_path / "checkpoint.pt") == (1, 5)  # the signal comes after a step, and is heard in one
    assert run(tmp_path, 1, "SIGTERM", 0, 2, 3).returncode == 143
    done = run(tmp_path, 2)
    assert done.returncode == 0, done.stderr[-2000:]
    result = torch.load(tmp_path / "result.pt", weights_only=True)
    model, fit = together.Case(together.replace(together.ALL, epochs=together.EPOCHS)).fit()
    assert largest_difference(result["state"], model.state_dict()) < 1e-5
    assert result["losses"] == pytest.approx([epoch.loss for epoch in fit.history], rel=1e-5)


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a training of two processes with slow steps, which is in its second epoch then."""
    started = list[subprocess.Popen[str]]()

    def start(*action: object, torchrun: bool = False) -> subprocess.Popen[str]:
        devices = "torchrun" if torchrun else 2
        (tmp_path / "temporary").mkdir()
        process = subprocess.Popen(
            command(tmp_path, devices, *(action or ("slow", 0, 0, 0)), torchrun=torchrun), cwd=SRC,
            env={**environment(), "TMPDIR": str(tmp_path / "temporary")}, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        wait_for(lambda: (tmp_path / "began").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[1]
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def ended(process: subprocess.Popen[str], pids: list[int]) -> str:
    """Return what a training wrote on its way out; it has to end soon, and with all of its processes."""
    began = time.monotonic()
    _, text = process.communicate(timeout=TO_END)
    wait_for(lambda: gone(pids))
    assert time.monotonic() - began < TO_END
    return text


def check_goes_on(folder: Path) -> None:
    """The checkpoint is whole, and one process goes on from it."""
    epoch, batch = together.state_of(folder / "checkpoint.pt")
    assert (epoch, batch) > (0, 0)
    done = run(folder, 1)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(torch.load(folder / "result.pt", weights_only=True)["losses"]) == together.EPOCHS


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_and_the_checkpoint_is_good(begun: Any, tmp_path: Path, rank: int) -> None:
    process = begun()
    pids = workers(process.pid)
    assert len(pids) == 2
    os.kill(pids[rank], signal.SIGKILL)
    text = ended(process, pids)
    assert process.returncode == 1
    assert text.startswith(f"ProcessLostError: process {rank} of 2 was killed by SIGKILL")
    assert "go on with resume=True" in text
    assert text.count("\n") == 1, text
    check_goes_on(tmp_path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_stops_all_after_a_step_that_is_saved(begun: Any, tmp_path: Path, number: int, code: int) -> None:
    process = begun()
    pids = workers(process.pid)
    os.killpg(process.pid, number) if number == signal.SIGINT else os.kill(process.pid, number)  # as a terminal does
    text = ended(process, pids)
    assert process.returncode == code
    assert text.startswith("TrainingInterrupted: stopped after batch")
    assert "go on with resume=True" in text
    assert text.count("\n") == 1, text
    check_goes_on(tmp_path)


def test_ctrl_c_ends_even_those_that_hang(begun: Any, tmp_path: Path) -> None:
    process = begun("wait", 1, 1, 2)
    pids = workers(process.pid)
    os.kill(pids[1], signal.SIGSTOP)
    os.kill(process.pid, signal.SIGINT)
    text = ended(process, pids)
    assert process.returncode == 130
    assert text.count("\n") == 1, text
    check_goes_on(tmp_path)


def test_processes_whose_parent_is_killed_save_and_end(begun: Any, tmp_path: Path) -> None:
    process = begun()
    pids = workers(process.pid)
    before = together.state_of(tmp_path / "checkpoint.pt")
    os.kill(process.pid, signal.SIGKILL)
    ended(process, pids)
    assert together.state_of(tmp_path / "checkpoint.pt") > before
    assert not list((tmp_path / "temporary").glob("lutsmith-*"))
    check_goes_on(tmp_path)


def test_an_exception_of_one_process_comes_back_as_it_is(tmp_path: Path) -> None:
    done = run(tmp_path, 2, "raise", 1, 1, 3)
    assert done.returncode == 1
    assert done.stderr == "KeyError: 'asked for by a callback'\n"
    check_goes_on(tmp_path)


def test_ctrl_c_of_torchrun_saves(begun: Any, tmp_path: Path) -> None:
    process = begun(torchrun=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.killpg(process.pid, signal.SIGINT)
    ended(process, [int(pid) for pid in children])
    assert process.returncode != 0
    check_goes_on(tmp_path)


def test_a_hundred_steps_of_adam_give_the_same_tables_and_wires_up_to_rounding() -> None:
    dataset = load("digits")
    x, y = dataset.x_train, dataset.y_train
    settings = Settings(epochs=9, batch_size=100, lr=0.02, validation=0.0)
    models, fits = [], []
    for devices in (1, 2):
        model = build(Architecture(luts=(300, 100), rank=4, num_candidates=4), x, 10, seed=0)
        fits.append(Trainer(settings, quiet=True, devices=devices).fit(model, x, y))
        models.append(model)
    assert len(fits[0].history) * (len(x) // 100) >= 100  # steps
    assert [epoch.loss for epoch in fits[1].history] == pytest.approx(
        [e.loss for e in fits[0].history], rel=1e-2
    )  # wires that are tied may flip
    for one, two in zip(*(model[2:-1] for model in models), strict=True):
        mine, other = (layer.parametrization.probabilities(layer.weight.detach()) for layer in (one, two))
        difference = (mine - other).abs()
        assert float(difference.max()) < 0.02
        assert ((mine > 0.5) == (other > 0.5))[(mine - 0.5).abs() > difference].all()
        chosen = [layer.connections.scores.argmax(2) for layer in (one, two)]
        assert float((chosen[0] == chosen[1]).float().mean()) > 0.999
    assert dataset.x_test is not None
    rows = np.arange(len(dataset.x_test))
    right = [logits(model, dataset.x_test, rows, hardened=True).argmax(1) == dataset.y_test for model in models]
    assert abs(float(right[0].mean()) - float(right[1].mean())) < 0.02


def test_a_fit_with_several_processes_is_lowered_and_proved() -> None:
    _, circuit, report = fit(
        load("digits"),
        Architecture(luts=(100,), rank=4),
        Settings(epochs=2, temperature_final=0.5),
        devices=2,
        quiet=True,
    )
    assert report.lowering == "proved"
    assert report.accuracy is not None
    assert report.accuracy > 0.4
    assert circuit.metadata.training is not None


PROMPT = """
from tests.training.models import images, network
from lutsmith.training import Settings, Trainer
fit = Trainer(Settings(epochs=2, batch_size=50, lr=0.1), devices=2, quiet=True).fit(network(), *images(300))
print(len(fit.history))
"""


def test_processes_start_from_a_prompt_and_a_script_has_to_be_guarded(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(PROMPT)
    options: dict[str, Any] = {"env": environment(), "capture_output": True, "text": True, "timeout": PATIENCE}
    typed = subprocess.run([sys.executable, "-"], input=PROMPT, check=False, **options)
    assert typed.stdout == "2\n", typed.stderr
    bare = subprocess.run([sys.executable, str(script)], check=False, **options)
    assert bare.returncode == 1
    assert '__name__ == "__main__"' in bare.stderr.splitlines()[-1]
