"""Trainers, at DeepLUT's paths."""
