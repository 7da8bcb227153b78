"""Processes of every kind run the kernels: forked, spawned, joblib's, with another threading layer, without a cache."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import pytest
import torch

from lutsmith.kernels import threads
from lutsmith.kernels.training import arguments
from lutsmith.kernels.training.ops import Reads, fold


def total(seed: int) -> float:
    """The gradient of one step, as a number. Torch keeps to one thread: with more, it hangs in forked children."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(100, 256, generator=generator, requires_grad=True)
    tables = torch.rand(600, 16, generator=generator, requires_grad=True)
    reads = Reads(torch.randint(100, (600, 4), generator=generator).int())
    dx, dt = torch.autograd.grad(fold(x, tables, reads).square().sum(), (x, tables))
    return float(dx.double().abs().sum() + dt.double().abs().sum())


@pytest.fixture
def expected() -> list[float]:
    """Of the parent, which has used its threads."""
    values = [total(seed) for seed in range(3)]
    assert threads.get_num_threads() == 1 or threads._launched
    return values


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_compute_what_their_parent_does(method: str, expected: list[float]) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: the point of the test
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(total, range(3)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_uses_one_thread(expected: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os._exit(0 if threads.get_num_threads() == 1 and abs(total(0) - expected[0]) < 1e-5 * expected[0] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib_workers_compute_what_their_parent_does(backend: str, expected: list[float]) -> None:
    got = joblib.Parallel(2, backend=backend)(joblib.delayed(total)(seed) for seed in range(3))
    assert got == pytest.approx(expected, rel=1e-5)


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from concurrent.futures import ThreadPoolExecutor
import numba
from test_threads import total
with ThreadPoolExecutor(3) as pool:
    values = list(pool.map(total, [0] * 6))
assert max(values) - min(values) < 1e-5 * values[0], values
print(values[0], numba.threading_layer())
"""


def run(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(folder=str(Path(__file__).parent))
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", **variables}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=200, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_threading_layers_take_concurrent_callers(layer: str, expected: list[float]) -> None:
    done = run({"NUMBA_THREADING_LAYER": layer})
    if "No threading layer could be loaded" in done.stderr:
        pytest.skip(f"{layer} is not installed")
    assert done.returncode == 0, done.stderr
    value, used = done.stdout.split()
    assert used == layer
    assert float(value) == pytest.approx(expected[0], rel=1e-5)


def test_the_first_kernel_on_several_threads_leaves_torch_its_own_number() -> None:
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from lutsmith.kernels import threads; from lutsmith.kernels.training.ops import Reads, fold\n"
        "fold(torch.rand(9, 900), torch.rand(900, 16), Reads(torch.randint(9, (900, 4)).int()))\n"
        "assert threads._launched; print(torch.get_num_threads())"
    )
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"]


def test_small_work_stays_on_the_calling_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arguments.split(arguments.SMALL - 1, 1000) == 1
    assert arguments.split(arguments.SMALL, 1000) == threads.get_num_threads()
