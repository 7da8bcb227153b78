"""The encoder that a circuit's inputs are: a thermometer of comparators, levels that are words, missing values, or
several of these.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.encoder import Comparators
from lutsmith.circuit.traits import refuse
from lutsmith.encodings.codes import MAX_BINARY_BITS
from lutsmith.nn.encoders.base import Encoder
from lutsmith.nn.encoders.codes import UniformFixedPoint
from lutsmith.nn.encoders.missing import Missing
from lutsmith.nn.encoders.several import Several
from lutsmith.nn.encoders.thermometers import Thermometer

Bounds = tuple[NDArray[np.float32], NDArray[np.float32]]


def encoder_of_circuit(
    circuit: Circuit, wanted: NDArray[np.int64]
) -> tuple[Encoder | Several, NDArray[np.int64], NDArray[np.int64]]:
    """Return an encoder that has some inputs of a circuit among its bits; which of its bits each of these inputs is,
    int64; and the feature of each of its bits, int64. Both refer to the flattened encoded sample.

    Args:
        circuit: any.
        wanted: int64, numbers of inputs, ascending.

    Raises:
        ValueError: a circuit that reads words that are signed or of more than 16 bits.
    """
    inputs, words, shape = circuit.inputs, circuit.words, circuit.input_shape
    who, instead = "a network to train", f"it reads comparators and unsigned words of up to {MAX_BINARY_BITS} bits"
    refuse(circuit, ("long words",), who, instead)
    if words is not None and (words.longest > MAX_BINARY_BITS or words.formats.signed[words.place].any()):
        raise ValueError(f"the circuit has signed or long words as inputs, which {who} does not take: {instead}")
    zeros = np.zeros(inputs.num_features, np.float32)
    bounds = circuit.fitted_range or (zeros, zeros)  # which say nothing
    first = len(inputs.comparators)
    is_compared, is_missing = wanted < first, wanted >= len(inputs) - inputs.missing.size
    parts: list[tuple[Encoder, NDArray[np.bool_], NDArray[np.int64]]] = []  # of which inputs: bit b of feature f
    if is_compared.any() or not wanted.size:
        thermometer, own = _thermometer(inputs.comparators, wanted[is_compared], bounds, shape)
        parts.append((thermometer, is_compared, own))
    if words is not None:
        is_word = ~is_compared & ~is_missing
        read = np.where(is_word, wanted - first, 0)
        lengths = np.where(is_word, words.formats.bits[words.place[read]], 0)
        for length in np.unique(lengths[is_word]).tolist():
            same = lengths == length
            formats = words.formats[np.unique(words.place[read[same]])]
            own = words.feature[read[same]].astype(np.int64) * length + words.bit[read[same]]
            parts.append((UniformFixedPoint.of_words(formats, bounds, shape), same, own))
    if is_missing.any():
        parts.append((_missing(bounds, shape), is_missing, inputs.feature[wanted[is_missing]].astype(np.int64)))
    place, features, before = np.zeros(wanted.size, np.int64), [], 0
    for encoder, some, own in parts:
        width = encoder.num_bits  # bit b of channel c is channel c width + b of an encoded sample
        layout = np.moveaxis(np.arange(zeros.size * width).reshape(*shape, width), -1, 1).reshape(-1)
        found = np.empty(layout.size, np.int64)
        found[layout] = np.arange(layout.size)
        place[some] = before + found[own]
        features.append(layout // width)
        before += layout.size
    encoders = [encoder for encoder, _, _ in parts]
    return encoders[0] if len(encoders) == 1 else Several(encoders), place, np.concatenate(features)


def _missing(bounds: Bounds, shape: tuple[int, ...]) -> Encoder:
    encoder = Missing()
    encoder.thresholds = torch.empty(*shape, 0)
    return _as_fitted(encoder, bounds, shape)


def _as_fitted(encoder: Encoder, bounds: Bounds, shape: tuple[int, ...]) -> Encoder:
    """Return an encoder with thresholds as one that was fitted on samples of a shape within bounds."""
    encoder.input_min, encoder.input_max = (torch.tensor(bound.reshape(shape)) for bound in bounds)
    encoder.fit_input_shape = torch.tensor(shape)
    return encoder


def _thermometer(
    encoder: Comparators, wanted: NDArray[np.int64], bounds: Bounds, shape: tuple[int, ...]
) -> tuple[Encoder, NDArray[np.int64]]:
    """Return the thermometer with the thresholds of some comparators, and which of its bits these are: bit b of feature
    f is f width + b.
    """
    feature, threshold = encoder.feature[wanted].astype(np.int64), encoder.threshold[wanted] + 0.0
    order = np.lexsort((threshold, feature))
    is_new = np.ones(order.size, np.bool_)
    is_new[1:] = (np.diff(feature[order]) != 0) | (threshold[order[1:]] != threshold[order[:-1]])
    first, which = order[is_new], np.empty_like(order)
    which[order] = np.cumsum(is_new) - 1
    owner = feature[first]
    number = np.arange(owner.size) - np.searchsorted(owner, owner)  # among the thresholds of its feature
    width = int(number.max(initial=0)) + 1
    thresholds = np.full((encoder.num_features, width), np.inf, np.float32)
    thresholds[owner, number] = threshold[first]
    thermometer = Thermometer(width, unique=True)
    thermometer.thresholds = torch.from_numpy(thresholds.reshape(*shape, width))
    return _as_fitted(thermometer, bounds, shape), (owner * width + number)[which]
