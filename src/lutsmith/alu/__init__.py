"""Devices with many learned operations: one circuit with an operation code, its check, and a calculator."""
