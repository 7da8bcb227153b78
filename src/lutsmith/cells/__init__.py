"""Shared cells: small look-up tables, wired to copies of themselves, that learn arithmetic exactly at any width."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "arrays": ["ArrayCell", "Counter", "RowFeedback", "Shifter"],
        "fabric": ["Evaluator", "Fabric", "TableShape"],
        "fabrics": ["FABRICS", "Tap", "fabric_of"],
        "learned": ["LearnedCell"],
        "serial": ["Bitwise", "SerialCell", "TwoPass"],
        "textbook": ["TEXTBOOK"],
    },
)
