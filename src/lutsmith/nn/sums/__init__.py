"""Numbers between modules in a circuit: sums of bits, what modules make of them, and the bits that come out."""
