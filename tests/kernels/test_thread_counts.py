"""Every operation gives the same bits on one to five threads, at every rank, at sizes that share badly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.fold import cpu
from lutsmith.kernels.training.ops import Reads, encode, fold, gates, lookup, mix

COUNTS = (1, 2, 5)


def reads_of(luts: int, rank: int, features: int, kind: str, generator: torch.Generator) -> tuple[Reads, int]:
    """Reads of a kind, and how many tables it reads."""
    reads = Reads(torch.randint(features, (luts, rank), generator=generator).int())
    if kind == "shared":
        return reads._replace(table_ptr=torch.tensor([0, luts // 3, luts]).int()), 2
    if kind in ("softmax", "dwn"):
        candidates = torch.randint(features, (luts, rank, 5), generator=generator).int()
        scores = torch.randn(luts, rank, 5, generator=generator)
        return reads._replace(candidates=candidates, scores=scores, rule=kind), luts
    return reads, luts


def results(rank: int, luts: int, features: int, samples: int, kind: str, *, hard: bool, need_dx: bool) -> list[Tensor]:
    """Output and gradients of one operation over LUTs."""
    generator = torch.Generator().manual_seed(rank * luts + samples)
    x = torch.rand(features, samples, generator=generator).requires_grad_(need_dx)
    reads, tables = reads_of(luts, rank, features, kind, generator)
    t = torch.randn(tables, 1 << rank, generator=generator).requires_grad_()
    leaves = [leaf for leaf in (x, t, reads.scores) if leaf is not None and (leaf is not x or need_dx)]
    for leaf in leaves:
        leaf.requires_grad_()
    out = lookup(x, t, reads) if hard else fold(x, t, reads)
    return [out, *torch.autograd.grad(out, leaves, torch.randn(out.shape, generator=generator))]


def others(size: int) -> list[Tensor]:
    """Output and gradients of the gates, the mixes and the encoder."""
    generator = torch.Generator().manual_seed(size)
    logits = torch.randn(size, 16, generator=generator).requires_grad_()
    tables = gates(logits)
    x = torch.rand(size, 77, generator=generator).requires_grad_()
    scores = torch.randn(size, 3, 5, generator=generator).requires_grad_()
    mixed = mix(x, torch.randint(size, (size, 3, 5), generator=generator).int(), scores)
    gradients = [
        *torch.autograd.grad(tables, logits, torch.randn(tables.shape, generator=generator)),
        *torch.autograd.grad(mixed, (x, scores), torch.randn(mixed.shape, generator=generator)),
    ]
    return [tables, mixed, *gradients, encode(x.detach(), torch.rand(77, 3, generator=generator))]


def digest(tensors: list[Tensor]) -> list[bytes]:
    return [np.ascontiguousarray(tensor.detach().numpy()).tobytes() for tensor in tensors]


def compare(rank: int) -> int:
    """Run all kinds of a rank on each number of threads; return how many results were compared, or raise."""
    compared = 0
    cases = [
        (luts, features, samples, kind, hard, need_dx)
        for luts, features, samples in ((701, 311, 131), (37, 30, 300), (509, 61, 65))
        for kind in ("fixed", "shared", "softmax", "dwn")
        for hard in (False, True)
        for need_dx in (True, False)[: 1 + (luts == 37)]
    ]
    for luts, features, samples, kind, hard, need_dx in cases:
        found = []
        for count in COUNTS:
            threads.set_num_threads(count)
            found.append(digest(results(rank, luts, features, samples, kind, hard=hard, need_dx=need_dx)))
        where = (rank, luts, features, samples, kind, "hard" if hard else "soft", need_dx)
        assert all(other == found[0] for other in found), where
        compared += len(found)
    for size in (1, 333, 2001):
        found = []
        for count in COUNTS:
            threads.set_num_threads(count)
            found.append(digest(others(size)))
        assert all(other == found[0] for other in found), ("gates, mix, encode", size)
        compared += len(found)
    return compared


@pytest.fixture(scope="module")
def compared() -> dict[str, int | str]:
    """How many results were compared at each rank, or what differed.

    In a process of its own: the number of threads that there may be is fixed when Numba is imported.
    """
    code = f"""
import json, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from lutsmith.kernels.training import arguments
from test_thread_counts import compare
arguments.SMALL = 1 << 12
found = {{}}
for rank in range(1, 9):
    try:
        found[rank] = compare(rank)
    except AssertionError as error:
        found[rank] = repr(error)
print(json.dumps(found))
"""
    environment = {**os.environ, "NUMBA_NUM_THREADS": "5", "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("rank", range(1, 9))
def test_one_to_five_threads_give_the_same_bits(rank: int, compared: dict[str, int | str]) -> None:
    assert compared[str(rank)] == len(COUNTS) * ((3 + 1) * 4 * 2 + 3)


def test_how_sums_are_cut_does_not_depend_on_the_threads() -> None:
    sizes = [(luts, rank, features, samples) for luts in (1, 3, 500) for rank in (1, 6) for features in (1, 90)
             for samples in (1, 128, 256, 5000)]  # fmt: skip
    found = []
    for count in range(1, threads.get_num_threads() + 1):
        threads.set_num_threads(count)
        found.append([cpu._parts(*size, dx=True, shared=shared) for size in sizes for shared in (False, True)])
    threads.set_num_threads(None)
    assert all(cut == found[0] for cut in found)
    assert max(luts for luts, _ in found[0]) > 1
    assert max(samples for _, samples in found[0]) > 1
