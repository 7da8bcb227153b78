"""Kernels are compiled once a machine, say so when it happens, and do without a cache where none can be written."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType, SimpleNamespace

import grimp
import numba
import pytest
from numba.core import config

from lutsmith.kernels import compiler
from lutsmith.kernels.training import build

SCRIPT = """
import torch
from lutsmith.kernels.training.ops import Reads, fold
reads = Reads(torch.zeros(3, 1, dtype=torch.int32))
print(fold(torch.ones(2, 5), torch.tensor([[0.0, 2.0]] * 3), reads).sum().item())
"""


BITS = """
import hashlib, torch
from lutsmith.kernels.training.ops import Reads, fold
rng = torch.Generator().manual_seed(0)
for rank in (1, 2):
    x = torch.rand(50, 131, generator=rng).requires_grad_()
    tables = torch.randn(90, 1 << rank, generator=rng).requires_grad_()
    out = fold(x, tables, Reads(torch.randint(50, (90, rank), generator=rng).int()))
    for bits in (out.detach(), *torch.autograd.grad(out.square().sum(), (x, tables))):
        print(rank, hashlib.sha256(bits.numpy().tobytes()).hexdigest())
"""


def run(variables: dict[str, str], script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=200, check=True
    )


@pytest.fixture(scope="module")
def first_and_second(tmp_path_factory: pytest.TempPathFactory) -> list[subprocess.CompletedProcess[str]]:
    """Two processes that run the same kernels, forward and backward: one compiles them, the other loads them."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return [run({"NUMBA_CACHE_DIR": cache}, BITS) for _ in range(2)]


@pytest.mark.slow
def test_compiling_is_said_once_and_loading_is_silent(
    first_and_second: list[subprocess.CompletedProcess[str]],
) -> None:
    first, second = first_and_second
    for rank in (1, 2):
        assert first.stderr.count(f"lutsmith: compiling the rank-{rank} kernels, once per machine") == 1
    assert second.stderr == ""


@pytest.mark.slow
def test_a_process_that_compiles_computes_the_bits_of_one_that_loads(
    first_and_second: list[subprocess.CompletedProcess[str]],
) -> None:
    first, second = (done.stdout for done in first_and_second)
    assert len(first.splitlines()) == 6
    assert first == second


def test_the_optimisation_level_is_that_of_the_one_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    levels, usual = [], config.OPT

    def compiled(function: FunctionType) -> SimpleNamespace:
        levels.append(int(config.OPT))
        if function is not compiled:
            raise numba.TypingError("refused")
        return SimpleNamespace(address=7)

    monkeypatch.setattr(numba, "cfunc", lambda *_, **__: compiled)
    assert compiler.callback(compiled, build.KERNEL, lambda: None, 1) == 7
    assert config.OPT is usual
    with pytest.raises(numba.TypingError, match="refused"):
        compiler.callback(lambda address, part: None, build.KERNEL, lambda: None, 2)
    assert config.OPT is usual
    assert levels == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["a_file/below", "read_only"])
def test_an_unwritable_cache_is_done_without(tmp_path: Path, place: str) -> None:
    (tmp_path / "a_file").write_text("no folder")
    (tmp_path / "read_only").mkdir(mode=0o500)
    assert run({"NUMBA_CACHE_DIR": str(tmp_path / place)}).stdout == "30.0\n"


def test_helpers_of_two_kernels_have_symbols_of_their_own():
    # Cached objects come from many processes: of two weak symbols of one name, the first one loaded serves both.
    names = [
        build._names(kind, rank, dtype, f"{kind}_{rank}_{dtype}")["pad"].py_func.__qualname__
        for kind, rank, dtype in itertools.product(("fold", "lookup", "backward"), (1, 6), ("float32", "float64"))
    ]
    assert len(set(names)) == len(names)


def test_two_modules_of_templates_cannot_mean_different_things_by_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant of one module would else change the kernels of another."""
    build._names_of_sources()
    monkeypatch.setattr(build.products, "ROWS", 8, raising=False)
    with pytest.raises(RuntimeError, match=r"read_best\.loops means another thing by ROWS"):
        build._names_of_sources()


def test_kernels_are_made_anew_when_any_source_of_theirs_changes() -> None:
    """Numba's cache watches one file: the digest in a kernel's name has to know all files that templates import."""
    graph = grimp.build_graph("lutsmith", cache_dir=None)
    shared = build.vectors, build.exponentials, build.pieces, build.of_bytes
    sources = {str(module.__name__) for module in (*shared, *build.SOURCES)}
    templates = {template.__module__ for template in (*build.TEMPLATES.values(), *build.HELPERS)}
    assert templates <= sources
    for source in sources:
        assert graph.find_modules_directly_imported_by(source) <= sources, source


def test_a_kernel_is_compiled_again_when_a_file_that_it_is_made_of_changes(tmp_path: Path) -> None:
    part, made = tmp_path / "part.py", tmp_path / "made.py"
    part.write_text("PART = 1\n")
    made.write_text(
        "from lutsmith.kernels.compiler import kernel\n"
        f"@kernel(sources=({str(part)!r},))\n"
        "def number() -> int:\n"
        "    return 7\n"
    )

    def loaded() -> bool:
        spec = importlib.util.spec_from_file_location("made", made)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.number() == 7
        return bool(module.number.stats.cache_hits)

    assert [loaded(), loaded()] == [False, True]
    part.write_text("PART = 22\n")
    assert [loaded(), loaded()] == [False, True]
