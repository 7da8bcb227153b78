"""The input that each slot reads where every input has a score: that of its highest score."""
