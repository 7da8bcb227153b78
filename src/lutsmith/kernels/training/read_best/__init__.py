"""Rows of the best-scored inputs, with gradients for the scores of all inputs."""
