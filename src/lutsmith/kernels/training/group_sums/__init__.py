"""Sums of equal groups of rows: what heads count."""
