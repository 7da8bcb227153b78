"""The short way to a kernel means what torch's own way means, and is left where somebody listens on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from lutsmith.kernels.training import operators
from lutsmith.kernels.training.ops import Reads, encode, fold, fold_logistic, gates, group_sums, lookup, pool


def case(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Reads]:
    torch.manual_seed(0)
    reads = Reads(
        torch.randint(9, (7, 2), dtype=torch.int32),
        candidates=torch.randint(9, (7, 2, 3), dtype=torch.int32),
        scores=torch.randn(7, 2, 3, dtype=dtype).requires_grad_(),
    )
    return torch.rand(9, 130, dtype=dtype, requires_grad=True), torch.rand(7, 4, dtype=dtype, requires_grad=True), reads


WAYS: dict[str, Callable[[Tensor, Tensor, Reads], Tensor]] = {
    "fold": fold,
    "lookup": lookup,
    "fold_logistic": fold_logistic,
    "group_sums": lambda x, _t, _r: group_sums(x, 3),
    "gates": lambda x, _t, _r: gates(x[:, :16]),
}


class Seen(TorchDispatchMode):
    """Names of the operators that torch dispatches."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_both_ways_give_the_same_bits(name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    x, tables, reads = case(dtype)
    leaves = [leaf for leaf in (x, tables, reads.scores) if leaf is not None]
    found = []
    for short in (True, False):
        if not short:
            monkeypatch.setattr(operators, "_undisturbed", lambda *_: False)
        out = WAYS[name](x, tables, reads)
        gradients = torch.autograd.grad(out, leaves, torch.ones_like(out), allow_unused=True)
        found.append([out, *(each for each in gradients if each is not None)])
    assert len(found[0]) == len(found[1]) > 1
    for one, two in zip(*found, strict=True):
        assert one.dtype == two.dtype
        assert torch.equal(one, two)


def test_what_needs_no_gradient_has_none() -> None:
    x, tables, reads = case()
    with torch.no_grad():
        assert not fold(x, tables, reads).requires_grad
    plain = reads._replace(scores=reads.scores.detach() if reads.scores is not None else None)
    assert not fold(x.detach(), tables.detach(), plain).requires_grad
    assert not encode(x.t(), torch.rand(9, 2), 1).requires_grad
    with torch.inference_mode():
        assert fold(x, tables, reads).is_inference()
    frozen = fold(x, tables.detach(), plain)
    (dx,) = torch.autograd.grad(frozen.sum(), x)
    assert dx.shape == x.shape


def test_taps_of_pools_have_no_gradient() -> None:
    x = torch.rand(4, 5, requires_grad=True)
    places = torch.tensor([[0], [1]], dtype=torch.int32)
    pool(x, places, 4, "or").sum().backward()
    assert x.grad is not None
    assert x.grad.sum() == 5


@pytest.mark.parametrize("name", WAYS)
def test_modes_see_the_operator(name: str) -> None:
    with Seen() as seen:
        WAYS[name](*case())
    assert f"lutsmith.{name}.default" in seen.names


def test_other_tensors_take_the_long_way() -> None:
    class Marked(Tensor):
        pass

    x, tables, reads = case()
    types = operators._straight["fold"][1]
    rest = tables, *reads
    assert operators._undisturbed((x, *rest), types)
    assert operators._undisturbed((nn.Parameter(x.detach()), *rest), types)
    assert not operators._undisturbed((x.as_subclass(Marked), *rest), types)
    assert not operators._undisturbed((x.to("meta"), *rest), types)
    assert not operators._undisturbed((x.to_sparse(), *rest), types)
    assert not operators._undisturbed((x, tables, *reads._replace(plane=1.0)), types)  # type: ignore[arg-type]
    assert not operators._undisturbed((x, tables, *reads._replace(rule=None)), types)  # type: ignore[arg-type]
    assert not operators._undisturbed((x, tables), types)
    assert fold(x.to("meta"), tables.to("meta"), Reads(reads.inputs.to("meta"))).is_meta
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert type(fold(x, tables, reads)).__name__ == "FakeTensor"


