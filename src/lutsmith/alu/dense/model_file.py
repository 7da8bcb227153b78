"""One file for a trained model: its name, options and weights, and the examples that it was trained on.

A file from one device loads on any other, its numbers the same to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.alu.dense.registry import DenseModel, model_named
from lutsmith.data.alu import ALU
from lutsmith.ground.arguments import one_of
from lutsmith.training.files.checkpoint import CheckpointError, read_tensors, write_tensors
from lutsmith.training.isolation import own_generators
from lutsmith.training.metrics import logits

FORMAT = "lutsmith-alu-dense-1"


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model with what it was built and trained with.

    Attributes:
        kind: the model that it is one of.
        options: those that differ from the defaults.
        alu: the operations and how examples are encoded.
        network: itself, `(B, *input_shape)` to logits `(B, output_bits)`.
    """

    kind: DenseModel
    options: Mapping[str, Any]
    alu: ALU
    network: nn.Module

    @classmethod
    def untrained(cls, name: str, alu: ALU, options: Mapping[str, Any], seed: int = 0) -> TrainedModel:
        """Build a model with first weights of a seed.

        Raises:
            ValueError: an unknown model or option, or a size that cannot be.
        """
        kind, encoder = model_named(name), alu.encoder
        with own_generators(seed):
            network = kind.build(encoder.input_shape, encoder.output_bits, **options)
        return cls(kind, dict(options), alu, network)

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def predict(self, op: str, a: Any, b: Any = 0) -> NDArray[Any]:
        """Return the results `(N,)` that the network gives for an operation and integers `(N,)`, in eval mode; of a
        comparison -1 where the answer is neither true nor false.

        Raises:
            ValueError: an operation that it was not trained on, or operands that the width does not hold.
        """
        one_of("op", op, self.alu.names)
        encoder = self.alu.encoder
        x = encoder.inputs(op, a, b)
        return encoder.results(op, logits(self.network, x, np.arange(len(x)), hardened=True) > 0)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        state = {name: value.detach().cpu() for name, value in self.network.state_dict().items()}
        told = {"model": self.kind.name, "options": dict(self.options), "alu": self.alu.to_json()}
        write_tensors(Path(path), {"format": FORMAT, **told, "state": state})

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> TrainedModel:
        """Read a file, and put the network on a device, in eval mode. Nothing in the file is executed.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: it is damaged, or not such a file.
            ValueError: it is of a model or an operation that is not registered here.
        """
        advice = "train it anew, or take another copy of the file"
        saved = read_tensors(Path(path), advice, "model")
        if saved["format"] != FORMAT:
            raise CheckpointError(f"{path} has format {saved['format']!r}; expected {FORMAT!r}")
        try:
            name, options, alu, state = (saved[key] for key in ("model", "options", "alu", "state"))
        except KeyError as error:
            raise CheckpointError(f"{path} lacks {error}; {advice}") from error
        trained = cls.untrained(name, ALU(**alu), options)
        try:
            trained.network.load_state_dict(state)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path} does not hold the weights of {name}: {error}; {advice}") from error
        trained.network.to(device).eval()
        return trained
