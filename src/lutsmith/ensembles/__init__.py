"""Several circuits that vote, as one circuit."""

from lutsmith.ensembles.merging import merge

__all__ = ["merge"]
