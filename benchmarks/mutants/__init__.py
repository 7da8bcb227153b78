"""Mutants: whether the tests notice when the code is wrong.

    python -m benchmarks.mutants [--count 300] [--seed 0] [--workers 2] [--budget 25]
        [--only TEXT] [--part I/N] [--reuse] [--json FILE]

A mutant is a copy of one source file with one small change: `<` becomes `<=`, an argument is dropped, a value becomes
None. A mutant is killed where a test fails, and survives where none does. The changes are those of mutmut's operators;
which of them are tried is drawn with a seed (`sampler.py`).

1. The tests of the rooms run once under coverage.py, which notes the lines that each test runs (`coverage_run.py`).
2. For each mutant the tests that run the changed line are chosen, the quick and specific ones first (`choice.py`).
3. Each mutant is written into a copy of the repository and tried there by a process that has imported NumPy, Numba and
   pytest already (`worker.py`); the repository itself is never written to (`workspace.py`).
4. Tests that killed something run once more without any mutant: a kill by a test that fails then is void.
5. The score, the survivors and why they survive are printed and written as JSON (`report.py`, `survivors.toml`).
"""

from __future__ import annotations

ROOMS = ("logic", "circuit/simplify", "formats", "hardware/verification")
"""The folders of `src/lutsmith` that are mutated."""

TESTS = ("tests/logic", "tests/circuit/simplify", "tests/formats", "tests/hardware")
"""The tests that have to notice: those of these rooms."""
