"""Modules with difflut's documented attributes and state, and its functions of training by their definitions."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional


def corners(rank):
    return torch.tensor([[address >> j & 1 for j in range(rank)] for address in range(1 << rank)]).float()


class _Node(nn.Module):
    """One output; `value(x)` is what the node gives in training, without noise and before any straight-through."""

    def table(self, rank):
        return (self.value(corners(rank)) >= 0.5).flatten()


class DWNNode(_Node):
    def __init__(self, rank, alpha=None, beta=1 / 3):
        super().__init__()
        alpha = 0.5 * 0.75 ** (rank - 1) if alpha is None else alpha
        self.register_buffer("alpha", torch.tensor(alpha))
        self.register_buffer("beta", torch.tensor(beta))
        self.luts = nn.Parameter(torch.rand(1, 1 << rank))

    def value(self, x):
        return self.luts[0, ((x >= 0.5).long() << torch.arange(x.shape[1])).sum(1)]


class EarlyDWNNode(DWNNode):
    """Before alpha and beta were buffers."""

    def __init__(self, rank, alpha=None, beta=1 / 3):
        super().__init__(rank, alpha, beta)
        alpha, beta = float(self.alpha), float(self.beta)
        del self.alpha, self.beta
        self.alpha, self.beta = alpha, beta


class DWNStableNode(_Node):
    def __init__(self, rank, gradient_scale=1.25):
        super().__init__()
        self.gradient_scale = nn.Parameter(torch.tensor(gradient_scale))
        self.raw_luts = nn.Parameter(torch.randn(1, 1 << rank))

    def value(self, x):
        return self.raw_luts.sigmoid()[0, ((x >= 0.5).long() << torch.arange(x.shape[1])).sum(1)]


class FourierNode(_Node):
    def __init__(self, rank, max_amplitude=1.0):
        super().__init__()
        self.max_amplitude = max_amplitude
        self.register_buffer("frequencies", 0.5 * torch.randint(0, 2, (6, rank)).float())
        self.amplitudes = nn.Parameter(torch.rand(6, 1) * 0.1)
        self.phases = nn.Parameter((torch.rand(6, 1) * 2 - 1) * math.pi)
        self.bias = nn.Parameter(torch.full((1,), 0.75))

    def value(self, x):
        shares = self.amplitudes / (self.amplitudes.sum(0) + 1e-8) * self.max_amplitude
        waves = (2 * math.pi * (x @ self.frequencies.t()).unsqueeze(2) + self.phases).cos()
        return ((waves * shares).sum(1) + self.bias).clamp(0, 1)


class NeuralLUTNode(_Node):
    def __init__(self, rank, activation="relu", tau=1.0, ste=False, grad_factor=1.0):
        super().__init__()
        self.activation_type, self.tau, self.ste, self.grad_factor = activation, tau, ste, grad_factor
        self.layers = nn.ModuleList([nn.Linear(rank, 8), nn.Linear(8, 1)])
        self.skip_layers = nn.ModuleList([None, None])
        for layer in self.layers:
            nn.init.normal_(layer.weight)

    def value(self, x):
        names = {"relu": functional.relu, "sigmoid": torch.sigmoid, "leakyrelu": functional.leaky_relu}
        hidden = names[self.activation_type](self.layers[0](x))
        return (self.layers[1](hidden) / self.tau).sigmoid()


class LinearLUTNode(_Node):
    def __init__(self, rank):
        super().__init__()
        self.weights = nn.Parameter(torch.randn(rank, 1))

    def value(self, x):
        return (x @ self.weights).sigmoid()


class RandomLayer(nn.Module):
    def __init__(self, node, input_size, output_size, rank, **options):
        super().__init__()
        self.input_size, self.output_size, self.n = input_size, output_size, rank
        self.flip_probability, self.grad_stabilization = 0.0, "none"
        wiring = torch.stack([torch.randperm(input_size - 2)[:rank] for _ in range(output_size)])  # leaves two unread
        self.register_buffer("_mapping_indices", wiring.short())
        self.nodes = nn.ModuleList([node(rank, **options) for _ in range(output_size)])

    def bits(self, x):
        tables = torch.stack([node.table(self.n) for node in self.nodes])
        address = (x[:, self._mapping_indices.long()].long() << torch.arange(self.n)).sum(2)
        return tables.gather(1, address.t()).t().float()


class GroupSum(nn.Module):
    def __init__(self, k, tau=1.0, use_randperm=False):
        super().__init__()
        self.k, self.use_randperm = k, use_randperm
        self.register_buffer("tau", torch.tensor(tau))
