"""Circuits as ONNX models of standard operators."""

from lutsmith.export.onnx.model import to_onnx

__all__ = ["to_onnx"]
