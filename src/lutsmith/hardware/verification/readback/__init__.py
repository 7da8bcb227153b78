"""Files read as text and compared with what the export writes: names, sizes, structure, code."""
