"""Layers, at DeepLUT's paths."""
