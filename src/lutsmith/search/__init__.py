"""Training without gradients: networks of any depth, whose tables and wires are bits at all times. Without torch."""
