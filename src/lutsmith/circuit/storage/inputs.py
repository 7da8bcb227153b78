"""Inputs other than comparators: bits of words and missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from lutsmith.circuit.circuit import Circuit
from lutsmith.circuit.storage.narrow import UNSIGNED, Tensors, narrow
from lutsmith.circuit.words import WordBits, WordFormats

WORD_TENSORS: dict[str, tuple[str, ...]] = {
    "word_feature": UNSIGNED,
    "word_bit": ("U8",),
    "format_feature": UNSIGNED,
    "format_bits": ("U8",),
    "format_signed": ("U8",),
    "format_offset": ("F64",),
    "format_per_unit": ("F64",),
    "missing": UNSIGNED,
}
"""The types that each may have."""


def input_tensors(circuit: Circuit) -> Tensors:
    """Return the tensors of a circuit's inputs after the comparators."""
    tensors: Tensors = {}
    words = circuit.words
    if words is not None:
        formats = words.formats
        tensors |= {
            "word_feature": narrow(words.feature, np.uint32),
            "word_bit": words.bit.astype(np.uint8),
            "format_feature": narrow(formats.feature, np.uint32),
            "format_bits": formats.bits.astype(np.uint8),
            "format_signed": formats.signed.astype(np.uint8),
        }
        if not formats.plain.all():
            tensors |= {"format_offset": formats.offset, "format_per_unit": formats.per_unit}
    if circuit.missing.size:
        tensors["missing"] = narrow(circuit.missing, np.uint32)
    return tensors


def inputs_of(tensors: Tensors) -> dict[str, Any]:
    """Return the fields `words` and `missing` of the circuit of these tensors.

    Raises:
        TypeError, ValueError: tensors that are missing or do not fit together.
    """
    fields: dict[str, Any] = {}
    named = {name for name in WORD_TENSORS if name.startswith(("word_", "format_")) and name in tensors}
    if named:
        if not named >= {"word_feature", "word_bit", "format_feature", "format_bits", "format_signed"}:
            raise ValueError(f"of its words there are {', '.join(sorted(named))} alone")
        if ("format_offset" in named) != ("format_per_unit" in named):
            raise ValueError("its words have one of offset and per_unit alone")
        size = tensors["format_feature"].size
        formats = WordFormats(
            tensors["format_feature"],
            tensors["format_bits"],
            tensors["format_signed"],
            tensors.get("format_offset", np.zeros(size)),
            tensors.get("format_per_unit", np.ones(size)),
        )
        fields["words"] = WordBits(tensors["word_feature"], tensors["word_bit"], formats)
    if "missing" in tensors:
        fields["missing"] = tensors["missing"]
    return fields
