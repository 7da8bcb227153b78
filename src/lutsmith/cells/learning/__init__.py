"""Learners of cells: what the tables of a fabric are, from examples of its results."""
