"""What a teacher says about all training rows: a small network trained for this purpose, or an existing model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import lutsmith.circuit.file
from lutsmith.circuit.circuit import Circuit
from lutsmith.data.augmentation.recipe import ImageAugmentation
from lutsmith.data.split import validation_split
from lutsmith.training.isolation import torch_threads
from lutsmith.training.metrics import logits
from lutsmith.training.penalties.distillation import Distillation
from lutsmith.training.samples import Samples
from lutsmith.training.settings import Settings
from lutsmith.training.teachers.cnn import small_cnn
from lutsmith.training.trainer import Trainer

CNN = "cnn"
FOLDER = "teacher"
"""Where in the folder of a run the teacher's own run is."""
MODEL = "model.lut"

Logits = NDArray[np.float32]


def lessons(
    settings: Settings,
    samples: Samples,
    num_classes: int,
    *,
    folder: Path | None,
    resume: bool,
    quiet: bool,
    devices: int | None = None,
) -> Distillation:
    """Return the opinion of `settings.teacher` as a penalty. Held-out rows teach nothing.

    The teacher "cnn" is trained on the training rows, with the changes to images that the settings ask for, and keeps
    its checkpoint in its own folder below the run's, so that a stopped run can resume it. It judges each row
    unaugmented.

    A circuit's scores are counts: they are divided by the number that makes the labels of the training rows likeliest
    (Guo et al., 2017). Train the circuit with the same seed and at least as large a share of validation rows; otherwise
    it has seen some of them.

    Args:
        settings: of the run.
        samples: all rows.
        num_classes: of the labels.
        folder: of the run; None: nothing is kept.
        resume: resume the teacher in the folder.
        quiet: show no progress.
        devices: processes that train the teacher "cnn" together; None: as `Trainer` has it.

    Raises:
        ValueError: a teacher for other samples or classes, or one that does not exist.
        TrainingInterrupted: Ctrl-C or SIGTERM, after saving.
    """
    rows, _ = validation_split(samples.y, settings.validation, settings.rows_seed)
    if settings.teacher == CNN:
        own = None if folder is None else folder / FOLDER
        opinion = _of_cnn(settings, samples, rows, num_classes, own, resume=resume, quiet=quiet, devices=devices)
    else:
        opinion = _of_circuit(_circuit(str(settings.teacher), samples, num_classes), samples, rows)
    return Distillation(opinion, settings.teacher_weight, settings.teacher_temperature)


def check_teacher(settings: Settings, samples: Samples, num_classes: int) -> None:
    """Raise ValueError if the settings ask for a teacher that cannot teach these samples."""
    if settings.teacher == CNN:
        small_cnn(torch.from_numpy(samples.x[:2]), num_classes, settings.seed)
    elif settings.teacher is not None:
        _circuit(settings.teacher, samples, num_classes)


def _of_cnn(
    settings: Settings,
    samples: Samples,
    rows: NDArray[np.int64],
    num_classes: int,
    folder: Path | None,
    *,
    resume: bool,
    quiet: bool,
    devices: int | None,
) -> Logits:
    """The opinion of a small network that is trained now, or was."""
    x, y = samples.x[rows], samples.y[rows]
    model = small_cnn(torch.from_numpy(x), num_classes, settings.seed)
    own = Settings(
        epochs=settings.teacher_epochs,
        batch_size=128,
        optimizer="adamw",
        optimizer_options={"weight_decay": 0.01},
        lr=0.004,
        warmup=min(1.0, settings.teacher_epochs / 5),
        label_smoothing=0.05,
        validation=0.0,
        seed=settings.seed,
        accelerator=settings.accelerator,
        torch_threads=settings.torch_threads,
        **vars(ImageAugmentation.of(settings)),
    )
    weights = None if samples.weights is None else samples.weights[rows]
    trainer = Trainer(own, folder=folder, quiet=quiet, devices=devices)
    trainer.fit(model, x, y, weights, resume=resume and folder is not None)
    with torch_threads(settings.torch_threads):
        return logits(model, samples.x, np.arange(len(samples.x)), hardened=True)


def _circuit(teacher: str, samples: Samples, num_classes: int) -> Circuit:
    """The circuit in a model file, or in that of a run; ValueError where it is not for these samples."""
    path = Path(teacher).expanduser()
    path = path / MODEL if path.is_dir() else path
    if not path.is_file():
        raise ValueError(
            f"teacher={teacher!r}: there is no file {path}; expected 'cnn', a model file or a run's folder"
        )
    circuit = lutsmith.circuit.file.load(path)
    if not circuit.is_classifier or circuit.input_shape not in (None, samples.x.shape[1:]):
        raise ValueError(
            f"teacher={teacher!r} is for samples of shape {circuit.input_shape} and {circuit.objective}; expected "
            f"a classifier of samples of shape {samples.x.shape[1:]}"
        )
    if (own := circuit.decision_function(samples.x[:1]).shape[1]) != num_classes:
        raise ValueError(f"teacher={teacher!r} distinguishes {own} classes; expected {num_classes}")
    return circuit


def _of_circuit(circuit: Circuit, samples: Samples, rows: NDArray[np.int64]) -> Logits:
    """The opinion of a circuit."""
    scores: Logits = circuit.decision_function(samples.x).astype(np.float32)
    scores *= _likeliest(torch.from_numpy(scores[rows]).double(), torch.from_numpy(samples.y[rows]).long())
    return scores


def _likeliest(scores: torch.Tensor, labels: torch.Tensor) -> np.float32:
    """The factor of scores that makes labels likeliest, of 65 between 1/256 and 256 times their spread."""
    spread = float(scores.std(1).mean()) or 1.0
    factors = torch.logspace(-8, 8, 65, base=2, dtype=torch.float64) / spread
    losses = [float(torch.nn.functional.cross_entropy(scores * factor, labels)) for factor in factors]
    return np.float32(factors[int(np.argmin(losses))])
