"""Benchmarks: each module is one command, `python -m benchmarks.NAME`, that prints a table and writes JSON."""
