"""The operations on the CPU agree with their naive forms, in torch's own terms too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutsmith.kernels import threads
from lutsmith.kernels.training.encode import naive as naive_encode
from lutsmith.kernels.training.fold import naive as naive_fold
from lutsmith.kernels.training.fold_logistic import naive as naive_both
from lutsmith.kernels.training.gates import naive as naive_gates
from lutsmith.kernels.training.gates.naive import gate_tables
from lutsmith.kernels.training.group_sums import naive as naive_sums
from lutsmith.kernels.training.logistic import naive as naive_logistic
from lutsmith.kernels.training.lookup import naive as naive_lookup
from lutsmith.kernels.training.ops import (
    Reads,
    encode,
    fold,
    fold_logistic,
    gates,
    group_sums,
    logistic,
    lookup,
    to_places,
)
from lutsmith.kernels.training.to_places import naive as naive_places

SAMPLES = st.sampled_from([0, 1, 2, 15, 16, 17, 63, 64, 100, 128, 129, 200, 272])


pytestmark = pytest.mark.usefixtures("always_split")


@st.composite
def problems(draw: st.DrawFn, rank: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Reads, Tensor]:
    """Activations, tables, reads and a gradient, small or at the edges."""
    luts, features, samples = draw(st.integers(1, 40)), draw(st.integers(1, 50)), draw(SAMPLES)
    choices, shared, binary = draw(st.sampled_from([0, 1, 3, 8, 11, 16])), draw(st.booleans()), draw(st.booleans())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 20)))
    x = torch.rand(features, samples, dtype=dtype, generator=generator)
    if binary:
        x = x.round()
    count = draw(st.integers(1, 6)) if shared else luts
    tables = torch.randn(count, 1 << rank, dtype=dtype, generator=generator)
    reads = Reads(torch.randint(features, (luts, rank), generator=generator).int())
    if shared:
        cuts = torch.randint(luts + 1, (count - 1,), generator=generator).sort().values
        reads = reads._replace(table_ptr=torch.cat((torch.tensor([0]), cuts, torch.tensor([luts]))).int())
    if choices:
        reads = reads._replace(
            candidates=torch.randint(features, (luts, rank, choices), generator=generator).int(),
            scores=3 * torch.randn(luts, rank, choices, dtype=dtype, generator=generator),
            temperature=draw(st.sampled_from([0.5, 1.0, 3.0])),
            rule=draw(st.sampled_from(["softmax", "dwn"])),
        )
    return x, tables, reads, torch.randn(luts, samples, dtype=dtype, generator=generator)


def double(reads: Reads) -> Reads:
    return reads if reads.scores is None else reads._replace(scores=reads.scores.double())


def near(got: Tensor, expected: Tensor, terms: float = 1.0) -> None:
    """Equal up to the rounding of float32 sums of a few hundred terms, as large as `terms` where they cancel."""
    scale = max(terms, float(expected.abs().max())) if expected.numel() else 1.0
    torch.testing.assert_close(got.double(), expected.double(), rtol=0, atol=2e-5 * scale)


def gradients(out: Tensor, leaves: list[Tensor | None], grad: Tensor) -> list[Tensor | None]:
    wanted = [leaf for leaf in leaves if leaf is not None and leaf.requires_grad]
    found = iter(torch.autograd.grad(out, wanted, grad))
    return [next(found) if leaf is not None and leaf.requires_grad else None for leaf in leaves]


@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_kernels_agree_with_the_naive_form(rank: int, data: st.DataObject) -> None:
    x, tables, reads, grad = data.draw(problems(rank))
    hard = data.draw(st.booleans())
    rho = data.draw(st.sampled_from([0.25, 0.5, 1.0]))
    threads.set_num_threads(data.draw(st.integers(1, 2)))
    leaves = [x, tables, reads.scores]
    for leaf in leaves:
        if leaf is not None:
            leaf.requires_grad_(data.draw(st.booleans()))
    out = lookup(x, tables, reads, rho) if hard else fold(x, tables, reads)
    exact = double(Reads(*[w.detach() if isinstance(w, Tensor) else w for w in reads]))
    wide = grad.double(), x.detach().double(), tables.detach().double(), exact
    if hard:
        assert torch.equal(out, naive_lookup.lookup(x, tables, reads))
        expected = naive_lookup.lookup_backward(*wide, rho)
    else:
        near(out, naive_fold.fold(*wide[1:]))
        expected = naive_fold.fold_backward(*wide)
    if any(leaf is not None and leaf.requires_grad for leaf in leaves[:2]) or (
        reads.scores is not None and reads.scores.requires_grad
    ):
        for got, should in zip(gradients(out, leaves, grad), expected, strict=True):
            if got is not None:
                assert should is not None
                near(got, should)


@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_logistic_function_of_the_fold_is_both_in_a_row(rank: int, data: st.DataObject) -> None:
    x, tables, reads, grad = data.draw(problems(rank))
    tau = data.draw(st.sampled_from([0.1, 1.0, 3.0]))
    threads.set_num_threads(data.draw(st.integers(1, 2)))
    leaves = [x, tables, reads.scores]
    for leaf in leaves:
        if leaf is not None:
            leaf.requires_grad_(data.draw(st.booleans()))
    out = fold_logistic(x, tables, reads, tau)
    exact = double(Reads(*[w.detach() if isinstance(w, Tensor) else w for w in reads]))
    wide = x.detach().double(), tables.detach().double(), exact
    expected = naive_both.fold_logistic(*wide, tau)
    near(out, expected)
    if any(leaf is not None and leaf.requires_grad for leaf in leaves):
        gained = naive_both.fold_logistic_backward(grad.double(), expected, *wide, tau)
        for got, should in zip(gradients(out, leaves, grad), gained, strict=True):
            if got is not None:
                assert should is not None
                near(got, should, 1 / tau)


def test_the_logistic_function_of_the_fold_saturates_and_keeps_nan() -> None:
    tables = torch.tensor([[-1e30, 1e30], [-200.0, 200.0], [torch.nan, 1.0], [-torch.inf, torch.inf]])
    x = torch.tensor([[0.0, 1.0] * 20])
    reads = Reads(torch.zeros(4, 1, dtype=torch.int32))
    for dtype in (torch.float32, torch.float64):
        out = fold_logistic(x.to(dtype), tables.to(dtype), reads)
        expected = fold(x.to(dtype), tables.to(dtype), reads).sigmoid()
        torch.testing.assert_close(out, expected, equal_nan=True)
        assert out[0].tolist() == out[1].tolist() == [0.0, 1.0] * 20 or out[1].max() == 1


@pytest.mark.slow
@pytest.mark.parametrize("rank", [3, 6])
def test_gradcheck_passes_in_float64(rank: int) -> None:
    generator = torch.Generator().manual_seed(rank)
    x = torch.rand(6, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    tables = torch.randn(4, 1 << rank, dtype=torch.float64, generator=generator, requires_grad=True)
    reads = Reads(torch.randint(6, (4, rank), generator=generator).int())  # a LUT may read a row twice
    assert torch.autograd.gradcheck(lambda x, tables: fold(x, tables, reads), (x, tables))
    assert torch.autograd.gradcheck(lambda x, tables: fold_logistic(x, tables, reads, 0.7), (x, tables))


def test_unreached_entries_get_exactly_no_gradient_from_binary_inputs() -> None:
    for rank in (2, 4, 6):
        x = torch.zeros(rank, 30)
        x[0] = 1
        tables = torch.rand(5, 1 << rank, requires_grad=True)
        reads = Reads(torch.arange(rank).repeat(5, 1).int())
        (dt,) = torch.autograd.grad(fold(x, tables, reads), tables, torch.randn(5, 30))
        assert (dt[:, 1] != 0).all()
        assert dt.count_nonzero() == 5


@pytest.mark.parametrize("rank", range(1, 9))
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_entries_that_few_patterns_do_not_reach_get_exactly_no_gradient(rank: int, data: st.DataObject) -> None:
    """Optimizers that divide by the size of a gradient would take the smallest rounding for a reason to move."""
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1 << 20)))
    patterns, samples = data.draw(st.integers(1, 5)), data.draw(st.sampled_from([1, 17, 128, 200]))
    known = torch.randint(2, (patterns, rank), generator=generator).float()
    x = known[torch.randint(patterns, (samples,), generator=generator)].t().contiguous()
    if data.draw(st.booleans()):
        x.requires_grad_()
    tables = torch.rand(3, 1 << rank, generator=generator, requires_grad=True)
    out = fold(x, tables, Reads(torch.arange(rank).repeat(3, 1).int()))
    out.backward(torch.randn(3, samples, generator=generator))
    reached = (x.detach().t() @ (2.0 ** torch.arange(rank))).long().unique()
    missed = torch.ones(1 << rank, dtype=torch.bool).index_fill(0, reached, value=False)
    assert tables.grad is not None
    assert tables.grad[:, missed].count_nonzero() == 0
    assert tables.grad[:, reached].count_nonzero() > 0


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 9), SAMPLES, st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_sums_of_groups_and_their_gradient(groups: int, size: int, samples: int, dtype: torch.dtype) -> None:
    rows = torch.rand(groups * size, samples).to(dtype).requires_grad_()
    found = group_sums(rows, groups)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(found, rows.view(groups, size, samples).to(found.dtype).sum(1))
    grad = torch.randn(groups, samples, dtype=found.dtype)
    found.backward(grad)
    assert rows.grad is not None
    assert torch.equal(rows.grad, grad.to(dtype).repeat_interleave(size, 0))
    assert torch.equal(rows.grad, naive_sums.group_sums_backward(grad, groups * size, dtype))
    if samples:
        torch.library.opcheck(torch.ops.lutsmith.group_sums.default, (rows, groups))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([(), (0,), (7,), (300, 128), (5, 0)]), st.sampled_from([0.3, 1.0, 2.0]), st.booleans(),
       st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))  # fmt: skip
def test_the_logistic_function_is_torchs(shape: tuple[int, ...], tau: float, turned: bool, dtype: torch.dtype) -> None:
    logits = (30 * torch.randn(shape)).to(dtype)
    logits = (logits.t() if turned and len(shape) == 2 else logits).requires_grad_()
    found, expected = logistic(logits, tau), (logits / tau).sigmoid()
    torch.testing.assert_close(found, expected)
    grad = torch.randn(found.shape).to(dtype)
    ours, theirs = (torch.autograd.grad(y, logits, grad)[0] for y in (found, expected))
    torch.testing.assert_close(ours, theirs)
    if dtype != torch.bfloat16:
        near(naive_logistic.logistic_backward(grad, expected.detach(), tau), theirs.double(), 10)
    torch.library.opcheck(torch.ops.lutsmith.logistic.default, (logits, tau))


def test_one_and_two_threads_give_the_same_bits() -> None:
    x, tables = torch.rand(300, 300, requires_grad=True), torch.rand(400, 64, requires_grad=True)
    reads = Reads(torch.randint(300, (400, 6)).int())
    grad = torch.randn(400, 300)
    results = []
    for count in (1, threads.config.NUMBA_NUM_THREADS):
        threads.set_num_threads(count)
        results.append(torch.autograd.grad(fold(x, tables, reads), (x, tables), grad))
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)


def test_bfloat16_is_computed_in_float32_and_rounded_once() -> None:
    x, tables = torch.rand(20, 33).bfloat16(), torch.randn(9, 16).bfloat16()
    reads = Reads(torch.randint(20, (9, 4)).int())
    x.requires_grad_()
    tables.requires_grad_()
    out = fold(x, tables, reads)
    wide = fold(x.float(), tables.float(), reads)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, wide.bfloat16())
    for got, expected in zip(
        torch.autograd.grad(out.sum(), (x, tables)), torch.autograd.grad(wide.sum(), (x, tables)), strict=True
    ):
        assert got.dtype == torch.bfloat16
        assert torch.equal(got, expected)


def learned(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Reads]:
    candidates = torch.randint(20, (7, 3, 4)).int()
    scores = torch.randn(7, 3, 4, dtype=dtype, requires_grad=True)
    reads = Reads(candidates[:, :, 0].contiguous(), None, candidates, scores)
    tables = torch.randn(7, 8, dtype=dtype, requires_grad=True)
    return torch.rand(20, 21, dtype=dtype, requires_grad=True), tables, reads


def test_opcheck_passes() -> None:
    x, tables, reads = learned()
    fixed = Reads(reads.inputs)
    for case in ((x, tables, *reads), (x, tables, *fixed)):
        torch.library.opcheck(torch.ops.lutsmith.fold.default, case)
        torch.library.opcheck(torch.ops.lutsmith.lookup.default, (*case, 0.5))
        torch.library.opcheck(torch.ops.lutsmith.fold_logistic.default, (*case, 0.5))
    pixels = torch.randint(256, (5, 6), dtype=torch.uint8)
    torch.library.opcheck(torch.ops.lutsmith.encode.default, (pixels, torch.rand(6, 3), 2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_copies_for_places_have_the_sum_over_places_as_their_gradient(dtype: torch.dtype) -> None:
    owner = torch.randint(5, (4000,)).int()
    values = torch.randn(7, 3, 2, dtype=dtype, requires_grad=True)  # nobody has the last two
    copies = to_places(values, owner)
    assert torch.equal(copies, values[owner.long()])
    grad = torch.randn(copies.shape).to(dtype)
    (got,) = torch.autograd.grad(copies, values, grad)
    exact = torch.zeros(7, 3, 2, dtype=torch.float64).index_add(0, owner.long(), grad.double())
    assert torch.equal(got, exact.to(dtype))
    flat, rows = values.detach().reshape(7, 6), grad.reshape(4000, 6)
    assert torch.equal(naive_places.to_places(flat, owner), copies.reshape(4000, 6))
    tolerance = {torch.float32: 1e-6, torch.float64: 1e-14, torch.bfloat16: 1e-2}[dtype] * 1000
    expected = naive_places.to_places_backward(rows, owner, 7)
    torch.testing.assert_close(got.reshape(7, 6), expected, rtol=0, atol=tolerance)
    torch.library.opcheck(torch.ops.lutsmith.to_places.default, (flat.requires_grad_(), owner[:9]))
    torch.library.opcheck(torch.ops.lutsmith.to_places_backward.default, (rows[:9], owner[:9], 7))


def test_places_of_owners_that_are_not_there_are_refused() -> None:
    values = torch.randn(3, 2, requires_grad=True)
    for bad in (torch.tensor([0, 3]), torch.tensor([-1])):
        with pytest.raises(ValueError, match=r"owner range over .*; expected 0..2"):
            to_places(values, bad.int())
    with pytest.raises(ValueError, match=r"owner is torch\.int64"):
        to_places(values, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"values are torch\.int64"):
        to_places(torch.ones(3, 2).long(), torch.tensor([0]).int())
    assert to_places(values, torch.zeros(0).int()).shape == (0, 2)


def test_compiled_functions_give_the_same_gradients() -> None:
    x, tables, reads = learned()

    def loss(x: Tensor, tables: Tensor, scores: Tensor) -> Tensor:
        here = reads._replace(scores=scores)
        return (fold(x, tables, here) + lookup(x, tables, here) + fold_logistic(x, tables, here, 0.5)).square().sum()

    leaves = (x, tables, reads.scores)
    expected = torch.autograd.grad(loss(*leaves), leaves)
    got = torch.autograd.grad(torch.compile(loss, backend="aot_eager")(*leaves), leaves)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_results_stay_what_they_are_while_later_ones_are_computed() -> None:
    tables = torch.rand(300, 4)
    reads = Reads(torch.randint(300, (300, 2)).int())
    x = torch.rand(300, 256)
    kept = [fold(x * scale, tables, reads) for scale in (0.0, 0.5, 1.0)]
    for result, scale in zip(kept, (0.0, 0.5, 1.0), strict=True):
        torch.testing.assert_close(result, naive_fold.fold(x * scale, tables, reads))


def test_concurrent_callers_get_their_own_results() -> None:
    reads = Reads(torch.randint(100, (200, 4)).int())
    tables = torch.rand(200, 16)

    def step(seed: int) -> tuple[Tensor, ...]:
        x = torch.rand(100, 257, generator=torch.Generator().manual_seed(seed), requires_grad=True)
        leaf = tables.clone().requires_grad_()
        return torch.autograd.grad(fold(x, leaf, reads).square().sum(), (x, leaf))

    expected = [step(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(step, list(range(8)) * 4))
    for index, result in enumerate(got):
        assert all(torch.equal(a, b) for a, b in zip(result, expected[index % 8], strict=True))


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(0, 140),
    channels=st.integers(0, 9),
    inner=st.integers(1, 5),
    bits=st.integers(1, 4),
    dtype=st.sampled_from([torch.uint8, torch.int64, torch.float32, torch.float64, torch.bfloat16]),
)
def test_encode_agrees_with_the_reference(
    samples: int, channels: int, inner: int, bits: int, dtype: torch.dtype
) -> None:
    x = torch.randint(0, 9, (samples, channels * inner)).to(dtype)
    if dtype.is_floating_point:
        x[torch.rand(x.shape) < 0.1] = float("nan")
    thresholds = torch.randint(0, 9, (channels * inner, bits)).float()
    assert torch.equal(encode(x, thresholds, inner), naive_encode.encode(x, thresholds, inner))


def int32(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.int32)


@pytest.mark.parametrize(
    ("x", "tables", "reads", "words"),
    [
        (torch.rand(3), torch.rand(2, 4), Reads(int32(2, 2)), "two dimensions"),
        (torch.rand(3, 4).half(), torch.rand(2, 4), Reads(int32(2, 2)), "bfloat16"),
        (torch.rand(3, 4), torch.rand(2, 5), Reads(int32(2, 2)), r"\(tables, 4\)"),
        (torch.rand(3, 4), torch.rand(3, 4), Reads(int32(2, 2)), "table_ptr"),
        (torch.rand(3, 4), torch.rand(2, 4), Reads(int32(2, 2).long()), "int32"),
        (torch.rand(3, 4), torch.rand(2, 512), Reads(int32(2, 9)), "rank 9"),
        (torch.rand(3, 4), torch.rand(2, 4), Reads(int32(2, 2) + 3), r"3\.\.3; expected 0\.\.2"),
        (torch.rand(3, 4), torch.rand(2, 4), Reads(int32(2, 2) - 1), r"-1\.\.-1"),
        (torch.rand(3, 4), torch.rand(2, 4), Reads(int32(3, 2), int32(3)), "expected non-decreasing"),
        (torch.rand(3, 4), torch.rand(2, 4), Reads(int32(2, 2), None, int32(2, 2, 1)), "scores"),
        (
            torch.rand(3, 4),
            torch.rand(2, 4),
            Reads(int32(2, 2), None, int32(2, 2, 2), torch.rand(2, 2, 2), 1.0, "other"),
            "softmax, dwn",
        ),
    ],
)
def test_bad_input_is_named_before_it_reaches_a_kernel(x: Tensor, tables: Tensor, reads: Reads, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fold(x, tables, reads)
    with pytest.raises(ValueError, match=words):
        lookup(x, tables, reads)


def test_bad_rho_thresholds_and_thread_counts_are_named() -> None:
    with pytest.raises(ValueError, match="rho is 0"):
        lookup(torch.rand(3, 4), torch.rand(2, 4), Reads(int32(2, 2)), 0)
    with pytest.raises(ValueError, match=r"\(4, bits\)"):
        encode(torch.rand(3, 4), torch.rand(3, 2))
    with pytest.raises(ValueError, match="divisor"):
        encode(torch.rand(3, 4), torch.rand(4, 2), 3)
    with pytest.raises(ValueError, match="NUMBA_NUM_THREADS"):
        threads.set_num_threads(10_000)


@settings(max_examples=40, deadline=None)
@given(
    tables=st.integers(0, 70),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    temperature=st.sampled_from([0.2, 1.0, 7.0]),
    spread=st.sampled_from([0.0, 1.0, 30.0, 1e4]),
    count=st.integers(1, 2),
    seed=st.integers(0, 1 << 20),
)
def test_gates_agree_with_the_naive_form(
    tables: int, dtype: torch.dtype, temperature: float, spread: float, count: int, seed: int
) -> None:
    threads.set_num_threads(count)
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(tables, 16, dtype=dtype, generator=generator)
    logits.requires_grad_()
    grad = torch.randn(tables, 4, dtype=dtype, generator=generator)
    out = gates(logits, temperature)
    (got,) = torch.autograd.grad(out, logits, grad)
    wide = grad.double(), logits.detach().double(), temperature
    assert out.dtype == got.dtype == dtype
    tolerance = 1e-6 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(out.double(), naive_gates.gates(*wide[1:]), rtol=0, atol=tolerance)
    limit = 20 * tolerance * max(1.0, 1 / temperature)
    torch.testing.assert_close(got.double(), naive_gates.gates_backward(*wide), rtol=0, atol=limit)


def test_gates_have_the_gradient_of_their_formula() -> None:
    logits = torch.randn(5, 16, dtype=torch.float64, requires_grad=True)
    grad = torch.randn(5, 4, dtype=torch.float64)
    (expected,) = torch.autograd.grad((logits / 0.7).softmax(-1) @ gate_tables().double(), logits, grad)
    torch.testing.assert_close(naive_gates.gates_backward(grad, logits.detach(), 0.7), expected)
    torch.testing.assert_close(gates(1e3 * torch.eye(16)), gate_tables())
    torch.library.opcheck(torch.ops.lutsmith.gates.default, (logits, 0.7))
    torch.library.opcheck(torch.ops.lutsmith.gates_backward.default, (grad, logits.detach(), 0.7))


def test_a_gate_whose_logits_have_no_softmax_is_nan_and_its_neighbours_are_not() -> None:
    logits = torch.randn(40, 16)
    logits[3, 5], logits[20, 0], logits[39, 7] = torch.nan, torch.inf, -torch.inf
    logits[21] = -torch.inf
    torch.testing.assert_close(gates(logits), naive_gates.gates(logits, 1.0), equal_nan=True)
    assert gates(logits).isnan().any(1).nonzero().flatten().tolist() == [3, 20, 21]
    half = logits[:3].bfloat16()
    assert torch.equal(gates(half), gates(half.float()).bfloat16())


@pytest.mark.parametrize(
    ("logits", "temperature", "words"),
    [
        (torch.rand(3, 15), 1.0, r"\(tables, 16\)"),
        (torch.rand(3, 16).half(), 1.0, "bfloat16"),
        (torch.rand(3, 16), 0.0, "temperature is 0"),
    ],
)
def test_bad_logits_of_gates_are_named(logits: Tensor, temperature: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gates(logits, temperature)


@pytest.mark.parametrize("operation", ["fold", "lookup", "fold_logistic", "logistic"])
def test_a_gradient_of_a_gradient_is_refused(operation: str) -> None:
    x, tables = torch.rand(4, 9, requires_grad=True), torch.rand(3, 4, requires_grad=True)
    reads = Reads(torch.tensor([[0, 1], [2, 3], [1, 2]], dtype=torch.int32))
    run = {"fold": fold, "lookup": lookup, "fold_logistic": fold_logistic}.get(operation)
    out = logistic(x) if run is None else run(x, tables, reads)
    (slopes,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
    (plain,) = torch.autograd.grad((logistic(x) if run is None else run(x, tables, reads)).square().sum(), x)
    assert torch.equal(slopes, plain)
    with pytest.raises(RuntimeError, match=f"lutsmith.{operation} is differentiable once"):
        slopes.square().sum().backward()
