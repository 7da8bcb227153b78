"""Neurons that are sums of LUTs: each output adds up its own LUTs, and no LUT's output is kept."""
