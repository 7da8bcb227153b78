"""How few samples are evaluated one by one; a file without imports, which the engine reads before compiled code is."""

FEW = 4
"""Up to so many samples are evaluated one by one, and may be without compiled code."""
