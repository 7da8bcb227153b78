"""torch_dwn's documented layers in plain torch: the same state dict, and each formula as it is written down."""

from __future__ import annotations

import torch
from torch import nn


class _Efd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, mapping, luts, alpha, beta):
        n = mapping.shape[1]
        address = ((x[:, mapping.long()] > 0).long() << torch.arange(n)).sum(-1)
        ctx.save_for_backward(x, mapping, luts, address)
        ctx.decay = float(alpha), float(beta)
        return luts[torch.arange(len(luts)), address]

    @staticmethod
    def backward(ctx, g):
        x, mapping, luts, address = ctx.saved_tensors
        alpha, beta = ctx.decay
        count, n = mapping.shape
        dx, dluts = torch.zeros_like(x), torch.zeros_like(luts)
        for j in range(count):
            dluts[j].index_add_(0, address[:, j], g[:, j])
            for slot in range(n):
                slope = 0
                for k in range(1 << n):
                    others = (address[:, j] ^ k) & ~(1 << slot)
                    distance = sum(others >> bit & 1 for bit in range(n))
                    slope = slope + (1 if k >> slot & 1 else -1) * luts[j, k] * alpha * beta**distance
                dx[:, mapping[j, slot]] += slope * g[:, j]
        return dx, None, dluts, None, None


class _Best(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weights, tau):
        ctx.save_for_backward(x, weights)
        ctx.tau = tau
        return x[:, weights.argmax(0)]

    @staticmethod
    def backward(ctx, g):
        x, weights = ctx.saved_tensors
        return g @ (weights / ctx.tau).softmax(0).t(), (2 * x - 1).t() @ g, None


class _Ste(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        return g


class LearnableMapping(nn.Module):
    def __init__(self, input_size, output_size, tau):
        super().__init__()
        self.weights = nn.Parameter(torch.rand(input_size, output_size))
        self.tau = tau

    def forward(self, x):
        return _Best.apply(x, self.weights, self.tau)


class LUTLayer(nn.Module):
    """Two-dimensional inputs only; the dummy is called as torch_dwn's is, since its class is called like this one."""

    def __init__(self, input_size, output_size, n, mapping, alpha=None, beta=None, ste=True, clamp=True, lm_tau=0.001):
        super().__init__()
        self.input_size, self.output_size, self.n = input_size, output_size, n
        self.ste, self.clamp_luts = ste, clamp
        self.alpha = torch.tensor(0.5 * 0.75 ** (n - 1) if alpha is None else alpha)
        self.beta = torch.tensor(0.25 / 0.75 if beta is None else beta)
        if isinstance(mapping, str):
            self.mapping = LearnableMapping(input_size, output_size * n, lm_tau)
            dummy = torch.arange(output_size * n).reshape(output_size, n).int()
            self.__dummy_mapping = nn.Parameter(dummy, requires_grad=False)
        else:
            self.mapping = nn.Parameter(mapping, requires_grad=False)
        self.luts = nn.Parameter(torch.rand(output_size, 1 << n) * 2 - 1)

    def forward(self, x):
        if self.training and self.clamp_luts:
            with torch.no_grad():
                self.luts.clamp_(-1, 1)
        mapping = self.mapping
        if isinstance(mapping, LearnableMapping):
            x, mapping = mapping(x), self.__dummy_mapping
        y = _Efd.apply(x, mapping, self.luts, self.alpha, self.beta)
        return _Ste.apply(y) if self.ste else y


class STE(nn.Module):
    def forward(self, x):
        return _Ste.apply(x)


class GroupSum(nn.Module):
    def __init__(self, k, tau=1.0):
        super().__init__()
        self.k, self.tau, self.randperm = k, tau, False

    def forward(self, x):
        x = nn.functional.pad(x, (0, -x.shape[-1] % self.k))
        return x.reshape(len(x), self.k, -1).sum(-1) / self.tau