def test_tracers_and_compilers_keep_the_operator() -> None:
    x, tables, reads = case()
    fixed = Reads(reads.inputs)
    traced = make_fx(lambda x, tables: fold(x, tables, fixed))(x.detach(), tables.detach())
    assert "lutsmith.fold" in traced.code
    compiled = torch.compile(lambda x, tables: fold(x, tables, fixed) * 2, fullgraph=True, backend="aot_eager")
    out = compiled(x, tables)
    assert torch.equal(out, fold(x, tables, fixed) * 2)
    assert torch.equal(*(torch.autograd.grad(each.sum(), tables)[0] for each in (out, fold(x, tables, fixed) * 2)))


def large() -> tuple[Tensor, Tensor, Reads]:
    """Results that lie in memory of our own."""
    torch.manual_seed(1)
    return torch.rand(50, 256), torch.rand(400, 4), Reads(torch.randint(50, (400, 2), dtype=torch.int32))


def test_tensors_that_are_marked_are_what_their_marks_say() -> None:
    x, tables, reads = large()
    assert torch.equal(fold(torch._neg_view(x), tables, reads), fold(-x, tables, reads))
    nothing = torch._efficientzerotensor(x.shape)
    assert torch.equal(fold(nothing, tables, reads), fold(torch.zeros_like(x), tables, reads))
    x.requires_grad_()
    out, grad = fold(x, tables, reads), torch.randn(400, 256)
    found = [torch.autograd.grad(out, x, g, retain_graph=True)[0] for g in (torch._neg_view(grad), -grad)]
    assert torch.equal(*found)


def test_gradients_in_batches() -> None:
    x, tables, reads = case()
    fixed = Reads(reads.inputs)
    out, grads = fold(x, tables, fixed), torch.randn(3, 7, 130)
    (together,) = torch.autograd.grad(out, x, grads, is_grads_batched=True, retain_graph=True)
    for one, grad in zip(together, grads, strict=True):
        torch.testing.assert_close(one, torch.autograd.grad(out, x, grad, retain_graph=True)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("with_gradient", [False, True])
def test_results_may_be_changed_in_place(dtype: torch.dtype, with_gradient: bool) -> None:
    x, tables, reads = large()
    x = x.to(dtype).requires_grad_(with_gradient)
    out = fold(x, tables.to(dtype), reads)
    wanted = out.detach() + 1
    out.add_(torch.ones(400, 1, dtype=dtype, requires_grad=True))
    assert torch.equal(out.detach(), wanted)
    out.sum().backward()
    assert (x.grad is not None) == with_gradient


def test_transforms_are_refused_and_not_taken_for_something_else() -> None:
    x, tables, reads = case()
    with pytest.raises(RuntimeError, match=r"functorch|transform|setup_context"):
        torch.func.grad(lambda x: fold(x, tables, Reads(reads.inputs)).sum())(x.detach())


def test_a_gradient_of_a_gradient_is_an_error() -> None:
    x, tables, reads = case()
    (dx,) = torch.autograd.grad(fold(x, tables, reads).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiable once"):
        dx.sum().backward(retain_graph=True)
    for leaf in (x, tables):
        with pytest.raises(RuntimeError, match="differentiable once"):
            torch.autograd.grad(dx.sum(), leaf, retain_graph=True, allow_unused=True)
    plain = Reads(reads.inputs)
    with pytest.raises(RuntimeError, match="differentiable once"):
        torch.autograd.functional.hessian(lambda x: fold(x, tables, plain).square().sum(), x[:, :3].detach())


@pytest.mark.parametrize("name", WAYS)
def test_derivatives_that_are_carried_forward_are_refused(name: str) -> None:
    x, tables, reads = (each.detach() if isinstance(each, Tensor) else each for each in case())
    fixed = Reads(reads.inputs)
    with pytest.raises(RuntimeError, match="forward mode"):
        torch.func.jvp(lambda x: WAYS[name](x, tables, fixed), (x,), (torch.ones_like(x),))
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        with pytest.raises(RuntimeError, match="forward mode"):
            WAYS[name](dual, tables, fixed)
        assert WAYS[name](x, tables, fixed).shape[0] > 0  # without a tangent


@pytest.mark.parametrize("wrong", [3, "rows", None, [1.0]])
def test_what_is_no_tensor_is_refused_by_torch(wrong: Any) -> None:
    _, tables, reads = case()
    with pytest.raises((RuntimeError, TypeError, AttributeError), match=r"Tensor|attribute"):
        fold(wrong, tables, reads)
