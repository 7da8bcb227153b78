"""The loops of prediction: LUTs, comparators and popcounts on packed samples. Never torch."""
