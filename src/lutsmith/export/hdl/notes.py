"""Facts that a circuit holds and a design does not, for the comments of a hardware description: features, heads,
classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.heads import Head
from lutsmith.circuit.inputs import Inputs
from lutsmith.circuit.results import IntegerHead
from lutsmith.export.hdl.names import constants, quoted
from lutsmith.logic.design import Design, Port
from lutsmith.logic.heads import EachHead, heads_of_circuit
from lutsmith.logic.words import Words

INDEX_NAMES = {"multilabel": "label", "regression": "target"}
"""What the scores of an objective are of; of classes, where it is not said."""


@dataclass(frozen=True, eq=False)
class Notes:
    """Facts that a circuit holds and a design does not. Immutable.

    Attributes:
        input_shape: the shape of one sample.
        inputs: the inputs of the network, which comments describe.
        heads: one after the other; none where there is no head.
        feature_names: one for each feature, or None.
    """

    input_shape: tuple[int, ...]
    inputs: Inputs
    heads: tuple[EachHead, ...] = ()
    feature_names: tuple[str, ...] | None = None

    @classmethod
    def of(cls, circuit: Circuit) -> Notes:
        """Return the notes of a circuit."""
        return cls(circuit.input_shape, circuit.inputs, heads_of_circuit(circuit), circuit.schema.names)

    def feature(self, index: int) -> str:
        """Return a feature's number, its place in a sample of several dimensions, and its name."""
        text = f"feature {index}"
        if len(self.input_shape) > 1:
            text += f" at ({', '.join(map(str, np.unravel_index(index, self.input_shape)))})"
        return text if self.feature_names is None else f"{text} {quoted(self.feature_names[index])}"

    def inputs_told(self, words: Words | None) -> list[str]:
        """Return a description of each input of the network: the feature that it compares, and where words are not
        floats, the threshold.
        """
        comparators = self.inputs.comparators
        feature, threshold = comparators.feature, comparators.threshold
        named = {index: self.feature(index) for index in np.unique(self.inputs.feature).tolist()}
        texts = [
            f"{named[index]} > {float(value):.9g}" for index, value in zip(feature.tolist(), threshold, strict=True)
        ]
        if words is not None:
            whole = np.full(feature.size, not words.is_float)
            if words.formats is not None:
                whole |= words.formats.place(feature) >= 0
            places = np.flatnonzero(whole)
            for place, limit in zip(places, words.limits(feature[places], threshold[places]).tolist(), strict=True):
                texts[place] += f": word > {limit}"
        bits = self.inputs.words
        if bits is not None:
            pairs = zip(bits.feature.tolist(), bits.bit.tolist(), strict=True)
            texts += [f"{named[index]}: bit {bit} of its word" for index, bit in pairs]
        return [*texts, *(f"{named[index]} is missing" for index in self.inputs.missing.tolist())]

    def owners(self, port: Port) -> Iterator[tuple[int, str]]:
        """Yield (first bit, owner) for the words of counts and scores, and for each group of outputs."""
        for each in self.heads:
            if port.name == "outputs":
                yield from _groups(each, port.count)
            elif port.name in (f"{each.prefix}counts", f"{each.prefix}scores") and isinstance(each.head, Head):
                scores = port.name.endswith("scores")
                of_class = scores or each.head.is_plain
                what = port.name.removeprefix(each.prefix)[:-1]
                for word in range(port.count):
                    owner = _owner(each, word, port.count // each.head.places, of_class=of_class)
                    yield word * port.width, f"{owner}: {what}, from bit 0 up"


def _groups(each: EachHead, count: int) -> Iterator[tuple[int, str]]:
    """Yield the first output of each group of a head, or of each place of integers."""
    head = each.head
    if not isinstance(head, Head):
        if each.prefix:
            yield each.first, f"from here: the integers of {each.prefix[:-1]}"
        return
    groups = head.places * head.num_groups
    if count >= groups:
        for index in range(groups):
            owner = _owner(each, index, head.num_groups, of_class=head.is_plain)
            yield each.first + index * (each.outputs // groups), f"from here: {owner}"


def _owner(each: EachHead, word: int, count: int, *, of_class: bool) -> str:
    """Return of which class or group a word is, of which place and of which head."""
    place, index = divmod(word, count)
    owner = f"{index_name(each.objective) if of_class else 'group'} {index}"
    if of_class and each.classes is not None and str(each.classes[index]) != str(index):
        owner += f" {quoted(each.classes[index])}"
    if each.head.shape:
        owner += f" at place {place}"
    return f"{each.prefix[:-1]}: {owner}" if each.prefix else owner


def index_name(objective: str | None) -> str:
    """Return what the scores of an objective belong to: class, label or target."""
    return INDEX_NAMES.get(objective or "", "class")


Told = tuple[str, str | None, "tuple[object, ...] | None", "Head | IntegerHead | None"]
"""Prefix of the ports, objective, classes, and the head where it is known."""


def told(design: Design, notes: Notes | None) -> list[Told]:
    """Return what is known about each head."""
    if notes is None or not notes.heads:
        return [("", design.objective, design.classes, None)]
    return [(each.prefix, each.objective, each.classes, each.head) for each in notes.heads]


def class_constants(design: Design, notes: Notes | None) -> Iterator[tuple[str, int, str]]:
    """Yield a constant for each class of each head: its name, its number, and the class as a comment."""
    borders = (design.inputs, *(part.outputs for part in design.parts))
    taken = {port.name.upper() for side in borders for port in side}
    for prefix, objective, classes, _ in told(design, notes):
        if classes is not None:
            plain = re.sub(r"_+", "_", f"{prefix}{index_name(objective)}").upper()
            for index, name in enumerate(constants(plain, classes, taken)):
                yield name, index, quoted(classes[index])
