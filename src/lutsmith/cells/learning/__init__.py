"""Ways to learn the tables of a cell from examples."""
