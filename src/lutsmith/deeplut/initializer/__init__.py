"""Initialisers, at DeepLUT's paths."""
