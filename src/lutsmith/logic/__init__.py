"""Circuits as pure logic: comparators on words, LUTs, popcounts and decisions, all as netlists. Never torch."""

from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.elaborate import elaborate
from lutsmith.logic.pipeline import is_balanced, pipelined
from lutsmith.logic.words import Words

__all__ = ["Design", "Part", "Port", "Words", "elaborate", "is_balanced", "pipelined"]
