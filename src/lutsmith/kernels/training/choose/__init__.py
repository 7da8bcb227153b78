"""The candidate that each slot of a learned LUT reads: its best one that no earlier slot has taken."""
