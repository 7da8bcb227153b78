"""Pickles of circuits: small, and each circuit is made once in a process, however often its pickle arrives.

A framework that spreads work over processes sends the circuit along with every piece of the work. Its pickle holds what
the circuit is, as its file does, and nothing that an engine has made of it. Circuits never change, so a process that
reads the same pickle again takes the circuit that it has, with the engine that is ready.
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import Any


def reduced(kind: type, fields: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what `__reduce__` is to return for a value that `kind(*fields)` makes."""
    return revived, (kind, pickle.dumps(fields, protocol=5))


@lru_cache(maxsize=4)
def revived(kind: type, data: bytes) -> Any:
    """Return the value of a pickle: the one that this process made of the same bytes, if it is one of the last four.

    The bytes are a part of the pickle that is being read, so they are as trusted as that is.
    """
    return kind(*pickle.loads(data))
