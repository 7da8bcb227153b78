"""The operations in plain torch: what every other kernel must compute, on any device.

Activations are feature-major, (features, batch). Bfloat16 is computed in float32. Nothing here is differentiable by
itself: the backward functions are the formulas, written out. `lutsmith.kernels.training.ops` joins the two.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lutsmith.kernels.training.wiring import Wiring, table_of

# Gate g of two inputs is the one whose table, read as an integer, is g: row g holds the four bits of g.
GATE_TABLES = ((torch.arange(16).unsqueeze(1) >> torch.arange(4)) & 1).float()

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


def compute_dtype(*tensors: Tensor) -> torch.dtype:
    """Return float64 if any of the tensors is float64, else float32."""
    return torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32


def fold(x: Tensor, tables: Tensor, wiring: Wiring) -> Tensor:
    """Multilinear extension of the tables: sum_k p_k prod_j x_j^k_j (1 - x_j)^(1 - k_j).  Returns (W, B) in x's
    dtype.
    """
    dtype = compute_dtype(x, tables)
    rows = x.to(dtype)[wiring.inputs.long()]
    return _fold(rows, tables.to(dtype)[table_of(wiring)])[0].to(x.dtype)


def _fold(rows: Tensor, entries: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Fold (W, 2**n) entries at (W, n, B) inputs; also return each level's differences v_hi - v_lo, input 0 first."""
    rank = rows.shape[1]
    values = entries.unsqueeze(2)
    differences: list[Tensor] = []
    for slot in reversed(range(rank)):
        low, high = values.chunk(2, dim=1)
        differences.insert(0, high - low)
        values = low + rows[:, slot : slot + 1] * differences[0]
    return values.squeeze(1), differences


def _minterms(rows: Tensor, grad: Tensor) -> Tensor:
    """grad (W, B) times each minterm of the inputs (W, n, B): (W, 2**n, B), exactly zero off the corner of binary
    inputs.
    """
    weights = grad.unsqueeze(1)
    for slot in range(rows.shape[1]):
        high = weights * rows[:, slot : slot + 1]
        weights = torch.cat((weights - high, high), dim=1)
    return weights


def _input_gradients(rows: Tensor, entries: Tensor, grad: Tensor) -> Tensor:
    """df/dx_j = f|x_j=1 - f|x_j=0, times grad: (W, n, B)."""
    differences = _fold(rows, entries)[1]
    weights = grad.unsqueeze(1)
    slopes = []
    for slot, difference in enumerate(differences):
        slopes.append((weights * difference).sum(1))
        high = weights * rows[:, slot : slot + 1]
        weights = torch.cat((weights - high, high), dim=1)
    return torch.stack(slopes, dim=1)


def fold_backward(
    grad: Tensor, x: Tensor, tables: Tensor, wiring: Wiring, *, dx: bool = True, dt: bool = True, dscores: bool = True
) -> Gradients:
    """Gradients of `fold` for x, tables and scores; None for those not asked for (or without candidates)."""
    dtype = compute_dtype(x, tables)
    values, gradient = x.to(dtype), grad.to(dtype)
    index = table_of(wiring)
    rows, entries = values[wiring.inputs.long()], tables.to(dtype)[index]
    return _gradients(values, x, tables, wiring, index, gradient, (rows, rows, entries), 1.0, (dx, dt, dscores))


def lookup(x: Tensor, tables: Tensor, wiring: Wiring) -> Tensor:
    """The entry at address sum_j [x_j > 1/2] 2^j: exactly a table entry. Returns (W, B) in x's dtype."""
    rank = wiring.inputs.shape[1]
    places = (1 << torch.arange(rank, device=x.device)).view(1, rank, 1)
    addresses = ((x > 0.5)[wiring.inputs.long()] * places).sum(1)
    return tables.to(compute_dtype(x, tables))[table_of(wiring)].gather(1, addresses).to(x.dtype)


def lookup_backward(
    grad: Tensor,
    x: Tensor,
    tables: Tensor,
    wiring: Wiring,
    rho: float = 0.5,
    *,
    dx: bool = True,
    dt: bool = True,
    dscores: bool = True,
) -> Gradients:
    """Gradients of `lookup`: one-hot for the tables, rho times the fold's at (1 - rho)/2 + rho x for the inputs.

    x is the thresholded input here, for the scores too. rho = 1/2 is DWN's extended finite difference.
    """
    dtype = compute_dtype(x, tables)
    values, gradient = (x > 0.5).to(dtype), grad.to(dtype)
    index = table_of(wiring)
    rows, entries = values[wiring.inputs.long()], tables.to(dtype)[index]
    points = (1 - rho) / 2 + rho * rows
    return _gradients(values, x, tables, wiring, index, gradient, (rows, points, entries), rho, (dx, dt, dscores))


def _gradients(
    values: Tensor,
    x: Tensor,
    tables: Tensor,
    wiring: Wiring,
    index: Tensor,
    grad: Tensor,
    at: tuple[Tensor, Tensor, Tensor],
    scale: float,
    need: tuple[bool, bool, bool],
) -> Gradients:
    """Scatter the gradients of all instances: minterms at `rows` to tables, slopes at `points` to inputs and scores."""
    rows, points, entries = at
    need_dx, need_dt, need_scores = need[0], need[1], need[2] and wiring.scores is not None
    dx = dt = dscores = None
    if need_dt:
        dt = torch.zeros(tables.shape, dtype=grad.dtype, device=grad.device)
        dt = dt.index_add_(0, index, _minterms(rows, grad).sum(2)).to(tables.dtype)
    if need_dx or need_scores:
        slopes = scale * _input_gradients(points, entries, grad)
        if need_dx:
            dx = _scatter(slopes, values, wiring).to(x.dtype)
        if need_scores:
            dscores = _score_gradients(slopes, values, wiring)
    return dx, dt, dscores


