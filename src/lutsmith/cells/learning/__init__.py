"""How the tables of a cell are learned from examples."""
