"""Training without gradients: networks of any depth with tables and wires that are bits at all times. Without torch."""

from __future__ import annotations

from lutsmith.search.change import Change
from lutsmith.search.method import SearchMethod, SearchStep, accept_best, register
from lutsmith.search.mutation import chosen_nodes, flipped_tables, fresh_tables, rewired
from lutsmith.search.settings import SearchSettings

__all__ = [
    "Change",
    "SearchMethod",
    "SearchSettings",
    "SearchStep",
    "accept_best",
    "chosen_nodes",
    "flipped_tables",
    "fresh_tables",
    "register",
    "rewired",
]
