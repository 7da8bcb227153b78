"""Registries of parts of one's own, as they were before a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def registries_kept() -> Iterator[None]:
    """Put back what the block adds to the registries of parametrizations, wirings, masks and search methods."""
    from lutsmith.nn import parametrizations
    from lutsmith.nn.connections import wirings
    from lutsmith.nn.neurons.masks import MASKS
    from lutsmith.search import method
    from lutsmith.search.settings import SearchSettings  # noqa: F401 - makes lutsmith's methods known

    registries = (parametrizations._REGISTRY, wirings.WIRINGS, MASKS, method._METHODS)
    before, repeating = [dict(registry) for registry in registries], set(wirings.REPEATING)
    try:
        yield
    finally:
        for registry, own in zip(registries, before, strict=True):
            registry.clear()
            registry.update(own)  # type: ignore[arg-type]
        wirings.REPEATING.clear()
        wirings.REPEATING.update(repeating)
