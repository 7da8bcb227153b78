"""VHDL that all tools read alike: its words, what an architecture drives, its entities."""
