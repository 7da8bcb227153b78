"""Rows that are not in memory: `source` says what they are, `arrays` and `parquet` are the kinds that there are."""
