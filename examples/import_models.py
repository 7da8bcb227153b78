"""Models of difflogic and torchlogix as lutsmith's: a trainable model, and a circuit in one small file.

    python examples/import_models.py [--epochs 20] [--limit IMAGES]

Both are made here as those libraries lay them out, so that neither is needed: a state dict of torchlogix, and weights
and wiring of difflogic. What a state dict does not say is given beside it. The imported models then train on the
embedded digits.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn

from lutsmith import to_circuit
from lutsmith.data import load
from lutsmith.interop import from_difflogic, from_torchlogix

WIDTHS = (800, 400)


def torchlogix_state(in_dim: int) -> dict[str, Tensor]:
    """What `state_dict()` of torchlogix's Sequential(LogicDense, LogicDense, GroupSum) holds, light, rank 4."""
    state = {}
    for number, out_dim in enumerate(WIDTHS):
        state[f"{number}.weight"] = torch.randn(out_dim, 16) + torch.arange(16).ge(8) * 6 - 3
        state[f"{number}.connections.indices"] = (torch.randperm(4 * out_dim) % in_dim).reshape(4, out_dim)
        in_dim = out_dim
    return state


def difflogic_parts(in_dim: int) -> tuple[dict[str, Tensor], list[Tensor]]:
    """What difflogic's Sequential(LogicLayer, LogicLayer, GroupSum) saves, and `layer.indices`, which it does not."""
    state, indices = {}, []
    for number, out_dim in enumerate(WIDTHS):
        state[f"{number}.weights"] = torch.randn(out_dim, 16)
        indices.append((torch.randperm(2 * out_dim) % in_dim).reshape(2, out_dim))
        in_dim = out_dim
    return state, indices


def main() -> None:
    """Import, train, measure, and check that the circuit is the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--limit", type=int, help="training images, the first of the set")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    digits = load("digits")
    bits = [(torch.from_numpy(x).flatten(1) > 7).float() for x in (digits.x_train, digits.x_test)]
    x_train, x_test = bits[0][: arguments.limit], bits[1]
    y_train, y_test = torch.from_numpy(digits.y_train)[: arguments.limit], torch.from_numpy(digits.y_test)

    state, indices = difflogic_parts(in_dim=64)
    head = {"num_classes": 10, "tau": 5}
    models = {
        "torchlogix": from_torchlogix(
            torchlogix_state(in_dim=64),
            parametrization="light",
            forward_sampling="soft",
            temperature=1,
            grad_factor=1,
            in_dim=64,
            beta=0,
            **head,
        ),
        "difflogic": from_difflogic(state, indices, grad_factor=1, in_dim=64, **head),
    }
    for name, model in models.items():
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(arguments.epochs):
            for batch in torch.randperm(len(x_train)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x_train[batch]), y_train[batch]).backward()
                optimizer.step()
        model.eval()
        predicted = model(x_test).argmax(1)
        circuit = to_circuit(model, input_shape=(64,))
        labels = torch.from_numpy(circuit.predict(x_test.numpy()))
        print(f"{name}: model accuracy: {(predicted == y_test).float().mean():.4f}")
        print(f"{name}: circuit accuracy: {(labels == y_test).float().mean():.4f}")
        print(f"{name}: predictions that differ: {int((labels != predicted).sum())}")


if __name__ == "__main__":
    main()
