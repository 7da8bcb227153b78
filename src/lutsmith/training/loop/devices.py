"""Where training computes: the device, its precision, the processes, and what is placed there, by Lightning Fabric."""

from __future__ import annotations

import atexit
import logging
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from lutsmith.training.ranks.ranks import ALONE, PATIENCE, Ranks, launched
from lutsmith.training.samples import Array
from lutsmith.training.settings import Settings


class _Replicas(DDPStrategy):
    """One network in each process, which `ranks.GradientSum` keeps the same; it says why this is not torch's DDP."""

    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        return module


class Devices:
    """The device of this process, and the processes of the run.

    Args:
        settings: device and precision are read.
        devices: processes on each machine, one for each device; None: what torchrun started, else one.
        num_nodes: machines; None: what torchrun started, else one.

    Attributes:
        fabric: gives the backward pass and the precision of the forward pass.
        device: of the model and of all batches.
        ranks: the processes; gloo connects those on CPUs, nccl those on GPUs.
    """

    def __init__(self, settings: Settings, devices: int | None = None, num_nodes: int | None = None) -> None:
        """Find the device, and meet the other processes.

        Raises:
            ValueError: the requested device does not exist, or other processes were started than are asked for.
        """
        kind, self.ranks = accelerator(settings), ALONE
        given: dict[str, Any] = {"accelerator": kind, "precision": settings.precision}
        if launched():
            self.ranks = ranks = Ranks.here()
            nodes = ranks.size // ranks.local_size
            for name, asked, found in (("devices", devices, ranks.local_size), ("num_nodes", num_nodes, nodes)):
                if asked is not None and asked != found:
                    raise ValueError(f"{name}={asked}, and torchrun started {found}: leave it out, or give {found}")
            _check_enough(kind, ranks.local_size)
            strategy = _Replicas(cluster_environment=TorchElasticEnvironment(), timeout=PATIENCE)
            for talker in ("distributed", "rank_zero"):  # the progress bar is what a run shows
                logging.getLogger(f"lightning_fabric.utilities.{talker}").setLevel(logging.WARNING)
            self.fabric = Fabric(**given, devices=ranks.local_size, num_nodes=nodes, strategy=strategy)
            self.fabric.launch()
            atexit.register(_part)
        else:
            self.fabric = Fabric(**given, devices=1)
        self.device: torch.device = self.fabric.device

    def tensor(self, values: Array) -> Tensor:
        """Return an array on the device."""
        return torch.from_numpy(values).to(self.device)

    def setup(self, model: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """Return model and optimizer as steps must use them: in the requested precision."""
        network, prepared = self.fabric.setup(model, optimizer)
        return network, prepared


def _part() -> None:
    """Part from the other processes at the end of this one: threads that still listen would abort it."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def accelerator(settings: Settings) -> str:
    """Return "cuda", "mps" or "cpu"; raise ValueError if the requested device does not exist."""
    if settings.accelerator == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError("accelerator='mps': torch finds no device of Apple's here; take 'cpu' or 'auto'")
        return "mps"
    if settings.accelerator != "cpu" and torch.cuda.is_available():
        return "cuda"
    if settings.accelerator == "cuda":
        raise ValueError("accelerator='cuda': torch finds no CUDA device here; take 'cpu' or 'auto'")
    return "cpu"


def check_processes(settings: Settings, count: int) -> None:
    """Raise ValueError where there is no device for each of several processes on this machine."""
    _check_enough(accelerator(settings), count)


def _check_enough(kind: str, count: int) -> None:
    if kind == "mps" and count > 1:
        raise ValueError(f"accelerator='mps' is one device, and {count} processes were asked for; take 'cpu'")
    if kind == "cuda" and torch.cuda.device_count() < count:
        raise ValueError(
            f"devices={count}: torch finds {torch.cuda.device_count()} CUDA devices here; give as many at most"
        )
