"""What moves the weights: optimizers over groups of parameters, schedules of rates, the average of the weights."""
