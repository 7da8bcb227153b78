"""Pieces of a circuit as tensors and JSON, for model files: what `circuit.file` puts into one file."""
