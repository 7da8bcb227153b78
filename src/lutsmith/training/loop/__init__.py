"""The loop over epochs and steps, and what it needs: steps, validation, checkpointing, devices, the order of data."""
