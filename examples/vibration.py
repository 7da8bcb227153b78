"""Windows of a sensor as a sequence: kernels along time, a circuit of bits, one decision a window.

    python examples/vibration.py [--windows 4000] [--epochs 12]

The data are made here: 128 samples of an accelerometer on a machine, 8 bits each, which begin anywhere in a turn. The
shaft turns 4 to 7 times in a window, with an amplitude and a phase of its own, and noise is on all of it.

healthy      the turns alone: a sine
misaligned   twice as many turns beside them: a second harmonic
loose        the part of the turns below a threshold is missing: they rattle against a stop
bearing      a ball runs over a crack: short ringing knocks, 3 to 4 to a turn, on top of the turns

What tells them apart may be anywhere in the window, so that kernels that stand at every place learn it from fewer
windows than LUTs that read fixed samples: both are trained, with as many LUTs behind their first layers.
"""

import argparse

import numpy as np
import torch

import lutsmith
from lutsmith import Architecture, Settings

CLASSES = ("healthy", "misaligned", "loose", "bearing")
SAMPLES = 128


def windows(count, seed):
    """Return windows, uint8 (count, 1, SAMPLES), and the name of what each is."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, len(CLASSES), (count, 1))
    time = np.arange(SAMPLES)
    rate = rng.uniform(4, 7, (count, 1)) / SAMPLES
    turns = rate * time + rng.random((count, 1))
    amplitude = rng.uniform(0.5, 1.0, (count, 1))
    shaft = np.sin(2 * np.pi * turns)
    harmonic = 0.6 * np.sin(4 * np.pi * turns + 2 * np.pi * rng.random((count, 1)))
    since_knock = (turns * rng.uniform(3, 4, (count, 1)) % 1.0) / (rate * 3.5)  # in samples
    knock = 0.8 * np.exp(-since_knock / 2) * np.cos(np.pi * since_knock / 1.5)
    signal = np.choose(kind, [shaft, shaft + harmonic, np.maximum(shaft, -0.3), shaft + knock])
    signal = 40 * amplitude * signal + rng.normal(0, 4, signal.shape) + 128
    return np.clip(signal, 0, 255).round().astype(np.uint8)[:, None], np.array(CLASSES)[kind[:, 0]]


CONVOLUTION = [
    {"conv": 24, "window": 7, "padding": 3},
    {"pool": "or", "window": 4},
    {"conv": 64, "window": 5, "padding": 2},
    {"pool": "or", "window": 4},
]


def main():
    """Train both networks, and print what they and their circuits reach."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=4000, help="of the training part")
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    train, test = windows(arguments.windows, seed=0), windows(2000, seed=1)
    dataset = lutsmith.data.from_arrays(*train, *test)
    for name, layers in (("dense", []), ("convolution", CONVOLUTION)):
        architecture = Architecture(
            layers=layers, luts=(800,), rank=4, bits=7, per="channel" if layers else "feature", connections="learnable"
        )
        settings = Settings(epochs=arguments.epochs, lr=0.05, batch_size=128, validation=0.1)
        model, circuit, _ = lutsmith.fit(dataset, architecture, settings, quiet=True)
        x, y = test
        told = [circuit.classes[label] for label in model.eval()(torch.from_numpy(x)).argmax(1)]
        said = circuit.predict_labels(x)
        print(f"{name}: {circuit.netlist.num_nodes} LUTs")
        print(f"  model accuracy: {np.mean(np.array(told) == y):.4f}")
        print(f"  circuit accuracy: {np.mean(np.array(said) == y):.4f}")
        print(f"  predictions that differ: {sum(one != other for one, other in zip(told, said, strict=True))}")


if __name__ == "__main__":
    main()
