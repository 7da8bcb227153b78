"""C and JavaScript as pieces, and the names and sizes that stand in them."""
