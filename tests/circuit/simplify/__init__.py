"""Simplified netlists compute what the given ones did."""
