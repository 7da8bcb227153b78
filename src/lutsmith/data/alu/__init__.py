"""Arithmetic as data: operations, encodings, samplers and endless streams of examples. NumPy alone."""
