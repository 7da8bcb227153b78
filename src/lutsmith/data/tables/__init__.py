"""Tables: readers for text, Parquet, Feather and frames, what columns hold, and public tables by name."""
