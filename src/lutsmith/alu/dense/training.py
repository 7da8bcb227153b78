"""Training a dense model, or a flat network of LUTs, on an endless stream of an ALU's examples."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lutsmith.alu.dense.device import describe_device, found_device
from lutsmith.alu.dense.feed import ALUFeed, StreamPosition
from lutsmith.alu.dense.losses import LOSSES, decaying, kernel_decay
from lutsmith.alu.dense.model_file import TrainedModel
from lutsmith.alu.dense.report import DenseReport
from lutsmith.alu.dense.scores import EncodedPoints, measured
from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.file import save
from lutsmith.data.alu import ALU
from lutsmith.data.report import CircuitMismatchError
from lutsmith.ground.arguments import one_of, whole_number
from lutsmith.ground.atomic import write_atomically
from lutsmith.nn.lowering import lower
from lutsmith.nn.read_back import prove_lowering
from lutsmith.training import Callback, Settings, TimeLimit, Trainer
from lutsmith.training.isolation import torch_threads as threads_of_torch
from lutsmith.training.metrics import logits

MODEL, CIRCUIT, REPORT = "model.pt", "model.lut", "report.json"
"""The files of a finished run, beside the checkpoint and metrics.jsonl."""

_ENDLESS = 1_000_000  # epochs of a run that time alone ends


def train_dense(
    ops: Iterable[str] | str | None = None,
    bits: int = 15,
    model: str = "res_mod",
    *,
    options: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    batch_size: int = 2048,
    lr: float | None = None,
    schedule: str = "cosine",
    loss: str | None = None,
    precision: str = "32-true",
    device: str = "auto",
    torch_threads: int = 1,
    seed: int = 0,
    sampler: str | Mapping[str, float] = "alunet",
    encoding: str | Mapping[str, Any] = "flat",
    signed: bool = False,
    held_out: float = 0.05,
    adaptive: bool = False,
    measure_every: int = 500,
    validation_points: int = 250,
    points: int = 10_000,
    checkpoint_seconds: float = 30.0,
    quiet: bool = False,
) -> DenseReport:
    """Train a model by name and measure it on points of the test part, which training never sees.

    The same arguments give the same weights, bit for bit, on the same machine's CPU, stopped and resumed or not, unless
    `seconds` is given: then the cosine follows the time.

    Args:
        ops: the operations; None: the twelve of ALU_Net.
        bits: the width of the operands.
        model: a name of `MODELS`.
        options: of the model, instead of its defaults, such as `{"units": 512, "layers": 6, "stacks": 1}`.
        seconds: the time limit for the steps and the measurements between them, over all sessions.
        steps: at most so many, rounded up to whole runs of `measure_every`. Without either, 14,000.
        out: the folder of the run: checkpoint.pt, metrics.jsonl, TensorBoard's events, and at the end model.pt,
            report.json, and of a network of LUTs model.lut. None: nothing is written.
        resume: go on from the folder's checkpoint, if there is one.
        batch_size: samples a step.
        lr: of Adam; None: the model's.
        schedule: "cosine" or "constant".
        loss: "mse" or "bce"; None: the model's.
        precision: "32-true", or "bf16-mixed": autocast.
        device: one of `DEVICES`.
        torch_threads: of torch on a CPU.
        seed: of the first weights and of the examples.
        sampler: of `data.alu.ALU`: a name, or a mixture.
        encoding: of `data.alu.ALU`: "flat", or "words" for models with attention.
        signed: whether operands are in two's complement.
        held_out: the share of all points in the validation part, and in the test part; few bits need more of it.
        adaptive: operations are drawn by their error rates, measured anew each `measure_every` steps.
        measure_every: steps from one measurement on the validation part to the next; the best weights are kept.
        validation_points: of each operation, measured then.
        points: of each operation, measured at the end.
        checkpoint_seconds: the checkpoint is written this often.
        quiet: show no progress.

    Raises:
        ValueError: an invalid argument; the message says what is allowed; a checkpoint of another run, or one in the
            way.
        TypeError: an argument of a wrong type.
        CheckpointError: a checkpoint that cannot be read or written.
        TrainingError: the loss is not finite.
        TrainingInterrupted: Ctrl-C or SIGTERM, after saving.
        CircuitMismatchError: the circuit is not equal to the network: a bug in lutsmith.
    """
    for name, value in (("measure_every", measure_every), ("points", points), ("validation_points", validation_points)):
        whole_number(name, value, 1)
    one_of("schedule", schedule, ("cosine", "constant"))
    where = found_device(device)
    alu = ALU(bits, ops, sampler=sampler, seed=seed, encoding=encoding, signed=signed, held_out=held_out)
    trained = TrainedModel.untrained(model, alu, options or {}, seed)
    kind, network = trained.kind, trained.network
    loss_name = one_of("loss", kind.loss if loss is None else loss, LOSSES)
    if steps is None and seconds is None:
        steps = 14_000
    every = measure_every if steps is None else min(measure_every, whole_number("steps", steps, 1))
    settings = Settings(
        epochs=_ENDLESS if steps is None else math.ceil(steps / every),
        batch_size=batch_size,
        lr=kind.lr if lr is None else lr,
        schedule=schedule,
        objective="multilabel",
        validation=0.0,
        seed=seed,
        accelerator=where,
        precision=precision,
        torch_threads=torch_threads,
    )
    feed = ALUFeed(alu, batch_size, every, validation_points, soft=kind.is_luts)
    position = StreamPosition(feed, adaptive)
    callbacks: list[Callback] = [position] if seconds is None else [position, TimeLimit(seconds)]
    folder = None if out is None else Path(out)
    penalties = [kernel_decay] if decaying(network) else []
    trainer = Trainer(
        settings,
        folder=folder,
        checkpoint_seconds=checkpoint_seconds,
        quiet=quiet,
        loss=LOSSES[loss_name],
        penalties=penalties,
        callbacks=callbacks,
    )
    fit = trainer.fit_feed(network, feed, resume=resume)
    taken = feed.stream.state()["batch"]
    with threads_of_torch(torch_threads):
        answers = measured(network, alu, points, soft=kind.is_luts)
        network.cpu()
        circuit, lowering = _lowered(trained, min(points, 1000)) if kind.is_luts else (None, None)
    report = DenseReport(
        kind.name,
        trained.options,
        trained.parameters,
        describe_device(where),
        {**settings.to_json(), "loss": loss_name, "adaptive": adaptive, "measure_every": every, "alu": alu.to_json()},
        answers,
        taken,
        taken * batch_size,
        fit.train_seconds,
        min(fit.best.epoch * every, taken),
        float(fit.best.hard or 0.0),
        fit.stopped,
        circuit,
        lowering,
    )
    if folder is not None:
        trained.save(folder / MODEL)
        if circuit is not None:
            save(circuit, folder / CIRCUIT)
        write_atomically(folder / REPORT, (json.dumps(report.to_json(), indent=2) + "\n").encode())
    return report


def _lowered(trained: TrainedModel, points: int) -> tuple[Circuit, str]:
    """Return the circuit of a network of LUTs, found to be the network, and what was proved of it."""
    network, alu = trained.network, trained.alu
    circuit = lower(network, alu.encoder.input_shape).circuit
    proof = prove_lowering(network, circuit)
    if proof.verdict == "failed":
        raise CircuitMismatchError(f"the circuit does not hold what the network states: {proof.problems[0]}")
    for name in alu.names:
        x = EncodedPoints.of(alu, name, points, "test").x
        if not np.array_equal(circuit.decision_function(x), logits(network, x, np.arange(len(x)), hardened=True)):
            raise CircuitMismatchError(f"the circuit's scores differ from the network's on examples of {name}")
    return circuit, proof.verdict
