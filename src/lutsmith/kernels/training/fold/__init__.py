"""The multilinear extension of each LUT at soft inputs, and the gradients of everything that LUTs read."""
