"""Each LUT as hardware evaluates it, by address, with the gradient of the fold at a point pulled to the centre."""
