"""Small stand-ins for LUT networks: any module with a soft and a hard form will do for the loop."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lutsmith.nn.parameter_groups import SCORES


class Bits(nn.Module):
    """Pixels to bits."""

    def forward(self, x: Tensor) -> Tensor:
        return (x > 127).float()


class Connections(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(inputs))

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {SCORES: [self.scores]}


class SoftHard(nn.Module):
    """Sigmoid weights in train mode, their rounding in eval mode; clamped; draws noise from torch's generator."""

    def __init__(self, inputs: int, outputs: int, noise: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs, generator=torch.Generator().manual_seed(1)))
        self.connections = Connections(inputs)
        self.noise = noise
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x @ (self.weight > 0).float()
        self.calls += 1
        weight = torch.sigmoid(self.weight) * (1 + self.connections.scores.unsqueeze(1))
        return x @ weight + self.noise * torch.randn(len(x), 1, device=x.device)

    def clamp_(self) -> None:
        with torch.no_grad():
            self.weight.clamp_(-1.5, 1.5)


class Candidates(nn.Module):
    """Two inputs to choose from for each output, with the methods of learned connections."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.inputs, self.temperature = inputs, 1.0
        self.scores = nn.Parameter(torch.rand(outputs, 4, generator=generator))
        self.register_buffer("candidates", torch.randint(inputs, (outputs, 4), generator=generator))
        self.register_buffer("frozen", torch.tensor(False))

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {SCORES: [self.scores]}

    def freeze(self) -> None:
        self.frozen.fill_(True)
        self.scores.requires_grad_(False)

    @torch.no_grad()
    def refresh(self, share: float, generator: torch.Generator) -> Tensor:
        changed = torch.zeros_like(self.scores, dtype=torch.bool)
        changed.scatter_(1, self.scores.argsort(1)[:, : round(4 * share)], True)
        fresh = torch.randint(self.inputs, self.candidates.shape, generator=generator)
        self.candidates.copy_(torch.where(changed, fresh, self.candidates))
        self.scores.masked_fill_(changed, 0.25)
        return changed


class Rows(nn.Module):
    """Reads one bit for each output, softly while training, and weighs it: all that is scheduled takes part."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, 2, generator=torch.Generator().manual_seed(1)))
        self.connections = Candidates(inputs, outputs)
        self.parametrization = SimpleNamespace(temperature=1.0, rho=0.5)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.connections.scores
        if not self.training:
            chosen = self.connections.candidates.gather(1, scores.argmax(1, keepdim=True)).squeeze(1)
            return torch.where(x[:, chosen] > 0.5, *((self.weight > 0).float().unbind(1)))
        share = (scores / self.connections.temperature).softmax(1)
        bits = (x[:, self.connections.candidates] * share).sum(2)
        off, on = (self.weight * self.parametrization.rho / self.parametrization.temperature).sigmoid().unbind(1)
        return off + bits * (on - off)


class Sums(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (2, -1)).sum(2)


def candidates_network() -> nn.Sequential:
    return nn.Sequential(Bits(), nn.Flatten(), Rows(64, 40), Sums())


def network(noise: float = 0.0) -> nn.Sequential:
    return nn.Sequential(Bits(), nn.Flatten(), SoftHard(64, 2, noise))


def images(count: int = 600, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """8 x 8 images, brighter in the upper half or in the lower: two classes that a linear rule tells apart."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, count)
    x = generator.integers(0, 160, (count, 1, 8, 8))
    x[y == 0, :, :4] += 90
    x[y == 1, :, 4:] += 90
    return x.astype(np.uint8), y


def same_state(a: nn.Module, b: nn.Module) -> bool:
    mine, other = a.state_dict(), b.state_dict()
    return mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


class InterruptAfter(nn.Module):
    """A module in front that calls `action` in its n-th training forward pass."""

    def __init__(self, passes: int, action: Callable[[], None]) -> None:
        super().__init__()
        self.left, self.action = passes, action

    def forward(self, x: Tensor) -> Tensor:
        if self.training and torch.is_grad_enabled():
            self.left -= 1
            if self.left == 0:
                self.action()
        return x