def _shares(scores: Tensor, temperature: float, dtype: torch.dtype) -> Tensor:
    return torch.softmax(scores.to(dtype) / temperature, dim=-1)


def _scatter(slopes: Tensor, values: Tensor, wiring: Wiring) -> Tensor:
    """Add each slot's gradient (W, n, B) to the row it reads, or to all its candidates by their softmax share: (F,
    B).
    """
    dx = torch.zeros_like(values)
    if wiring.candidates is None or wiring.scores is None:
        return dx.index_add_(0, wiring.inputs.flatten().long(), slopes.flatten(0, 1))
    shares = _shares(wiring.scores, wiring.temperature, values.dtype)
    for candidate in range(shares.shape[2]):
        rows = wiring.candidates[:, :, candidate].flatten().long()
        dx.index_add_(0, rows, (slopes * shares[:, :, candidate : candidate + 1]).flatten(0, 1))
    return dx


def _score_gradients(slopes: Tensor, values: Tensor, wiring: Wiring) -> Tensor | None:
    """Gradients of the scores (W, n, K), by the slopes D (W, n, B) and the candidates' values x_C.

    softmax: s (q - sum s q) / temperature with s the shares and q_C = sum_B D x_C.  dwn: sum_B D (2 x_C - 1).
    """
    if wiring.candidates is None or wiring.scores is None:
        return None
    dots = torch.stack(
        [
            torch.einsum("wb,wkb->wk", slopes[:, slot], values[wiring.candidates[:, slot].long()])
            for slot in range(slopes.shape[1])
        ],
        dim=1,
    )
    if wiring.rule == "dwn":
        return (2 * dots - slopes.sum(2, keepdim=True)).to(wiring.scores.dtype)
    shares = _shares(wiring.scores, wiring.temperature, values.dtype)
    centred = dots - (shares * dots).sum(2, keepdim=True)
    return (shares * centred / wiring.temperature).to(wiring.scores.dtype)


def encode(x: Tensor, thresholds: Tensor, inner: int = 1) -> Tensor:
    """Thermometer bits x > t of (N, F) numbers and (F, z) thresholds, both as float32: (F * z, N) float32 of 0 and 1.

    The row of feature f and bit b is (f // inner) z inner + b inner + f % inner. NaN compares false.
    """
    samples, features = x.shape
    bits = x.to(torch.float32).T.unsqueeze(1) > thresholds.to(torch.float32).unsqueeze(2)  # (F, z, N)
    grouped = bits.view(features // inner, inner, thresholds.shape[1], samples)
    return grouped.transpose(1, 2).reshape(features * thresholds.shape[1], samples).to(torch.float32)


def choose(scores: Tensor, candidates: Tensor) -> Tensor:
    """The input that each slot reads, (W, n) in the dtype of `candidates`, from scores and candidates (W, n, K).

    Slot by slot the best-scored candidate, the first of equals, that no earlier slot of the LUT has taken. Every slot
    must have such a candidate (`nn.connections.balanced.candidate_pools` sees to it).
    """
    chosen = torch.empty_like(candidates[:, :, 0])
    for slot in range(candidates.shape[1]):
        pool = candidates[:, slot]
        taken = (pool.unsqueeze(-1) == chosen[:, None, :slot]).any(-1)
        best = scores[:, slot].masked_fill(taken, -torch.inf).argmax(-1, keepdim=True)
        chosen[:, slot] = pool.gather(-1, best).squeeze(-1)
    return chosen


def best(scores: Tensor, unique: bool) -> Tensor:
    """The best-scored input of each slot, (W, n) int32, from scores (W, n, F): the first of equals.

    If `unique`, slot by slot the best one that no earlier slot of the LUT has taken; F is n or more.
    """
    chosen = scores.argmax(2)
    for slot in range(1, scores.shape[1] if unique else 1):
        chosen[:, slot] = scores[:, slot].scatter(1, chosen[:, :slot], -torch.inf).argmax(1)
    return chosen.int()


def mix(x: Tensor, candidates: Tensor, scores: Tensor, temperature: float) -> Tensor:
    """Rows of x (F, B) at the candidates (W, n, K) of each slot, in shares softmax(scores / temperature): (W n, B)."""
    dtype = compute_dtype(x, scores)
    shares, pools = _shares(scores, temperature, dtype).flatten(0, 1), candidates.flatten(0, 1).long()
    rows = torch.zeros((pools.shape[0], x.shape[1]), dtype=dtype, device=x.device)
    for k in range(pools.shape[1]):
        rows.addcmul_(shares[:, k : k + 1], x.to(dtype)[pools[:, k]])
    return rows.to(x.dtype)


def gates(logits: Tensor, temperature: float) -> Tensor:
    """Tables of two inputs, (T, 4): the mean of the sixteen gates' in shares softmax(logits / temperature), (T, 16)."""
    shares = _shares(logits, temperature, compute_dtype(logits))
    return (shares @ GATE_TABLES.to(shares)).to(logits.dtype)


def gates_backward(grad: Tensor, logits: Tensor, temperature: float) -> Tensor:
    """Gradient of the logits (T, 16) by that of the tables (T, 4): s (u - sum s u) / temperature.

    u_g is the sum of dp_k over the bits k of gate g.
    """
    shares = _shares(logits, temperature, compute_dtype(logits))
    gains = grad.to(shares.dtype) @ GATE_TABLES.to(shares).t()
    centred = gains - (shares * gains).sum(-1, keepdim=True)
    return (shares * centred / temperature).to(logits.dtype)
