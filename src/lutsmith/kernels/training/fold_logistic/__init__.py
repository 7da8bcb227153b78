"""The logistic function of the fold: LUTs whose sigmoid sits on the output, in one pass."""
