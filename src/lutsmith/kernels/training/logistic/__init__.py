"""The logistic function of logits, which is what LUTs whose sigmoid sits on the output give."""
