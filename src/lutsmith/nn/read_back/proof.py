"""The proof that a circuit is the model it was lowered from: every table, wire, threshold and the head, read back."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lutsmith.circuit.circuit import Circuit
from lutsmith.ground.arguments import instance_of
from lutsmith.ground.arrays import packed
from lutsmith.nn.read_back import binary as _binary  # noqa: F401 - they register their statements
from lutsmith.nn.read_back import modules as _modules  # noqa: F401
from lutsmith.nn.read_back import own as _own  # noqa: F401
from lutsmith.nn.read_back import places as _places  # noqa: F401
from lutsmith.nn.read_back.computed import read_computed
from lutsmith.nn.read_back.encoded import encoded_words
from lutsmith.nn.read_back.finding import LOST
from lutsmith.nn.read_back.functions import MISSING, Functions
from lutsmith.nn.read_back.heads import labels_of, wrong_head
from lutsmith.nn.read_back.large_tables import numbers_of
from lutsmith.nn.read_back.neurons import NotEstablishedError, NumberWalk
from lutsmith.nn.read_back.points import LONGEST, points_of
from lutsmith.nn.read_back.report import LoweringProof, ModuleProof, Verdict
from lutsmith.nn.read_back.statements import (
    Bits,
    Branches,
    ChosenBits,
    LutGroups,
    Luts,
    NumberStatement,
    Scores,
    Statement,
    speaker_of,
)

Numbers = NDArray[np.int64]

_WRAPPERS = ("_orig_mod", "_forward_module")  # of torch.compile and Fabric


def prove_lowering(
    model: nn.Module, circuit: Circuit, *, classes: Sequence[int | float | str] | None = None
) -> LoweringProof:
    """Prove that a circuit, as `to_circuit` gave it, computes what the model computes in eval mode on float32 numbers.

    The circuit is read back without the code that made it, from the features to the scores. What its signals compute is
    numbered (`functions.Functions`), and each module in turn must find its outputs among these numbers:

    - encoder: each bit that anything reads, by its values on both sides of every threshold of the feature, those of the
      circuit's comparators and words and those of the encoder, at both ends of float32 and at NaN, as the encoder's
      forward pass gives them;
    - layer: each LUT, by its truth table and the numbers of its inputs in order; ranks 7 and 8 by their cofactors and
      the LUT that chooses among them; of kernels that is one table for all places, and the wires of each;
    - head: each output in its place, groups, weights, bias, scale, offset, objective;
    - circuit: labels of the classes, the fitted range, no registers.

    Where all are **proved**, scores are equal for every sample, by induction over the modules. The proof trusts that in
    eval mode a layer's forward pass is the look-up in the tables and inputs that it reads, an encoder's bits depend on
    their own feature alone and change only at its thresholds, and a head's is the sums that it states (the tests of the
    layers compare these, and so does every run on all of its measured rows); PyTorch and the wrappers of
    `torch.compile` and Fabric; and that the circuit is evaluated as `Circuit.evaluate` says. Features of other types
    count as the float32 that they are rounded to. Without an encoder the proof is of features that are 0 or 1.

    **Failed** means that the circuit does not hold what a module states, and says where. Circuits that were changed
    since, such as simplified ones, fail: prove those against this circuit. A class that is not known, a subclass of one
    that is, a module with hooks or with a forward of its own is **not established**, and so is all that reads it.

    Args:
        model: as it was given to `to_circuit`; its mode is left as it is.
        circuit: what came out.
        classes: the labels, as they were given to `to_circuit`.

    Returns:
        A row for each module that is more than a container; `.ok` says whether every one is proved.
    """
    instance_of("model", model, nn.Module)
    instance_of("circuit", circuit, Circuit)
    began = time.perf_counter()
    walk = _Walk(circuit)
    with torch.no_grad():
        if circuit.netlist.num_registers:
            walk.add("circuit", "Circuit", "failed", f"it has {circuit.netlist.num_registers} registers, a model none")
        else:
            walk.visit(model, "model")
            walk.finish(None if classes is None else list(classes))
    return LoweringProof(tuple(walk.rows), time.perf_counter() - began)


class _Walk:
    """Where the walk through the model stands: the numbers of its present bits, among the circuit's functions.

    Bits that the circuit does not have are negative: -1 - e is bit e of the encoder, which is nothing to worry about
    until something reads it.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.rows: list[ModuleProof] = []
        self.values: Numbers = np.arange(circuit.encoder.num_features).reshape(circuit.input_shape)
        self.functions: Functions | None = None  # once there are bits
        self.encoder: tuple[int, Bits] | None = None  # its row and what it states
        self.unknown: str | None = None  # the module after which nothing is known
        self.head: Scores | None = None
        self.neurons = NumberWalk(self)

    def add(self, name: str, module: str, verdict: Verdict, reason: str) -> None:
        self.rows.append(ModuleProof(name, module, verdict, reason))

    def visit(self, module: nn.Module, name: str) -> None:
        for wrapped in _WRAPPERS:
            if isinstance(inner := getattr(module, wrapped, None), nn.Module):
                self.visit(inner, name)
                return
        kind = type(module).__name__
        try:
            sequence = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
            _check_plain(module, deep=not sequence)
            if sequence:
                for step, child in module._modules.items():  # `named_children` knows none twice
                    assert child is not None
                    self.visit(child, f"{name}.{step}")
                return
            if self.unknown is not None:
                raise NotEstablishedError(f"it comes after {self.unknown}, of which nothing is known")
            if self.head is not None:
                self.add(name, kind, "failed", "it comes after the head, which ends a circuit")
            elif type(module) in (nn.Flatten, nn.Unflatten, nn.ChannelShuffle):
                self._reshape(module)
            elif type(module) not in (nn.Identity, nn.Dropout):
                self._read(name, kind, self._statement(module))
        except NotEstablishedError as reason:
            self.add(name, kind, "not established", str(reason))
            self.unknown = self.unknown or name

    def _statement(self, module: nn.Module) -> Statement:
        speaker = speaker_of(module)
        if speaker is None:
            raise NotEstablishedError("what such a module computes is not known here")
        shape = self.values.shape if self.neurons.numbers is None else self.neurons.numbers.shape
        try:
            return speaker(module, shape)
        except (ValueError, RuntimeError) as error:
            raise NotEstablishedError(str(error)) from error

    def _read(self, name: str, kind: str, statement: Statement) -> None:
        if isinstance(statement, Bits):
            self.read_encoder(name, kind, statement)
            read_computed(self)
            return
        if isinstance(statement, NumberStatement):
            self.neurons.read(name, kind, statement)
            return
        if self.functions is None:
            self._read_features_as_bits()
        self.neurons.to_bits()
        if isinstance(statement, Branches):
            self._read_branches(name, statement)
        elif isinstance(statement, LutGroups):
            self._read_groups(name, kind, statement)
        elif isinstance(statement, Luts):
            luts, kept = self._read_luts(name, kind, statement, self.values), statement.kept
            self.values = luts if kept is None else np.concatenate([self.values[..., kept], luts], axis=-1)
        elif isinstance(statement, ChosenBits):
            if statement.inputs is not None:
                self.values = self.values[..., statement.inputs]
            self.add(name, kind, "proved", "wires alone")
        else:
            self._read_head(name, kind, statement)

    # encoder

    def _read_features_as_bits(self) -> None:
        features = self.values
        half = np.full((features.size, 1), 0.5, np.float32)
        everywhere = np.arange(features.size).reshape(features.shape)
        unbounded = np.zeros(0, np.float32), np.zeros(0, np.float32)
        halves = Bits(features.shape, half, everywhere, lambda x: x > np.float32(0.5), unbounded)
        self.read_encoder("input", "features as bits", halves)

    def read_encoder(self, name: str, kind: str, stated: Bits) -> None:
        if self.functions is not None:
            self.add(name, kind, "failed", "it reads features, and its inputs are bits already")
            raise NotEstablishedError("it encodes bits")
        if stated.shape != self.values.shape:
            raise NotEstablishedError(f"it reads samples of shape {stated.shape}, the circuit {self.values.shape}")
        features, inputs = self.values.reshape(-1), self.circuit.inputs
        if inputs.words is not None and (longest := inputs.words.longest) > LONGEST:
            raise NotEstablishedError(f"the circuit reads words of {longest} bits, and up to {LONGEST} are looked at")
        x = points_of(inputs, np.repeat(features, stated.thresholds.shape[1]), stated.thresholds.reshape(-1))
        self.functions = Functions(self.circuit, x)
        samples = x[:, features].reshape(len(x), *stated.shape)
        found = self.functions.of_bits(features[stated.feature.reshape(-1)], encoded_words(stated, samples))
        absent = found == MISSING
        found[absent] = -1 - np.flatnonzero(absent)
        self.values = found.reshape(stated.feature.shape)
        self.encoder = len(self.rows), stated
        words = f", {inputs.num_word_bits:,} bits of words" if inputs.num_word_bits else ""
        kept = f"{np.count_nonzero(~absent):,} of {found.size:,} bits, {len(inputs.comparators):,} comparators{words}"
        self.add(name, kind, "proved", f"{kept}, on {len(x):,} numbers of each of {features.size:,} features")

    def blame_encoder(self, wanted: Numbers) -> None:
        """Fail the encoder where what is read are bits of it that the circuit does not have."""
        bits = np.unique(-1 - wanted[(wanted < 0) & (wanted != LOST)])
        if self.encoder is None or not bits.size:
            return
        row, stated = self.encoder
        place = tuple(int(i) for i in np.unravel_index(bits[0], stated.feature.shape))
        shown = place[0] if len(place) == 1 else place
        self.rows[row] = replace(
            self.rows[row],
            verdict="failed",
            reason=f"{bits.size} of {stated.feature.size:,} bits are read and no signal of the circuit is them, first "
            f"bit {shown}, of feature {int(stated.feature[place])}",
        )

    # layers

    def _read_luts(self, name: str, kind: str, stated: Luts, values: Numbers, note: str = "") -> Numbers:
        """Return the numbers of the LUTs `(..., W)` over `values` `(..., width)`."""
        if values.ndim == 0 or values.shape[-1] != stated.width:
            raise NotEstablishedError(f"it reads {stated.width} bits, and there are {values.shape}")
        count, rank = stated.inputs.shape
        if stated.inputs.min() < 0 or stated.inputs.max() >= stated.width:
            raise NotEstablishedError(f"its wiring names inputs beyond its {stated.width}")
        assert self.functions is not None
        reads = values.reshape(-1, stated.width)[:, stated.inputs].reshape(-1, rank)
        own = packed(stated.tables)
        own = own if stated.table_of is None else own[stated.table_of]
        words = np.tile(own, (len(reads) // count, 1))
        known = (reads >= 0).all(axis=1)
        self.blame_encoder(reads)
        found = np.full(len(reads), LOST)
        found[known] = numbers_of(self.functions, reads[known], words[known])
        wrong = np.flatnonzero(found == MISSING)
        found[wrong] = LOST
        lost = int(np.count_nonzero(~known))
        what = f"{found.size:,} LUTs of rank {rank}"
        if wrong.size:
            first = int(wrong[0])
            reason = self._difference(first % count, stated, reads[first], words[first])
            where = f" (place {first // count})" if found.size > count else ""
            self.add(name, kind, "failed", f"{wrong.size:,} of {what} are not in the circuit: {reason}{where}")
        elif lost:
            self.add(name, kind, "not established", f"{lost:,} of {what} read what was not found before")
        else:
            owners = stated.table_of
            held = (
                "tables and wires" if owners is None else f"{_tables(len(stated.tables))}, and the wires of each place"
            )
            self.add(name, kind, "proved", f"{what}: {held}{note}")
        return found.reshape(*values.shape[:-1], count)

    def _read_groups(self, name: str, kind: str, stated: LutGroups) -> None:
        """Read LUTs one group after the other, each over the inputs, the constants and the groups before it."""
        known = np.concatenate([self.values.reshape(-1), [0, 1]])  # the numbers of the constants are 0 and 1
        for number, luts in enumerate(stated.steps):
            step = name if len(stated.steps) == 1 else f"{name}.{number}"
            note = f"; {stated.note}" if stated.note and number + 1 == len(stated.steps) else ""
            known = np.concatenate([known, self._read_luts(step, kind, luts, known, note)])
        if not stated.steps:
            self.add(name, kind, "proved", "wires alone")
        self.values = known[stated.outputs]

    def _read_branches(self, name: str, stated: Branches) -> None:
        """Visit modules that read the same bits, and join what they say."""
        before, found = self.values, []
        for part, module in stated.modules:
            self.values = before
            self.visit(module, f"{name}.{part}")
            self.neurons.to_bits()
            found.append(self.values)
        if found and self.unknown is None:
            self.values = np.concatenate(found, axis=stated.axis)
        for part, module in stated.behind:
            self.visit(module, f"{name}.{part}")

    def _difference(self, number: int, stated: Luts, reads: Numbers, words: NDArray[np.uint64]) -> str:
        assert self.functions is not None
        inputs = ", ".join(map(str, stated.inputs[number].tolist()))
        digits = "".join(f"{int(word):016x}" for word in words[::-1])
        owners = stated.table_of
        own = "" if owners is None else f", table {owners[number]} in its place {_place(owners, number)}"
        shown = f"0x{digits[-max(1, stated.tables.shape[1] // 4) :]}"
        text = f"first LUT {number}{own}, with inputs {inputs} and table {shown}"
        if len(reads) > 6:
            return text
        other = self.functions.same_reads(reads)
        if other is None:
            return f"{text}; no node reads just these signals"
        return f"{text}; the node that reads them has the table 0x{other:0{max(1, stated.tables.shape[1] // 4)}x}"

    def _reshape(self, module: nn.Module) -> None:
        """Let a module of torch that only reshapes do so with the present bits, and look that samples stay apart."""
        if self.neurons.numbers is not None:
            self.neurons.reshape(module)
            return
        places = np.arange(self.values.size).reshape(self.values.shape)
        try:
            moved = module(torch.from_numpy(np.stack([places, places + places.size]))).numpy()
        except (ValueError, RuntimeError, IndexError) as error:
            raise NotEstablishedError(str(error)) from error
        if len(moved) != 2 or not np.array_equal(moved[0] + places.size, moved[1]) or moved[0].size != places.size:
            raise NotEstablishedError("it joins samples of a batch")
        self.values = self.values.reshape(-1)[moved[0]]

    # head and ends

    def _read_head(self, name: str, kind: str, stated: Scores) -> None:
        self.head = stated
        if self.values.ndim != 1 and not stated.shape:
            raise NotEstablishedError(f"it reads one row of bits, and there are {self.values.shape}")
        bits = self.values.reshape(-1)
        if stated.order.size and stated.order.max() >= bits.size:
            raise NotEstablishedError(f"its order names inputs beyond the {bits.size} that there are")
        values = np.where(stated.order < 0, 0, bits[np.maximum(stated.order, 0)])  # 0 is the constant's number
        for level, luts in stated.levels:
            values = self._read_luts(f"{name}.{level}", "LogicDense", luts, values)
        wrong = self.wrong_outputs(values) or wrong_head(stated, self.circuit)
        if wrong:
            self.add(name, kind, "failed", wrong)
        elif (values < 0).any():
            self.add(name, kind, "not established", "it reads what was not found before")
        else:
            where = f" at each of {math.prod(stated.shape):,} places" if stated.shape else ""
            groups = f"{values.size:,} outputs in {stated.num_groups:,} groups{where}, {stated.objective}"
            self.add(name, kind, "proved", f"{groups}{f'; {stated.note}' if stated.note else ''}")

    def wrong_outputs(self, wanted: Numbers) -> str:
        """Return where the circuit's outputs are not `wanted` (O,); "" where they are, or nobody knows."""
        assert self.functions is not None
        outputs = self.circuit.netlist.outputs
        if outputs.size != wanted.size:
            return f"the circuit has {outputs.size:,} outputs, the model {wanted.size:,}"
        self.blame_encoder(wanted)
        differs = np.flatnonzero((wanted >= 0) & (self.functions.signals[outputs] != wanted))
        if not differs.size:
            return ""
        return f"{differs.size:,} of {outputs.size:,} outputs are others than the model's, first output {differs[0]}"

    def finish(self, classes: list[Any] | None) -> None:
        """Compare what belongs to no module: outputs of a model without head, labels, fitted range."""
        circuit = self.circuit
        if self.unknown is not None:
            self.add("circuit", "Circuit", "not established", f"it ends in what comes after {self.unknown}")
            return
        if self.functions is None:
            self._read_features_as_bits()
        try:
            self.head = self.head or self.neurons.end()
        except NotEstablishedError as reason:
            self.add("circuit", "Circuit", "not established", str(reason))
            return
        wrong = []
        values = self.values.reshape(-1)
        if self.head is None:
            wrong.append(self.wrong_outputs(values))
            if circuit.head is not None or circuit.objective is not None:
                wrong.append("it has a head or an objective, and the model has none")
            if not wrong[0] and (values < 0).any():
                self.add("circuit", "Circuit", "not established", "its outputs are what was not found before")
                return
        if (circuit.classes is None) != (classes is None) or labels_of(circuit.classes or ()) != labels_of(
            classes or ()
        ):
            wrong.append(f"its labels are {circuit.classes}, not {classes}")
        assert self.encoder is not None
        low, high = self.encoder[1].fitted_range
        theirs = circuit.fitted_range
        fitted = theirs if theirs is not None else (np.zeros(0, np.float32), np.zeros(0, np.float32))
        if not (np.array_equal(fitted[0], low) and np.array_equal(fitted[1], high)):
            wrong.append("its fitted range is another than the encoder's")
        wrong = [text for text in wrong if text]
        proved = "outputs, labels, fitted range" if self.head is None else "labels, fitted range"
        self.add("circuit", "Circuit", "failed" if wrong else "proved", "; ".join(wrong) or proved)


def _check_plain(module: nn.Module, *, deep: bool) -> None:
    """Raise where what a module computes may be something else than its class says."""
    for part in module.modules() if deep else (module,):
        if part._forward_hooks or part._forward_pre_hooks:
            raise NotEstablishedError("it has forward hooks, which may change what it computes")
        if "forward" in vars(part):
            raise NotEstablishedError("this one instance has a forward of its own")


def _tables(count: int) -> str:
    return f"{count:,} tables, each in all of its places" if count > 1 else "one table in all places"


def _place(owners: NDArray[Any], number: int) -> int:
    """Return how many LUTs before this one have its table."""
    return int(np.count_nonzero(owners[:number] == owners[number]))
