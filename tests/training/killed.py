"""Run as a program: train a LUT network in a folder and be killed (SIGKILL) in the middle of an epoch.

python killed.py FOLDER PASSES SIGNAL
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from torch import nn

from lutsmith.nn import Architecture, build
from lutsmith.training import Settings, Trainer, TrainingInterrupted

SETTINGS = Settings(
    epochs=3,
    batch_size=32,
    lr=0.05,
    score_lr=0.1,
    bit_flip=0.02,
    shift=1,
    rotate=10,
    optimizer="adamw",
    warmup=0.5,
    temperature_final=0.5,
    refresh=0.5,
    refresh_epochs=(1, 2),
    weight_average=0.9,
)


def data() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 400)
    x = generator.integers(0, 200, (400, 1, 6, 6)) + 50 * (y[:, None, None, None] ^ (np.arange(6) < 3))
    return x.astype(np.uint8), y


def network() -> nn.Sequential:
    return network_of(data()[0])


def network_of(x: np.ndarray) -> nn.Sequential:
    return build(Architecture(luts=(60, 20), rank=4, bits=2, num_candidates=4), x, 2, seed=3)


def main(folder: str, passes: str, number: str) -> None:
    model = network()
    left = int(passes)

    def stop(module: nn.Module, inputs: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), int(number))

    model.register_forward_pre_hook(stop)
    try:
        Trainer(SETTINGS, folder=Path(folder), checkpoint_seconds=0, quiet=True).fit(model, *data())
    except TrainingInterrupted as error:
        sys.stdout.write(str(error))
        raise SystemExit(130) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
