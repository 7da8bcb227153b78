"""The quick start of BitLogic: MNIST with two layers of 2,000 LUTs of four inputs, then as a circuit.

    python examples/bitlogic_quick_start.py [--epochs 5] [--limit IMAGES]

Model, optimizer and loop are those published; the import line and the loading of the data are lutsmith's. LUTSMITH_DATA
names the folder that holds MNIST.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset

from lutsmith import DistributiveThermometer, GroupSum, LogicDense, to_circuit
from lutsmith.data import load


def load_mnist(limit: int | None) -> tuple[TensorDataset, TensorDataset]:
    """Pixels in [0, 1], (N, 1, 28, 28), with labels."""
    mnist = load("mnist")
    train = torch.from_numpy(mnist.x_train)[:limit] / 255, torch.from_numpy(mnist.y_train)[:limit]
    test = torch.from_numpy(mnist.x_test) / 255, torch.from_numpy(mnist.y_test)
    return TensorDataset(*train), TensorDataset(*test)


def main() -> None:
    """Train, measure, make the circuit, and check that it is the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--limit", type=int, help="training images, the first of the set")
    arguments = parser.parse_args()

    train_set, test_set = load_mnist(arguments.limit)
    train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=128)

    model = nn.Sequential(
        DistributiveThermometer(num_bits=8),  # (B, 1, 28, 28) -> (B, 8, 28, 28)
        nn.Flatten(),  # -> (B, 6272)
        LogicDense(
            in_dim=6272,
            out_dim=2000,
            parametrization="light",
            lut_rank=4,
            temperature=1.0,
            connections="learnable",
            num_candidates=8,
        ),
        LogicDense(
            in_dim=2000,
            out_dim=2000,
            parametrization="light",
            lut_rank=4,
            temperature=1.0,
            connections="learnable",
            num_candidates=8,
        ),
        GroupSum(k=10, tau=30.0),
    )

    # Fit the encoder once, on a sample of the training images
    model[0].fit(train_set.tensors[0][:10_000])

    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(arguments.epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}")

    model.eval()
    with torch.no_grad():
        predicted = torch.cat([model(x).argmax(1) for x, _ in test_loader])

    x_test, y_test = test_set.tensors
    labels = circuit_labels(model, x_test)
    print(f"model accuracy: {(predicted == y_test).float().mean():.4f}")
    print(f"circuit accuracy: {(labels == y_test).float().mean():.4f}")
    print(f"predictions that differ: {int((labels != predicted).sum())}")


def circuit_labels(model: nn.Module, x: Tensor) -> Tensor:
    """What the circuit of the model predicts."""
    circuit = to_circuit(model, input_shape=(1, 28, 28))
    return torch.from_numpy(circuit.predict(x.numpy()))


if __name__ == "__main__":
    main()
