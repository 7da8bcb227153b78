"""The tables of two inputs that logits of the sixteen gates give."""
