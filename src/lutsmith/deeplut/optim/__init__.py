"""Optimizers, at DeepLUT's paths."""
