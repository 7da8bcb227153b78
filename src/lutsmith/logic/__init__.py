"""Circuits as nothing but logic: comparators on words, LUTs, popcounts and decisions, all as netlists. Never torch."""

from lutsmith.logic.design import Design, Part, Port
from lutsmith.logic.words import Words

__all__ = ["Design", "Part", "Port", "Words"]
