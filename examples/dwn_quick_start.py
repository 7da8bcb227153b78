"""The quick start of torch_dwn, on a CPU: MNIST with 2,000 + 1,000 LUTs of six inputs, then as a circuit.

    python examples/dwn_quick_start.py [--epochs 30] [--limit IMAGES]

Model, optimizer, schedule and loop are those published; the import line and the loading of the data are lutsmith's.
LUTSMITH_DATA names the folder that holds MNIST.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import lutsmith
import lutsmith.dwn as dwn
from lutsmith.data import load


def load_mnist(limit: int | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pixels in [0, 1] as rows of 784, and labels."""
    mnist = load("mnist")
    x_train, y_train = torch.from_numpy(mnist.x_train)[:limit], torch.from_numpy(mnist.y_train)[:limit]
    x_test, y_test = torch.from_numpy(mnist.x_test), torch.from_numpy(mnist.y_test)
    return x_train.flatten(1) / 255, y_train, x_test.flatten(1) / 255, y_test


def train(
    model: nn.Module,
    x_train: Tensor,
    y_train: Tensor,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    batch_size: int,
    epochs: int,
) -> None:
    """The published loop."""
    model.train()
    n_samples = x_train.shape[0]
    for epoch in range(epochs):
        permutation = torch.randperm(n_samples)
        for i in range(0, n_samples, batch_size):
            optimizer.zero_grad()
            indices = permutation[i : i + batch_size]
            outputs = model(x_train[indices])
            loss = cross_entropy(outputs, y_train[indices])
            loss.backward()
            optimizer.step()
        scheduler.step()
        print(f"Epoch {epoch + 1}/{epochs}, Loss: {loss.item()}")


def main() -> None:
    """Train, measure, make the circuit, and check that it is the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--limit", type=int, help="training images, the first of the set")
    arguments = parser.parse_args()

    raw_train, y_train, raw_test, y_test = load_mnist(arguments.limit)

    # Binarize using the distributive thermometer
    thermometer = dwn.DistributiveThermometer(3).fit(raw_train)
    x_train = thermometer.binarize(raw_train).flatten(start_dim=1)
    x_test = thermometer.binarize(raw_test).flatten(start_dim=1)

    # Define the model
    model = nn.Sequential(
        dwn.LUTLayer(x_train.size(1), 2000, n=6, mapping="learnable"),
        dwn.LUTLayer(2000, 1000, n=6),
        dwn.GroupSum(10, tau=1 / 0.3),
    )

    # Optimizer and learning rate scheduler; fused: a seventh of the plain optimizer's time for the mapping's scores
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, gamma=0.1, step_size=14)

    train(model, x_train, y_train, optimizer, scheduler, batch_size=32, epochs=arguments.epochs)

    model.eval()
    with torch.no_grad():
        predicted = model(x_test).argmax(dim=1)

    # The circuit reads pixels: the thermometer is a part of it.
    network = nn.Sequential(thermometer.encoder, nn.Flatten(), model)
    circuit = lutsmith.to_circuit(network, input_shape=(784,))
    labels = torch.from_numpy(circuit.predict(raw_test.numpy()))
    print(f"model accuracy: {(predicted == y_test).float().mean():.4f}")
    print(f"circuit accuracy: {(labels == y_test).float().mean():.4f}")
    print(f"predictions that differ: {int((labels != predicted).sum())}")


if __name__ == "__main__":
    main()
