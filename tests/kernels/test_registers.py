"""Kernels for processors with 32 registers of 512 bits, and with sixteen of 256: both are the naive form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = """
import torch
from lutsmith.kernels import vectors

vectors.VECTOR_BYTES, vectors.REGISTERS = {bytes}, {registers}
from lutsmith.kernels.training.fold import naive, pieces
from lutsmith.kernels.training.ops import Reads, fold

assert pieces.ABREAST == {registers} // 16
generator = torch.Generator().manual_seed(0)
from lutsmith.kernels.training.fold import cpu
cpu.ROOM, from_copies = 0, lambda *_: False
for samples in (1, 17, 128, 300):
    x = torch.rand(20, samples, generator=generator, requires_grad=True)
    tables = torch.randn(9, 1 << {rank}, generator=generator, requires_grad=True)
    reads = Reads(torch.randint(20, (9, {rank}), generator=generator).int())
    grad = torch.randn(9, samples, generator=generator)
    found, expected = fold(x, tables, reads), naive.fold(x.double(), tables.double(), reads)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    wanted = torch.autograd.grad(expected, (x, tables), grad.double())
    for ours, theirs in zip(torch.autograd.grad(found, (x, tables), grad), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    narrow, both = x.detach().bfloat16().requires_grad_(), []
    for reads_narrow in (cpu.reads_narrow, from_copies):
        cpu.reads_narrow, kept = reads_narrow, cpu.reads_narrow
        y = fold(narrow, tables, reads)
        both.append((y, *torch.autograd.grad(y, (narrow, tables), grad.bfloat16())))
        cpu.reads_narrow = kept
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))
print("the same")
"""


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 4, 6])
@pytest.mark.parametrize(("size", "registers"), [(64, 32), (32, 16)])
def test_folds_of_both_kinds_of_processors(tmp_path: Path, size: int, registers: int, rank: int) -> None:
    code = CHECK.format(bytes=size, registers=registers, rank=rank)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "the same", done.stderr
