"""Plots by matplotlib, which is imported where one is drawn. Extra `plot`."""
