"""The fold of kernels at places, with OR or AND over windows of them; the gradient goes to the place chosen."""
