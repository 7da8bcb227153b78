"""Devices of many operations that were learned: one circuit with an operation code, its check, and a calculator."""
