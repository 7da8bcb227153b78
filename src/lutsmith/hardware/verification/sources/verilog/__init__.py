"""Verilog that all tools read alike, and which statements drive which bits."""
