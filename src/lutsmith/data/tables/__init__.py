"""Tables: text, Parquet, Feather and frames read, what their columns hold, and public ones by name."""
