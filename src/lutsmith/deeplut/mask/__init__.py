"""Masks, at DeepLUT's paths."""
